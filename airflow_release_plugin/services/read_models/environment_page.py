"""Everything that the page of the environment shows."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.services.baseline import adoption
from airflow_release_plugin.services.baseline.baseline import Baseline
from airflow_release_plugin.services.drift import drift
from airflow_release_plugin.services.drift.drift import EnvironmentStatus
from airflow_release_plugin.services.mirror import standing
from airflow_release_plugin.services.mirror.standing import MirrorStatus
from airflow_release_plugin.services.notifications import outbox
from airflow_release_plugin.services.notifications.outbox import UnsentNotifications
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class EnvironmentPageDetail:
    """
    Where the environment stands, and what adopting a bundle would take.

    :param may_adopt: whether the actor may adopt what runs today
    :param bundles: names of bundles that could be adopted, if so
    :param preview: what the named bundle holds; ``None`` if none is named, or for ``problem``
    :param problem: why the named bundle cannot be looked at
    """

    status: EnvironmentStatus
    is_admin: bool
    may_adopt: bool
    bundles: list[str]
    preview: Baseline | None
    problem: ReleaseError | None
    unsent: UnsentNotifications
    mirror: MirrorStatus | None


def get_environment(ctx: Context, *, actor: Actor, bundle: str = "") -> EnvironmentPageDetail:
    """
    The environment of this installation.

    :param bundle: name of a bundle to look at before it is adopted
    """
    status = drift.status(ctx, actor=actor, name=ctx.settings.environment)
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
        is_admin=is_admin,
        may_adopt=may_adopt,
        bundles=_bundles(ctx) if may_adopt else [],
        preview=preview,
        problem=problem,
        unsent=outbox.unsent(ctx, actor=actor, subject=None),
        mirror=standing.status(ctx, actor=actor),
    )


def _bundles(ctx: Context) -> list[str]:
    return [name for name in ctx.airflow.bundles.plain() if name != ctx.settings.source]
