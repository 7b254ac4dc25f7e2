"""Once a day, what people wanted to be told of together."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from airflow_release_plugin.domain.flow.notice import digest_boundary
from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.messages import Message, counted, together
from airflow_release_plugin.models import Notice
from airflow_release_plugin.repositories import notices as queries
from airflow_release_plugin.services.notices.telling import send
from airflow_release_plugin.services.runtime.context import Context

MOST_AT_ONCE = 1000
"""Rows that one look takes up; the next one goes on, seconds later."""
_MOST_NAMED = 100


def gather(ctx: Context) -> None:
    """
    Put the digests that are due into the outbox, one for each person.

    :raises ConflictError: another server took them at the same moment
    """
    boundary = digest_boundary(ctx.clock(), ctx.settings.digest_hour)
    due = queries.due_in_digest(ctx.session, boundary, MOST_AT_ONCE)
    if due and not queries.take_into_digest(ctx.session, [row.id for row in due]):
        raise ConflictError("Another server gathers the digests.")
    due.sort(key=lambda row: (row.person_name, row.person_id, row.id))
    by_person = groupby(due, key=lambda row: Person(row.person_id, row.person_name))
    notices = {person: _notice(ctx, list(rows)) for person, rows in by_person}
    send(ctx, notices, NotificationEvent.DIGEST, subject_type="person", subject_id=0)


def _notice(ctx: Context, rows: list[Notice]) -> dict[str, Any]:
    items = [{"summary": row.facts["summary"], "url": row.facts["url"]} for row in rows[:_MOST_NAMED]]
    lines = [together([item["summary"], item["url"]], "\n") for item in items]
    if len(rows) > _MOST_NAMED:
        lines.append(Message("and %(left)s more", left=len(rows) - _MOST_NAMED))
    url = f"{ctx.settings.base_url}/release/ui/notifications/"
    return {
        "event": NotificationEvent.DIGEST.value,
        "kind": "digest",
        "summary": counted(
            "One thing to know about releases", "%(num)s things to know about releases", len(rows)
        ),
        "text": together([*lines, url], "\n\n"),
        "items": items,
        "url": url,
    }
