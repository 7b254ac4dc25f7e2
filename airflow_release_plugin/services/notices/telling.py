"""Telling people in person, in the transaction of what it is about; nothing here may stand in its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_release_plugin.domain.flow.notice import USUAL_WAYS, NoticeWay
from airflow_release_plugin.domain.flow.notification import PERSONAL_EVENTS, NotificationEvent
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.languages import ENGLISH, said_throughout, speaking
from airflow_release_plugin.repositories import notices as queries
from airflow_release_plugin.services.notices import messages
from airflow_release_plugin.services.runtime import preferences
from airflow_release_plugin.services.runtime.context import Context


def tell(
    ctx: Context,
    people: Sequence[Person],
    event: NotificationEvent,
    *,
    subject_type: str,
    subject_id: int,
    facts: Mapping[str, Any],
) -> None:
    """
    Tell each of ``people`` as they chose to be told: three statements and the messages, however many.

    :param facts: what templates of notifiers can use: no code, no secrets
    """
    if not people:
        return
    chosen = queries.ways(ctx.session, {person.id for person in people}, event)
    ways = {person: chosen.get((person.id, event), USUAL_WAYS[event]) for person in people}
    told = [person for person in people if ways[person] is not NoticeWay.NONE]
    queries.add(
        ctx.session,
        [
            {
                "person_id": person.id,
                "person_name": person.name,
                "event": event,
                "subject_type": subject_type,
                "subject_id": subject_id,
                "facts": dict(facts),
                "made_at": ctx.clock(),
                "in_next_digest": ways[person] is NoticeWay.DIGEST,
            }
            for person in told
        ],
    )
    at_once = {person: facts for person in told if ways[person] is NoticeWay.AT_ONCE}
    send(ctx, at_once, event, subject_type=subject_type, subject_id=subject_id)


def send(
    ctx: Context,
    notices: Mapping[Person, Mapping[str, Any]],
    event: NotificationEvent,
    *,
    subject_type: str,
    subject_id: int,
) -> None:
    """
    Put messages into the outbox, each in its person's language; a row for each notifier that wants it.

    :param notices: what each person is told
    """
    if not notices:
        return
    notifiers = messages.configured(ctx, "personal_notifiers", (*PERSONAL_EVENTS, NotificationEvent.DIGEST))
    spoken = preferences.languages(ctx, {person.id for person in notices}) if notifiers else {}
    for person, notice in notices.items():
        with speaking(spoken.get(person.id, ENGLISH)):
            words = said_throughout({"text": notice.get("summary", ""), **notice, "person": person.name})
        messages.put(ctx, notifiers, event, subject_type=subject_type, subject_id=subject_id, notice=words)
