"""The audit trail: appended in the transaction of what it tells of, hash-chained from the last archive on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from airflow_release_plugin.domain.events import EventTag, JsonValue, event_hash
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import NotAllowedError
from airflow_release_plugin.messages import Message, keep_messages, restored
from airflow_release_plugin.models import Event, EventHead
from airflow_release_plugin.repositories import events
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services.runtime import echoes, news, trail_cuts
from airflow_release_plugin.services.runtime.access import is_admin
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.trail_cuts import BrokenLink, Cut

_AT_ONCE = 1000


class Entry(NamedTuple):
    """
    What an event tells.

    :param subject: ``release:7``, ``gate:3``, ``submission:12``, ``environment:prod``
    :param data: facts as they are now, by name; no secrets
    """

    tag: EventTag
    subject: str
    data: Mapping[str, JsonValue]


def record(ctx: Context, *, actor: Actor, tag: EventTag, subject: str, **data: JsonValue) -> None:
    """Append one event; see :class:`Entry`."""
    record_all(ctx, [Entry(tag, subject, data)], actor=actor)


def record_all(ctx: Context, entries: Iterable[Entry], *, actor: Actor) -> None:
    """Append events in their order, in the same few statements however many there are."""
    entries = list(entries)
    if not entries:
        return
    head = events.lock_head(ctx.session)
    for entry in entries:
        _append(ctx, head, entry, actor)
    # The next event of this transaction reads the head back from the database.
    ctx.session.flush()
    echoes.echo(ctx, entries, actor=actor)
    news.tell_after_commit(ctx.session)


def _append(ctx: Context, head: EventHead, entry: Entry, actor: Actor) -> None:
    tag, subject, data = entry
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
        data=restored(keep_messages(data)),  # as it is read back: a setting can look like a message
    )
    ctx.session.add(
        Event(
            sequence=sequence,
            time=now,
            tag=tag,
            actor_id=actor.id,
            actor_name=actor.name,
            subject=subject,
            data=dict(data),
            prev_hash=previous,
            hash=digest,
        )
    )
    head.sequence, head.hash = sequence, digest


def list_events(
    ctx: Context, *, actor: Actor, after: int = 0, limit: int = 100, offset: int = 0
) -> Page[Event]:
    """The whole trail, for administrators; people see the events of what they may see on its page."""
    if not is_admin(ctx, actor):
        raise NotAllowedError(
            "%(actor)r may not read the whole audit trail; it needs one of the roles "
            "%(admin_roles)s. The events of a release are on its page.",
            actor=actor.name,
            admin_roles=sorted(ctx.settings.admin_roles),
        )
    return events.list_events(ctx.session, after=after, limit=limit, offset=offset)


def first_broken_link(ctx: Context) -> BrokenLink | None:
    """Where the chain breaks first; ``None`` when it holds. It locks the end of the trail."""
    broken = trail_cuts.first_broken(ctx)
    if broken is not None:
        return broken
    last, newest = Cut(), trail_cuts.newest(ctx)
    for event in _all_events(ctx):
        if event.sequence != last.sequence + 1:
            # Or they went to the archive while others were read here
            newest = trail_cuts.newest(ctx)
            if event.sequence > newest.sequence + 1:
                return _changed(max(last.sequence, newest.sequence) + 1)
            is_next = event.sequence == newest.sequence + 1
            last = newest if is_next else Cut(event.sequence - 1, event.prev_hash)
        if not _fits(event, last):
            return _changed(event.sequence)
        last = Cut(event.sequence, event.hash)
        if last.sequence == newest.sequence and last != newest:
            return _changed(event.sequence)
    last = max(last, trail_cuts.newest(ctx), key=lambda cut: cut.sequence)
    head = events.lock_head(ctx.session)
    return None if (head.sequence, head.hash) == (last.sequence, last.hash) else _changed(last.sequence + 1)


def _all_events(ctx: Context) -> Iterator[Event]:
    """Events in their order; before the last of them comes, nobody can add more."""
    after, is_locked = 0, False
    while True:
        found = events.following(ctx.session, after, _AT_ONCE)
        yield from found
        if found:
            after = found[-1].sequence
        if len(found) < _AT_ONCE:
            if is_locked:
                return
            events.lock_head(ctx.session)
            is_locked = True


def _fits(event: Event, before: Cut) -> bool:
    line = trail_cuts.line_of(event)
    return line.prev_hash == before.hash and line.hash == line.own_hash


def _changed(sequence: int) -> BrokenLink:
    return BrokenLink(sequence, Message("Changed at event %(broken)s, or before it", broken=sequence))
