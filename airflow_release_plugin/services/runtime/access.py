"""Who may see and do what. Fails closed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from airflow_release_plugin.domain.identity import Actor, ActorKind, Person
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.exceptions import NotAllowedError, NotFoundError, NotHereError
from airflow_release_plugin.models import Gate, Release
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.repositories.release_lists import ReleaseScope
from airflow_release_plugin.services.runtime.context import Context


def is_admin(ctx: Context, actor: Actor) -> bool:
    """Whether the actor administers releases."""
    return actor.kind is ActorKind.USER and actor.has_any_role(ctx.settings.admin_roles)


def require_admin(ctx: Context, actor: Actor, deed: str) -> None:
    """Raise ``NotAllowedError`` unless the actor is a release admin, or sits at the computer itself."""
    if not may_administer(ctx, actor):
        raise NotAllowedError(
            "%(actor)r may not %(deed)s; that is for release admins.", actor=actor.name, deed=deed
        )


def may_administer(ctx: Context, actor: Actor) -> bool:
    """Whether the actor is a release admin, or sits at the computer itself."""
    return actor.kind is ActorKind.SYSTEM or is_admin(ctx, actor)


def is_executor(ctx: Context, actor: Actor) -> bool:
    """Whether the actor may execute what was approved and report on it: the service users and admins."""
    return actor.kind in {ActorKind.SERVICE, ActorKind.SYSTEM} or is_admin(ctx, actor)


def require_executor(ctx: Context, actor: Actor, deed: str) -> None:
    """Raise ``NotAllowedError`` unless the actor is a service user or an admin."""
    if not is_executor(ctx, actor):
        raise NotAllowedError(
            "%(actor)r may not %(deed)s; that is for the service users of [release] "
            "service_users and for release admins.",
            actor=actor.name,
            deed=deed,
        )


def require_source(ctx: Context) -> None:
    """Raise ``NotHereError`` unless people submit in this installation."""
    if not ctx.settings.has_source:
        raise NotHereError(
            "This installation has no source ([release] role = %(role)s): submit where the Dags "
            "are written, and bring them here as an import.",
            role=ctx.settings.role,
        )


def require_target(ctx: Context) -> None:
    """Raise ``NotHereError`` unless releases reach their target in this installation."""
    if not ctx.settings.has_target:
        raise NotHereError(
            "This installation has no target ([release] role = %(role)s): export the Dags, and "
            "release them in the installation that imports them.",
            role=ctx.settings.role,
        )


def both_ids(ctx: Context, dag_ids: Iterable[str]) -> set[str]:
    """The given target ids and those of the source's copies."""
    return {name for dag_id in dag_ids for name in (dag_id, ctx.settings.source_id(dag_id))}


def people_by_key(people: Iterable[Person]) -> dict[str, Person]:
    """People by login name and by id; what is one's name and another's id names neither."""
    found: dict[str, Person] = {}
    ambiguous = set()
    for person in people:
        for key in {person.name, person.id}:
            if found.setdefault(key, person).id != person.id:
                ambiguous.add(key)
    return {key: person for key, person in found.items() if key not in ambiguous}


def may_read(ctx: Context, actor: Actor, dag_ids: Collection[str]) -> bool:
    """Whether the actor may read one of these DAGs (target ids), in the source or the target."""
    if is_executor(ctx, actor):
        return True
    return bool(ctx.airflow.access.readable(actor, both_ids(ctx, dag_ids)))


def may_read_code(ctx: Context, actor: Actor, dag_ids: Collection[str]) -> bool:
    """
    Whether the actor may read the code of every one of these DAGs, in the source or in the target.

    Code without any DAG, of which nothing is known, is for executors only.
    """
    access = ctx.airflow.access
    return is_executor(ctx, actor) or (
        bool(dag_ids)
        and all(
            access.may(actor, DagAccess.READ_CODE, dag_id)
            or access.may(actor, DagAccess.READ_CODE, ctx.settings.source_id(dag_id))
            for dag_id in dag_ids
        )
    )


def require_code(ctx: Context, actor: Actor, dag_ids: Iterable[str]) -> None:
    """Raise ``NotAllowedError`` unless the actor may read the code of all these DAGs."""
    names = sorted(dag_ids)
    if not may_read_code(ctx, actor, names):
        raise NotAllowedError(
            "%(actor)r may not read the code of %(names)s in Airflow.", actor=actor.name, names=list(names)
        )


