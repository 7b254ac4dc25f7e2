"""Queries on releases, reports, runs and environments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, literal, or_, select, update
from sqlalchemy.orm import Session, selectinload

from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.release_filter import ReleaseFilter
from airflow_release_plugin.domain.states import (
    EXPIRING_RELEASE_STATES,
    PIPELINE_RELEASE_STATES,
    STOPPED_RELEASE_STATES,
    ReleaseState,
)
from airflow_release_plugin.domain.text.search import Clue
from airflow_release_plugin.models import (
    Environment,
    Release,
    ReleasedRun,
    ReleaseItem,
    Submission,
)
from airflow_release_plugin.repositories.id_sets import is_one_of, is_postgresql
from airflow_release_plugin.repositories.pages import Page, count, like_in_any_case, require_order


@dataclass(frozen=True)
class ReleaseScope:
    """
    Which releases count besides a filter, as ids; ``None`` for all.

    :param ids: those that a search by name found
    :param of_units: units of which the release must contain one
    :param unit_ids: units that the caller may read
    :param seen_by: id of the caller, whose own releases are always seen
    """

    ids: Collection[int] | None = None
    of_units: Collection[int] | None = None
    unit_ids: Collection[int] | None = None
    seen_by: str = ""


@dataclass(frozen=True)
class WorkedOn:
    """A release that its pipeline is to move on; only what the look for lost work needs."""

    id: int
    state: ReleaseState
    attempt: int
    pipeline_dag_id: str
    pipeline_run_id: str | None


_BATCH = 500
"""Most values in one IN list."""

ORDER_COLUMNS = {
    "number": Release.id,
    "title": Release.title,
    "requested_at": Release.requested_at,
    "released_at": Release.released_at,
    "requested_by": Release.requested_by_name,
}


def effective_state(now: datetime) -> ColumnElement[ReleaseState]:
    """SQL twin of :meth:`Release.effective_state`."""
    is_over = and_(Release.state.in_(list(EXPIRING_RELEASE_STATES)), Release.expires_at <= now)
    return case((is_over, literal(ReleaseState.EXPIRED, Release.state.type)), else_=Release.state)


def release(session: Session, release_id: int, *, lock: bool = False) -> Release | None:
    """A release with its items."""
    if lock and not is_postgresql(session):
        # SQLite has no row locks, and reads outside of a transaction until the first write: so write now.
        same = update(Release).where(Release.id == release_id).values(row_version=Release.row_version)
        session.execute(same, execution_options={"synchronize_session": False})
    query = select(Release).where(Release.id == release_id).options(selectinload(Release.items))
    if lock:
        query = query.with_for_update(of=Release).execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def worked_on(session: Session, *, after: int, limit: int) -> list[WorkedOn]:
    """Releases that only their pipeline moves on, by their ids, from the one after ``after`` on."""
    columns = (
        Release.id,
        Release.state,
        Release.attempt,
        Release.pipeline_dag_id,
        Release.pipeline_run_id,
    )
    query = (
        select(*columns)
        .where(Release.state.in_(list(PIPELINE_RELEASE_STATES)), Release.id > after)
        .order_by(Release.id)
        .limit(limit)
    )
    return [WorkedOn(*row) for row in session.execute(query)]


def by_target_commit(session: Session, environment: str, commits: Collection[str]) -> dict[str, Release]:
    """Releases that reached the environment, without their items, by the commit that they made."""
    query = select(Release).where(Release.environment == environment, Release.released_at.is_not(None))
    if len(commits) <= _BATCH:
        query = query.where(Release.target_commit.in_(list(commits)))
    return {str(row.target_commit): row for row in session.scalars(query) if row.target_commit in commits}


def first_release(session: Session, environment: str, kind: ReleaseKind, title: str) -> Release | None:
    """The oldest release of that kind and title that reached the environment."""
    query = (
        select(Release)
        .where(Release.environment == environment, Release.kind == kind, Release.title == title)
        .where(Release.released_at.is_not(None), Release.base_commit.is_(None))
        .options(selectinload(Release.items))
        .order_by(Release.id)
        .limit(1)
    )
    return session.scalars(query).one_or_none()


def _narrowed(query: Select[int], criteria: ReleaseFilter, scope: ReleaseScope, now: datetime) -> Select[int]:
    for equal, value in (
        (effective_state(now), criteria.state),
        (Release.kind, criteria.kind),
        (Release.requested_by_name, criteria.requested_by),
        (Release.released_by_name, criteria.released_by),
    ):
        if value:
            query = query.where(equal == value)
    for column, start, end in (
        (Release.requested_at, criteria.requested_after, criteria.requested_before),
        (Release.released_at, criteria.released_after, criteria.released_before),
    ):
        if start is not None:
            query = query.where(column >= start)
        if end is not None:
            query = query.where(column < end)
    return _scoped(query, scope)


def _scoped(query: Select[int], scope: ReleaseScope) -> Select[int]:
    if scope.ids is not None:
        query = query.where(Release.id.in_(list(scope.ids)))
    if scope.of_units is not None:
        query = query.where(Release.id.in_(_with_units(scope.of_units)))
    if scope.unit_ids is not None:
        # One set of both: an OR would make the database look into it once for each release.
        own = select(Release.id).where(Release.requested_by_id == scope.seen_by)
        query = query.where(Release.id.in_(_with_units(scope.unit_ids).union(own)))
    return query


def on_the_way(
    session: Session,
    states: Collection[ReleaseState],
    scope: ReleaseScope,
    *,
    now: datetime,
    but_for: Collection[int],
    limit: int,
) -> list[Release]:
    """Releases with their items that are in one of these states, what moved last in front."""
    conditions = [Release.state.in_(list(states)), effective_state(now).in_(list(states))]
    if but_for:
        conditions.append(Release.id.not_in(list(but_for)))
    return _newest(session, conditions, scope, Release.state_since, limit)


def landed_since(
    session: Session, scope: ReleaseScope, *, since: datetime, soaked_since: datetime, limit: int
) -> list[Release]:
    """
    Releases with their items that came to the target and were not found bad, newest first.

    :param soaked_since: of those that watch the first runs, from then on
    """
    soaks = and_(Release.soak_minutes > 0, Release.released_at >= soaked_since)
    conditions = [
        # The bound that an index answers; the other is a part of it.
        Release.released_at >= min(since, soaked_since),
        or_(Release.released_at >= since, soaks),
        Release.state.in_([ReleaseState.RELEASED, ReleaseState.ROLLED_BACK]),
    ]
    return _newest(session, conditions, scope, Release.released_at, limit)


def stopped_since(
    session: Session, scope: ReleaseScope, *, since: datetime, now: datetime, limit: int
) -> list[Release]:
    """Releases with their items that failed, were turned down or ran out of time, the last one first."""
    ran_out = and_(
        Release.state.in_(list(EXPIRING_RELEASE_STATES)),
        Release.expires_at >= since,
        Release.expires_at <= now,
    )
    ended = and_(Release.state.in_(list(STOPPED_RELEASE_STATES)), Release.state_since >= since)
    moment = case((ran_out, Release.expires_at), else_=Release.state_since)
    return _newest(session, [or_(ran_out, ended)], scope, moment, limit)


def _newest(
    session: Session,
    conditions: Sequence[ColumnElement[bool]],
    scope: ReleaseScope,
    moment: Any,
    limit: int,
) -> list[Release]:
    """
    The newest releases under narrow conditions that the caller may see; one query and those of the items.

    What narrows comes first, then each of these few is looked at for a unit that the caller may read: neither
    the units of an installation nor what was released in years is gone through.
    """
    query = select(Release.id).where(*conditions).order_by(moment.desc(), Release.id.desc()).limit(limit)
    if scope.unit_ids is not None:
        query = query.where(seen(session, scope))
    chosen = list(session.scalars(query))
    rows = with_items(session, chosen)
    return [rows[release_id] for release_id in chosen]


def seen(session: Session, scope: ReleaseScope) -> ColumnElement[bool]:
    """Whether one of few releases is the caller's, or has a unit that they may read."""
    readable = is_one_of(session, ReleaseItem.unit_id, scope.unit_ids or ())
    has_one = select(ReleaseItem.id).where(ReleaseItem.release_id == Release.id, readable).exists()
    return or_(Release.requested_by_id == scope.seen_by, has_one)


