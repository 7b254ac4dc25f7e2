"""Queries on releases, reports, runs and environments."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, literal, select, update
from sqlalchemy.orm import Session, selectinload

from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.states import (
    EXPIRING_RELEASE_STATES,
    PIPELINE_RELEASE_STATES,
    ReleaseState,
)
from airflow_release_plugin.models import (
    Environment,
    Release,
    ReleasedRun,
    ReleaseItem,
    Submission,
)
from airflow_release_plugin.repositories.id_sets import is_postgresql


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