def require_edit(ctx: Context, actor: Actor, dag_ids: Iterable[str]) -> None:
    """Raise ``NotAllowedError`` unless the actor may edit the source's copy of all these DAGs in Airflow."""
    names = sorted(dag_ids)
    if actor.kind is not ActorKind.USER:
        raise NotAllowedError(
            "%(actor)r is a service user and may not submit or release DAGs.", actor=actor.name
        )
    refused = [
        name
        for name in names
        if not ctx.airflow.access.may(actor, DagAccess.EDIT, ctx.settings.source_id(name))
    ]
    if refused:
        raise NotAllowedError(
            "%(actor)r may not edit %(refused)s in Airflow; ask for the right to edit the Dag, "
            "or ask somebody who has it to submit.",
            actor=actor.name,
            refused=list(refused),
        )


def may_edit(ctx: Context, actor: Actor, dag_ids: Iterable[str]) -> bool:
    """Whether :func:`require_edit` would pass."""
    try:
        require_edit(ctx, actor, dag_ids)
    except NotAllowedError:
        return False
    return True


def sees(ctx: Context, person: Person, release: Release, *, code: bool) -> bool:
    """
    Whether somebody else may see the release; no when in doubt.

    :param code: whether they must also be allowed to read the code of all its DAGs
    """
    if not person.roles.isdisjoint(ctx.settings.admin_roles):
        return True
    names = release.dag_ids
    may_read = is_involved(person, release) or any(_lets(ctx, person, DagAccess.READ, name) for name in names)
    if not code or not may_read:
        return may_read
    return bool(names) and all(_lets(ctx, person, DagAccess.READ_CODE, name) for name in names)


def _lets(ctx: Context, person: Person, access: DagAccess, dag_id: str) -> bool:
    """In the source or in the target."""
    port = ctx.airflow.access
    return port.lets(person, access, dag_id) or port.lets(person, access, ctx.settings.source_id(dag_id))


def is_involved(actor: Actor | Person, release: Release) -> bool:
    """Whether the actor requested the release or was asked to review it."""
    return actor.id == release.requested_by_id or any(
        actor.id == person["id"] for person in release.reviewers
    )


def require_release(ctx: Context, actor: Actor, release: Release | None, release_id: int) -> Release:
    """Return the release if it exists and the actor may see it; ``NotFoundError`` in both other cases."""
    if release is not None and (is_involved(actor, release) or may_read(ctx, actor, release.dag_ids)):
        return release
    raise NotFoundError("There is no release %(release_id)s that you may see.", release_id=release_id)


def require_gate(ctx: Context, actor: Actor, gate: Gate | None, gate_id: int) -> Gate:
    """Return the gate if it exists and the actor may see its DAG; ``NotFoundError`` in both other cases."""
    if gate is not None and (is_executor(ctx, actor) or ctx.airflow.access.readable(actor, [gate.dag_id])):
        return gate
    raise NotFoundError("There is no gate %(gate_id)s that you may see.", gate_id=gate_id)


def readable_units(ctx: Context, actor: Actor) -> set[int] | None:
    """Ids of the units that the actor may read, ``None`` for all; two calls, whatever the number of units."""
    if is_executor(ctx, actor):
        return None
    return _readable(ctx, actor, submissions.dag_ids_by_unit(ctx.session, ctx.settings.source))


def release_scope(ctx: Context, actor: Actor) -> ReleaseScope:
    """The releases that the actor may see; two calls, whatever the number of units."""
    if is_executor(ctx, actor):
        return ReleaseScope()
    units = submissions.dag_ids_by_unit(ctx.session, ctx.settings.source)
    readable = _readable(ctx, actor, units)
    return ReleaseScope(unit_ids=readable, is_checked_each=2 * len(readable) > len(units), seen_by=actor.id)


def _readable(ctx: Context, actor: Actor, units: Mapping[int, Collection[str]]) -> set[int]:
    readable = ctx.airflow.access.readable(
        actor, both_ids(ctx, {dag_id for dag_ids in units.values() for dag_id in dag_ids})
    )
    may = readable | {ctx.settings.target_id(dag_id) for dag_id in readable}
    return {unit for unit, dag_ids in units.items() if not may.isdisjoint(dag_ids)}