def _with_units(unit_ids: Collection[int]) -> Select[int]:
    return select(ReleaseItem.release_id).where(ReleaseItem.unit_id.in_(list(unit_ids)))


def list_releases(
    session: Session,
    criteria: ReleaseFilter,
    scope: ReleaseScope,
    *,
    now: datetime,
    order_by: str = "-number",
    limit: int = 50,
    offset: int = 0,
) -> Page[Release]:
    """
    Releases with their items.

    :param criteria: all but ``search`` and ``dag_id``, which ``scope`` has as ids
    :param order_by: a key of :data:`ORDER_COLUMNS`, ``-`` turns it
    """
    require_order(order_by, ORDER_COLUMNS)
    column = ORDER_COLUMNS[order_by.removeprefix("-")]
    order = column.desc() if order_by.startswith("-") else column.asc()
    ids = _narrowed(select(Release.id), criteria, scope, now)
    # What is shown is read for one page alone; far pages would sort and throw away whole rows.
    page = ids.order_by(order, Release.id.desc()).limit(limit).offset(offset)
    rows = (
        select(Release)
        .where(Release.id.in_(page))
        .order_by(order, Release.id.desc())
        .options(selectinload(Release.items))
    )
    return Page(list(session.scalars(rows)), count(session, ids))


def release_names(
    session: Session, clues: Sequence[Sequence[Clue]], *, limit: int
) -> list[tuple[int, str, str]]:
    """Id, title and number of releases with a clue of each word in one of these, the newest first."""
    query = select(Release.id, Release.title, Release.number).order_by(Release.id.desc()).limit(limit)
    for word in clues:
        patterns = [like_in_any_case(*clue) for clue in word]
        query = query.where(
            or_(
                *(
                    name.ilike(pattern, escape="\\")
                    for name in (Release.title, Release.number)
                    for pattern in patterns
                )
            )
        )
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def release_states(session: Session, ids: Collection[int], now: datetime) -> dict[int, ReleaseState]:
    """Effective states by id."""
    query = select(Release.id, effective_state(now)).where(Release.id.in_(list(ids)))
    return {row[0]: row[1] for row in session.execute(query)}


