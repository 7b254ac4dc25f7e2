"""The audit trail: appended in the transaction of what it tells of, hash-chained."""

from __future__ import annotations

from typing import Any

from airflow_release_plugin.domain.events import GENESIS, EventTag, event_hash
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import NotAllowedError
from airflow_release_plugin.models import Event
from airflow_release_plugin.repositories import events
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services.runtime.access import is_admin
from airflow_release_plugin.services.runtime.context import Context


def record(ctx: Context, *, actor: Actor, tag: EventTag, subject: str, **data: Any) -> None:
    """
    Append one event.

    :param subject: ``release:7``, ``gate:3``, ``submission:12``, ``environment:prod``
    :param data: facts as they are now; JSON values, no secrets
    """
    head = events.lock_head(ctx.session)
    now = ctx.clock()
    sequence, previous = head.sequence + 1, head.hash
    digest = event_hash(
        prev_hash=previous,
        sequence=sequence,
        time=now,
        tag=tag.value,
        actor_id=actor.id,
        actor_name=actor.name,
        subject=subject,
        data=data,
    )
    ctx.session.add(
        Event(
            sequence=sequence,
            time=now,
            tag=tag,
            actor_id=actor.id,
            actor_name=actor.name,
            subject=subject,
            data=data,
            prev_hash=previous,
            hash=digest,
        )
    )
    head.sequence, head.hash = sequence, digest
    # The next event of this transaction reads the head back from the database.
    ctx.session.flush()


def list_events(
    ctx: Context, *, actor: Actor, after: int = 0, limit: int = 100, offset: int = 0
) -> Page[Event]:
    """The whole trail, for administrators; people see the events of what they may see on its page."""
    if not is_admin(ctx, actor):
        raise NotAllowedError(
            f"{actor.name!r} may not read the whole audit trail; it needs one of the roles "
            f"{sorted(ctx.settings.admin_roles)}. The events of a release are on its page."
        )
    return events.list_events(ctx.session, after=after, limit=limit, offset=offset)


def first_broken_link(ctx: Context) -> int | None:
    """Sequence number of the first event that does not fit its predecessor; ``None`` when the chain holds."""
    previous, expected, after = GENESIS, 1, 0
    while True:
        page = events.list_events(ctx.session, after=after, limit=1000)
        for event in page.items:
            digest = event_hash(
                prev_hash=previous,
                sequence=event.sequence,
                time=event.time,
                tag=event.tag.value,
                actor_id=event.actor_id,
                actor_name=event.actor_name,
                subject=event.subject,
                data=event.data,
            )
            if event.sequence != expected or event.prev_hash != previous or event.hash != digest:
                return expected
            previous, expected, after = event.hash, expected + 1, event.sequence
        if len(page.items) < 1000:
            break
    head = events.lock_head(ctx.session)
    return None if (head.sequence, head.hash) == (expected - 1, previous) else expected
