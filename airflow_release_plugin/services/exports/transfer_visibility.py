"""For whom exports and imports are."""

from __future__ import annotations

from typing import NamedTuple

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import NotAllowedError
from airflow_release_plugin.services.exports import match
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context


class Sides(NamedTuple):
    """The sides of transfers that somebody may see at all (R57)."""

    exports: bool
    imports: bool


def sides(ctx: Context, actor: Actor) -> Sides:
    """Both are for administrators, service users, and owners of a DAG, where they are switched on."""
    settings = ctx.settings
    imports = settings.imports_enabled and settings.has_target
    if not (settings.exports_enabled or imports):
        return Sides(exports=False, imports=False)
    allowed = access.is_executor(ctx, actor) or match.owns_a_dag(ctx, actor)
    return Sides(exports=settings.exports_enabled and allowed, imports=imports and allowed)


def require_imports(ctx: Context, actor: Actor) -> None:
    """Raise ``NotAllowedError`` where imports are switched off, or not for the actor."""
    if not sides(ctx, actor).imports:
        raise NotAllowedError(
            "Imports are not for %(actor)r, or are switched off here: they are for release "
            "admins and for who may edit a Dag, where [release] imports_enabled is on and "
            "releases have a target.",
            actor=actor.name,
        )