def dag_ids_of(session: Session, ids: Collection[int]) -> dict[int, list[str]]:
    """Sorted ids of the DAGs of some releases, in the target; one query that loads no release."""
    query = (
        select(ReleaseItem.release_id, Submission.dag_ids)
        .join(Submission, Submission.id == ReleaseItem.submission_id)
        .where(ReleaseItem.release_id.in_(list(ids)))
    )
    found: dict[int, set[str]] = {}
    for release_id, dag_ids in session.execute(query):
        found.setdefault(release_id, set()).update(dag_ids)
    return {release_id: sorted(dag_ids) for release_id, dag_ids in found.items()}


def kinds_of(session: Session, ids: Collection[int]) -> list[tuple[int, ReleaseKind, str]]:
    """Id, kind and environment of these releases."""
    query = select(Release.id, Release.kind, Release.environment).where(Release.id.in_(list(ids)))
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def locked_approved(
    session: Session, environment: str, *, but_for: Collection[int] = (), skip_locked: bool = False
) -> list[Release]:
    """
    The releases that are approved for an environment, locked, by id.

    :param skip_locked: leave out those that somebody else has locked, rather than wait for them
    """
    query = (
        select(Release)
        .where(Release.environment == environment, Release.state == ReleaseState.APPROVED)
        .order_by(Release.id)
    )
    if but_for:
        query = query.where(Release.id.not_in(list(but_for)))
    query = query.with_for_update(skip_locked=skip_locked)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def runs(session: Session, release_id: int) -> list[ReleasedRun]:
    """Runs that the release started."""
    query = select(ReleasedRun).where(ReleasedRun.release_id == release_id).order_by(ReleasedRun.dag_id)
    return list(session.scalars(query))


def locked_environment(session: Session, name: str, now: datetime) -> Environment:
    """An environment, locked until the transaction ends; made on first use."""
    found = environment(session, name, lock=True)
    if found is None:
        found = Environment(name=name, recorded_commit=None, updated_at=now)
        session.add(found)
        # Two who make it at once: the second insert fails here, before anything else is done.
        session.flush()
    return found


def environment(session: Session, name: str, *, lock: bool = False) -> Environment | None:
    """An environment's record, optionally locked so that one promotion at a time works on it."""
    query = select(Environment).where(Environment.name == name)
    if lock:
        # A write locks on every database; SELECT … FOR UPDATE does nothing on SQLite.
        session.execute(update(Environment).where(Environment.name == name).values(name=name))
        query = query.execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def with_items(session: Session, ids: Iterable[int]) -> dict[int, Release]:
    """Releases by id, with their items."""
    query = select(Release).where(Release.id.in_(list(ids))).options(selectinload(Release.items))
    return {row.id: row for row in session.scalars(query)}


def by_commit(session: Session, environment: str, commits: Collection[str]) -> dict[str, Release]:
    """The releases that made these commits, with their items."""
    found: dict[str, Release] = {}
    wanted = list(commits)
    for start in range(0, len(wanted), _BATCH):
        query = (
            select(Release)
            .where(
                Release.environment == environment, Release.target_commit.in_(wanted[start : start + _BATCH])
            )
            .options(selectinload(Release.items))
        )
        found |= {str(row.target_commit): row for row in session.scalars(query)}
    return found


def landed_by(session: Session, environment: str, moment: datetime | None = None) -> Release | None:
    """The last release that came to an environment by ``moment``; the first of all when it is ``None``."""
    query = select(Release).where(Release.environment == environment, Release.released_at.is_not(None))
    if moment is None:
        query = query.order_by(Release.released_at, Release.id)
    else:
        query = query.where(Release.released_at <= moment)
        query = query.order_by(Release.released_at.desc(), Release.id.desc())
    return session.scalars(query.limit(1)).one_or_none()
