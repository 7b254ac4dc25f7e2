"""Who has a part in broken glass: whom it takes to confirm it, and who may review it afterwards."""

from __future__ import annotations

from airflow_release_plugin.domain.identity import Actor, ActorKind, Person
from airflow_release_plugin.models import Approval, Emergency, Release
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context


def may_review(
    ctx: Context, actor: Actor, row: Emergency, release: Release, approval: Approval | None
) -> bool:
    """Whether somebody whom the flow asks, or an admin, who neither did it nor asked for the release."""
    requirement = approval.requirement if approval else None
    if actor.kind is not ActorKind.USER or actor.id in row.people or actor.id == release.requested_by_id:
        return False
    if requirement is not None and actor.id in requirement.excluded:
        return False
    is_asked = requirement is not None and any(step.admits(actor) for step in requirement.steps)
    return is_asked or access.is_admin(ctx, actor)


def confirmers(ctx: Context, row: Emergency, release: Release, approval: Approval) -> list[Person]:
    """Everybody who could be the second person, of those whom the auth manager can name."""
    roles = frozenset(approval.flow.break_glass_roles)
    excluded = approval.requirement.excluded
    return [
        person
        for person in _people(ctx, release)
        if not person.roles.isdisjoint(roles) and person.id not in row.people and person.id not in excluded
    ]


def reviewers(ctx: Context, row: Emergency, release: Release, approval: Approval) -> list[Person]:
    """Everybody who could review it, of those whom the auth manager can name."""
    return [
        person
        for person in _people(ctx, release)
        if may_review(ctx, Actor(person.id, person.name, person.roles), row, release, approval)
    ]


def _people(ctx: Context, release: Release) -> list[Person]:
    """Those who may see the release and its code, as confirming and reviewing take; no machines."""
    return [
        person
        for person in ctx.airflow.access.people()
        if person.name not in ctx.settings.service_users and access.sees(ctx, person, release, code=True)
    ]
