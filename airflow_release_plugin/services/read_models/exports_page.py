"""Everything that the page of exports shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.models import Export
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services.exports import exports
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class ExportsDetail:
    """
    Exports that the actor may see, newest first.

    :param last: the one that was chosen, or the actor's own newest one
    :param obstacle: why no bundle can be made here; empty when one can
    """

    page: Page[Export]
    last: Export | None
    obstacle: str


def get_exports(
    ctx: Context, *, actor: Actor, chosen: int | None = None, limit: int = 50, offset: int = 0
) -> ExportsDetail:
    """
    A page of the exports.

    :param chosen: id of an export to show closely
    :raises NotFoundError: the actor may not see that one
    """
    page = exports.list_exports(ctx, actor=actor, limit=limit, offset=offset)
    return ExportsDetail(page, _last(ctx, page.items, chosen, actor=actor), exports.obstacle(ctx))


def _last(ctx: Context, rows: Sequence[Export], chosen: int | None, *, actor: Actor) -> Export | None:
    if chosen is not None:
        return exports.get(ctx, actor=actor, export_id=chosen)
    return next((row for row in rows if row.requested_by_id == actor.id), None)
