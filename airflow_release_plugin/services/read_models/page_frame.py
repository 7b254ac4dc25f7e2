"""What stands around each page: how much waits, whether something drifted, which tabs there are."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.list_pages import ListPage
from airflow_release_plugin.models import Hold, SavedFilter
from airflow_release_plugin.services.drift import drift
from airflow_release_plugin.services.exports import transfer_visibility
from airflow_release_plugin.services.exports.transfer_visibility import Sides
from airflow_release_plugin.services.notices import mine
from airflow_release_plugin.services.read_models import inbox
from airflow_release_plugin.services.releases import holds
from airflow_release_plugin.services.runtime import preferences, saved_filters
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class FrameSummary:
    """
    The same for every page.

    :param waiting: length of the actor's inbox
    :param unread: number of notices that the actor has not read, counted to a hundred at most
    :param drifted: whether a machine found something that is not known to be gone
    :param transfers: the sides of transfers that the actor may see
    :param hold: what stops releases to the environment
    :param saved_filters: the actor's, for the list that the page shows
    """

    waiting: int
    unread: int
    drifted: bool
    transfers: Sides
    hold: Hold | None
    saved_filters: list[SavedFilter]


def get_frame(
    ctx: Context,
    *,
    actor: Actor,
    waiting: int | None = None,
    lists: ListPage | None = None,
    language: str | None = None,
) -> FrameSummary:
    """
    The frame of a page for the actor.

    :param waiting: length of the inbox, where the page has read it already
    :param lists: the list that the page shows
    :param language: to be kept for what is sent to the actor; ``None`` where that is done
    """
    if language is not None:
        preferences.remember(ctx, actor=actor, page=preferences.LANGUAGE, query=language)
    return FrameSummary(
        waiting=inbox.count_waiting(ctx, actor=actor) if waiting is None else waiting,
        unread=mine.count_unread(ctx, actor=actor),
        drifted=drift.is_alarmed(ctx, ctx.settings.environment),
        transfers=transfer_visibility.sides(ctx, actor),
        hold=holds.in_force(ctx, ctx.settings.environment),
        saved_filters=saved_filters.list_filters(ctx, actor=actor, page=lists) if lists else [],
    )
