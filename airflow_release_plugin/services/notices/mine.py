"""What somebody was told, and how they want to be told; everybody their own, nobody another's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from airflow_release_plugin.domain.flow.notice import USUAL_WAYS, NoticeWay
from airflow_release_plugin.domain.flow.notification import PERSONAL_EVENTS, NotificationEvent
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.models import Notice
from airflow_release_plugin.repositories import notices as queries
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services.runtime.context import Context

MOST_MARKED = 1000


@dataclass(frozen=True)
class NoticeListDetail:
    """
    The page of somebody's notices.

    :param page: the newest first
    :param unread: how many are not read, counted to a hundred at most
    :param ways: how they want to be told, by kind of event, in the order of pages
    :param may_send: whether this installation can send messages to people at all
    """

    page: Page[Notice]
    unread: int
    ways: Mapping[NotificationEvent, NoticeWay]
    may_send: bool


def get_list(
    ctx: Context, *, actor: Actor, unread_only: bool = False, limit: int = 50, offset: int = 0
) -> NoticeListDetail:
    """The actor's own notices and choices; four statements."""
    return NoticeListDetail(
        page=queries.notices(ctx.session, actor.id, unread_only=unread_only, limit=limit, offset=offset),
        unread=count_unread(ctx, actor=actor),
        ways=ways(ctx, actor=actor),
        may_send=bool(ctx.settings.personal_notifiers),
    )


def count_unread(ctx: Context, *, actor: Actor) -> int:
    """How many the actor has not read, counted to a hundred at most."""
    return queries.count_unread(ctx.session, actor.id)


def mark_read(ctx: Context, *, actor: Actor, notice_ids: Collection[int] | None = None) -> None:
    """
    Write down that the actor read some of their notices, or all; those of others are left alone.

    :raises InvalidRequestError: more than :data:`MOST_MARKED` are named
    """
    if notice_ids is not None and len(notice_ids) > MOST_MARKED:
        raise InvalidRequestError(
            "At most %(most)s are marked at once; name fewer, or none for all.",
            most=MOST_MARKED,
        )
    queries.mark_read(ctx.session, actor.id, ctx.clock(), notice_ids)


def ways(ctx: Context, *, actor: Actor) -> dict[NotificationEvent, NoticeWay]:
    """How the actor wants to be told of each kind of event."""
    chosen = queries.ways(ctx.session, {actor.id})
    return {event: chosen.get((actor.id, event), USUAL_WAYS[event]) for event in PERSONAL_EVENTS}


def choose(
    ctx: Context, *, actor: Actor, chosen: Mapping[NotificationEvent, NoticeWay]
) -> dict[NotificationEvent, NoticeWay]:
    """
    Keep how the actor wants to be told of some kinds of events; return how they are told of each.

    :raises InvalidRequestError: people are not told of such events in person
    """
    for event in chosen:
        if event not in USUAL_WAYS:
            raise InvalidRequestError(
                "Nobody is told of %(event)r in person; possible are %(events)s.",
                event=event.value,
                events=[each.value for each in PERSONAL_EVENTS],
            )
    queries.choose(ctx.session, actor.id, chosen)
    return ways(ctx, actor=actor)
