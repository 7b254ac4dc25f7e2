"""What people want: a DAG at a version, a release undone, the environment at a moment, a DAG retired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.rollback_scope import (
    DagTarget,
    PointInTime,
    Retire,
    Scope,
    UndoRelease,
)
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import ConflictError, InvalidRequestError, NotFoundError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release, Submission, Unit
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.repositories import submissions as queries
from airflow_release_plugin.services.promotion import history
from airflow_release_plugin.services.promotion.history import HistoryPoint
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.base import environment_ref


@dataclass(frozen=True)
class Overtaken:
    """A unit that was released again after what is being undone; it stays as it is."""

    unit: Unit
    dag_ids: tuple[str, ...]
    version: int
    release_id: int | None


@dataclass(frozen=True)
class ResolvedTarget:
    """
    A scope looked up.

    :param wanted: by unit id, the version whose content comes back, or ``None`` for a removal
    :param point: what happened since the moment that content is taken from
    :param undone: releases whose shared files go back too
    :param undoes: the one release that is undone, if the scope is one
    """

    kind: ReleaseKind
    title: str
    wanted: Mapping[int, Submission | None]
    point: HistoryPoint
    overtaken: Sequence[Overtaken] = ()
    undone: Sequence[Release] = ()
    undoes: Release | None = None
    live: Mapping[int, Submission] = field(default_factory=dict)


def look_up(ctx: Context, scope: Scope, *, actor: Actor) -> ResolvedTarget:
    """
    Find out what a scope means now.

    :raises NotFoundError: no such DAG, version or release that the actor may see, or nothing then
    :raises ConflictError: what is to be undone is not in the target, or was undone already
    """
    live = queries.live_by_unit(ctx.session, ctx.settings.source)
    if isinstance(scope, DagTarget):
        return _dag_version(ctx, scope, actor, live)
    if isinstance(scope, UndoRelease):
        return _undo(ctx, scope, actor, live)
    if isinstance(scope, PointInTime):
        return _moment(ctx, scope, actor, live)
    return _retire(ctx, scope, actor, live)


def _unit_of(ctx: Context, dag_id: str, actor: Actor, live: Mapping[int, Submission]) -> Unit:
    """The unit that defines a DAG: the one that the target holds, else the one submitted last."""
    name = ctx.settings.target_id(dag_id)
    if access.may_read(ctx, actor, [name]):
        for row in live.values():
            if name in row.dag_ids:
                return row.unit
        found = [u for u in queries.units(ctx.session, ctx.settings.source) if name in u.dag_ids]
        if found:
            return max(found, key=lambda unit: unit.id)
    raise NotFoundError("There is no released Dag %(dag_id)r that you may see.", dag_id=name)


def _dag_version(
    ctx: Context, scope: DagTarget, actor: Actor, live: Mapping[int, Submission]
) -> ResolvedTarget:
    unit = _unit_of(ctx, scope.dag_id, actor, live)
    brought = queries.landed(ctx.session, ctx.settings.environment, [unit.id])
    if not brought:
        raise ConflictError("%(unit)r was never released: there is nothing to go back to.", unit=unit.name)
    found = next(((r, row) for r, row in brought if row.version == scope.version), None)
    if found is None:
        versions = [f"v{number}" for number in sorted({row.version for _, row in brought})]
        raise ConflictError(
            "v%(version)s of %(unit)r was never released; versions that were: %(versions)s.",
            version=scope.version,
            unit=unit.name,
            versions=versions,
        )
    release_id, row = found
    if row.is_removal:
        raise InvalidRequestError(
            "v%(version)s took %(unit)r out of the target: retire it instead.",
            version=row.version,
            unit=unit.name,
        )
    release = releases.get(ctx, actor=actor, release_id=release_id)
    return ResolvedTarget(
        kind=ReleaseKind.ROLLBACK,
        title=f"Roll back {unit.name} to v{row.version}",
        wanted={unit.id: row},
        point=history.history_point(ctx, release.target_commit),
        live=live,
    )


def _undo(ctx: Context, scope: UndoRelease, actor: Actor, live: Mapping[int, Submission]) -> ResolvedTarget:
    release = releases.get(ctx, actor=actor, release_id=scope.release_id)
    if release.state is ReleaseState.ROLLED_BACK:
        raise ConflictError(
            "%(release)s is rolled back already: %(reason)s",
            release=release.subject,
            reason=release.state_reason,
        )
    if release.released_at is None or release.target_commit is None:
        raise ConflictError(
            "%(release)s is %(state)r: it is not in %(environment)r, so there is nothing to roll back.",
            release=release.subject,
            state=release.state.value,
            environment=release.environment,
        )
    own = history.history_point(ctx, release.target_commit)
    parents = ctx.store.commit_facts(release.target_commit).parents
    point = HistoryPoint(
        commit=parents[0] if parents else None,
        head=own.head,
        commits=(*own.commits, release.target_commit),
        landed=(*own.landed, release),
    )
    again = {i.submission.unit_id: later for later in reversed(own.landed) for i in later.items}
    mine = {item.submission.unit_id: item.submission for item in release.items}
    overtaken = [_overtaken(row, again[unit]) for unit, row in mine.items() if unit in again]
    left = mine.keys() - again.keys()
    if not left:
        raise ConflictError(
            "Everything in %(release)s was released again since, last by %(last)s. Roll that "
            "back, or a Dag to the version that you want.",
            release=release.subject,
            last=own.landed[0].number,
        )
    before = history.versions_at(ctx, left, point)
    return ResolvedTarget(
        kind=ReleaseKind.ROLLBACK,
        title=f"Roll back {release.number}",
        wanted={unit: before.get(unit) for unit in left},
        point=point,
        overtaken=overtaken,
        undone=[release],
        undoes=release,
        live=live,
    )


def _overtaken(row: Submission, later: Release) -> Overtaken:
    now = next(i.submission for i in later.items if i.submission.unit_id == row.unit_id)
    return Overtaken(row.unit, tuple(now.dag_ids), now.version, later.id)


def _moment(ctx: Context, scope: PointInTime, actor: Actor, live: Mapping[int, Submission]) -> ResolvedTarget:
    environment = ctx.settings.environment
    if scope.after_release_id is not None:
        last: Release | None = releases.get(ctx, actor=actor, release_id=scope.after_release_id)
    else:
        last = release_queries.landed_by(ctx.session, environment, scope.moment)
    if last is None or last.released_at is None or last.target_commit is None:
        first = release_queries.landed_by(ctx.session, environment)
        raise NotFoundError(
            "Nothing had been released to %(environment)r by then; the first release was %(first)s.",
            environment=environment,
            first=Message(
                "%(release)s at %(moment)s UTC",
                release=first.number,
                moment=f"{first.released_at:%Y-%m-%d %H:%M}",
            )
            if first
            else Message("nothing so far"),
        )
    point = history.history_point(ctx, last.target_commit)
    touched = {item.submission.unit_id for release in point.landed for item in release.items}
    at_that_time = history.versions_at(ctx, touched, point)
    return ResolvedTarget(
        kind=ReleaseKind.ROLLBACK,
        title=f"Roll back {environment} to {last.number}",
        wanted={unit: at_that_time.get(unit) for unit in touched if unit in at_that_time or unit in live},
        point=point,
        undone=point.landed,
        live=live,
    )


def _retire(ctx: Context, scope: Retire, actor: Actor, live: Mapping[int, Submission]) -> ResolvedTarget:
    units = {unit.id: unit for unit in (_unit_of(ctx, d, actor, live) for d in scope.dag_ids)}
    absent = sorted(unit.name for unit in units.values() if unit.id not in live)
    if absent or not units:
        raise ConflictError(
            "Not in %(environment)r: %(absent)s.",
            environment=ctx.settings.environment,
            absent=absent or Message("(nothing chosen)"),
        )
    head = ctx.store.ref(environment_ref(ctx.settings.environment))
    return ResolvedTarget(
        kind=ReleaseKind.RETIREMENT,
        title=f"Retire {', '.join(sorted(unit.name for unit in units.values())[:3])}",
        wanted=dict.fromkeys(units, None),
        point=HistoryPoint(head, head, (), ()),
        live=live,
    )
