"""Everything that the page of the environment shows."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.target_dags import EVERY_TARGET_DAG, TargetDagFilter
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories import release_lists
from airflow_release_plugin.repositories import target_dags as target_queries
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services.baseline import adoption
from airflow_release_plugin.services.baseline.baseline import Baseline
from airflow_release_plugin.services.drift import drift
from airflow_release_plugin.services.drift.drift import EnvironmentStatus
from airflow_release_plugin.services.mirror import standing
from airflow_release_plugin.services.mirror.standing import MirrorStatus
from airflow_release_plugin.services.notifications import outbox
from airflow_release_plugin.services.notifications.outbox import UnsentNotifications
from airflow_release_plugin.services.promotion import target_dags
from airflow_release_plugin.services.promotion.target_dags import TargetDag
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context

MOST_MOVING = 5
"""Releases on their way that the lanes show."""
_ON_THE_WAY = (ReleaseState.CHECKING, ReleaseState.AWAITING_APPROVAL, ReleaseState.APPROVED)


@dataclass(frozen=True)
class EnvironmentLanes:
    """
    What is on its way to the environment.

    :param waiting: submitted versions that no release holds yet
    :param moving: releases that have not arrived, what moved last in front
    """

    waiting: int
    moving: tuple[Release, ...]
    has_more_moving: bool


@dataclass(frozen=True)
class EnvironmentPageDetail:
    """
    Where the environment stands, what comes to it, what it holds, and what adopting a bundle would take.

    :param dags: a page of what it holds
    :param may_adopt: whether the actor may adopt what runs today
    :param bundles: names of bundles that could be adopted, if so
    :param preview: what the named bundle holds; ``None`` if none is named, or for ``problem``
    :param problem: why the named bundle cannot be looked at
    """

    status: EnvironmentStatus
    lanes: EnvironmentLanes
    dags: Page[TargetDag]
    is_admin: bool
    may_adopt: bool
    bundles: list[str]
    preview: Baseline | None
    problem: ReleaseError | None
    unsent: UnsentNotifications
    mirror: MirrorStatus | None


def get_environment(
    ctx: Context,
    *,
    actor: Actor,
    bundle: str = "",
    criteria: TargetDagFilter = EVERY_TARGET_DAG,
    order_by: str = "dag_id",
    limit: int = 25,
    offset: int = 0,
) -> EnvironmentPageDetail:
    """
    The environment of this installation; a fixed number of queries.

    :param bundle: name of a bundle to look at before it is adopted
    :param criteria: what its DAGs are narrowed to
    """
    name = ctx.settings.environment
    status = drift.status(ctx, actor=actor, name=name)
    is_admin = access.is_admin(ctx, actor)
    may_adopt = is_admin and status.environment.commit is None
    preview, problem = None, None
    if bundle:
        try:
            preview = adoption.preview(ctx, actor=actor, folder=bundle)
        except ReleaseError as error:
            problem = error
    return EnvironmentPageDetail(
        status=status,
        lanes=_lanes(ctx, actor),
        dags=target_dags.list_target_dags(
            ctx, actor=actor, name=name, criteria=criteria, order_by=order_by, limit=limit, offset=offset
        ),
        is_admin=is_admin,
        may_adopt=may_adopt,
        bundles=_bundles(ctx) if may_adopt else [],
        preview=preview,
        problem=problem,
        unsent=outbox.unsent(ctx, actor=actor, subject=None),
        mirror=standing.status(ctx, actor=actor),
    )


def _lanes(ctx: Context, actor: Actor) -> EnvironmentLanes:
    scope = access.release_scope(ctx, actor)
    waiting = target_queries.waiting_units(ctx.session, ctx.settings.source)
    moving = release_lists.on_the_way(
        ctx.session,
        _ON_THE_WAY,
        scope,
        now=ctx.clock(),
        but_for=(),
        limit=MOST_MOVING + 1,
    )
    return EnvironmentLanes(
        waiting=sum(scope.unit_ids is None or unit in scope.unit_ids for unit in waiting),
        moving=tuple(moving[:MOST_MOVING]),
        has_more_moving=len(moving) > MOST_MOVING,
    )


def _bundles(ctx: Context) -> list[str]:
    return [name for name in ctx.airflow.bundles.plain() if name != ctx.settings.source]
