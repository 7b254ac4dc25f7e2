"""Once a day, what people wanted to be told of together."""

from __future__ import annotations

from itertools import groupby

from airflow_release_plugin.domain.flow.notice import digest_boundary
from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.exceptions import ConflictError
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
    due.sort(key=lambda row: (row.person_name, row.id))
    for person, rows in groupby(due, key=lambda row: row.person_name):
        _send(ctx, person, list(rows))


def _send(ctx: Context, person: str, rows: list[Notice]) -> None:
    items = [{"summary": row.facts["summary"], "url": row.facts["url"]} for row in rows[:_MOST_NAMED]]
    lines = [f"{item['summary']}\n{item['url']}" for item in items]
    if len(rows) > _MOST_NAMED:
        lines.append(f"and {len(rows) - _MOST_NAMED} more")
    url = f"{ctx.settings.base_url}/release/ui/notifications/"
    count = f"{len(rows)} things" if len(rows) > 1 else "One thing"
    notice = {
        "event": NotificationEvent.DIGEST.value,
        "kind": "digest",
        "summary": f"{count} to know about releases",
        "text": "\n\n".join([*lines, url]),
        "items": items,
        "url": url,
    }
    send(ctx, person, NotificationEvent.DIGEST, subject_type="person", subject_id=0, notice=notice)
