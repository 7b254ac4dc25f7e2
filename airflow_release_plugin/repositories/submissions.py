"""Queries on units and submissions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.models import Release, ReleaseItem, Submission, Unit
from airflow_release_plugin.repositories.id_sets import is_one_of
from airflow_release_plugin.repositories.pages import Page, fetch_page

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def unit_by_path(session: Session, source: str, path: str) -> Unit | None:
    """The unit of one DAG file."""
    return session.scalars(select(Unit).where(Unit.source == source, Unit.path == path)).one_or_none()


def names_among(session: Session, source: str, names: Collection[str]) -> set[str]:
    """Those of some names that units of the source have."""
    among = is_one_of(session, Unit.name, list(names))
    return set(session.scalars(select(Unit.name).where(Unit.source == source, among)))


def units(session: Session, source: str) -> list[Unit]:
    """All units of a source."""
    return list(session.scalars(select(Unit).where(Unit.source == source)))


def dag_ids_by_unit(session: Session, source: str) -> dict[int, list[str]]:
    """Target ids of the DAGs of each unit of a source; no unit is loaded for it."""
    rows = session.execute(select(Unit.id, Unit.dag_ids).where(Unit.source == source))
    return {row[0]: row[1] for row in rows}


def unit_dag_ids(session: Session, source: str) -> set[str]:
    """Target ids of every DAG of a source that was ever submitted; no unit is loaded for it."""
    rows = session.scalars(select(Unit.dag_ids).where(Unit.source == source))
    return {dag_id for dag_ids in rows for dag_id in dag_ids}


def lock_units(session: Session, unit_ids: Collection[int]) -> None:
    """Hold units until the transaction ends, in one order, so that version numbers are given once."""
    query = select(Unit.id).where(Unit.id.in_(list(unit_ids))).order_by(Unit.id)
    session.execute(query.with_for_update()).all()
    # SQLite has no row locks. It takes its one lock at the first write, and gives up at once where a
    # savepoint has read before that: so write now.
    same = update(Unit).where(Unit.id.in_(list(unit_ids))).values(path=Unit.path)
    session.execute(same, execution_options={"synchronize_session": False})


def last_versions(session: Session, source: str) -> dict[int, int]:
    """Highest version number by unit."""
    query = (
        select(Submission.unit_id, func.max(Submission.version))
        .join(Unit, Unit.id == Submission.unit_id)
        .where(Unit.source == source)
        .group_by(Submission.unit_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def submission(session: Session, submission_id: int, *, lock: bool = False) -> Submission | None:
    """A submission by id."""
    query = select(Submission).where(Submission.id == submission_id)
    if lock:
        query = query.with_for_update(of=Submission).execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def submissions_by_id(session: Session, ids: Iterable[int], *, lock: bool = False) -> list[Submission]:
    """The submissions with these ids that exist, ordered by id (the order in which locks are taken)."""
    query = select(Submission).where(Submission.id.in_(list(ids))).order_by(Submission.id)
    if lock:
        query = query.with_for_update(of=Submission).execution_options(populate_existing=True)
    return list(session.scalars(query))


def latest_by_unit(
    session: Session, source: str, states: Collection[SubmissionState], *, listed: bool = False
) -> dict[int, Submission]:
    """
    The highest version of each unit of ``source`` that is in one of ``states``, by unit id.

    :param listed: leave out what rollbacks made, which never is in the to-be-released list
    """
    versions = select(Submission.unit_id, func.max(Submission.version).label("version")).where(
        Submission.state.in_(list(states))
    )
    if listed:
        versions = versions.where(Submission.listed.is_(True))
    newest = versions.group_by(Submission.unit_id).subquery()
    query = (
        select(Submission)
        .join(newest, (Submission.unit_id == newest.c.unit_id) & (Submission.version == newest.c.version))
        .join(Unit, Unit.id == Submission.unit_id)
        .where(Unit.source == source)
    )
    return {row.unit_id: row for row in session.scalars(query)}


def live_by_unit(session: Session, source: str) -> dict[int, Submission]:
    """What the target holds of each unit: its released submission, unless that removed it."""
    released = latest_by_unit(session, source, {SubmissionState.RELEASED})
    return {unit: row for unit, row in released.items() if row.change is not ChangeKind.DELETED}


def live_of(session: Session, unit_ids: Collection[int]) -> dict[int, Submission]:
    """What the target holds of these units."""
    rows = with_state(session, unit_ids, SubmissionState.RELEASED)
    newest = {row.unit_id: row for row in sorted(rows, key=lambda row: row.version)}
    return {unit: row for unit, row in newest.items() if row.change is not ChangeKind.DELETED}


def with_state(session: Session, unit_ids: Iterable[int], state: SubmissionState) -> list[Submission]:
    """Submissions of these units in one state."""
    wanted = is_one_of(session, Submission.unit_id, list(unit_ids))
    return list(session.scalars(select(Submission).where(wanted, Submission.state == state)))


def on_the_way(session: Session, unit_ids: Collection[int]) -> list[Submission]:
    """Submissions of units that wait in the list or are in an open release, by id."""
    states = [SubmissionState.PENDING, SubmissionState.IN_RELEASE]
    units = is_one_of(session, Submission.unit_id, list(unit_ids))
    query = select(Submission).where(units, Submission.state.in_(states))
    return list(session.scalars(query.order_by(Submission.id)))


def last_versions_of(session: Session, unit_ids: Collection[int]) -> dict[int, int]:
    """Highest version number of each of these units that has one."""
    query = (
        select(Submission.unit_id, func.max(Submission.version))
        .where(is_one_of(session, Submission.unit_id, list(unit_ids)))
        .group_by(Submission.unit_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def newest_versions(
    session: Session, unit_ids: Iterable[int], states: Collection[SubmissionState]
) -> dict[int, int]:
    """Highest version that people submitted and that is in one of ``states``, by unit."""
    query = (
        select(Submission.unit_id, func.max(Submission.version))
        .where(
            Submission.unit_id.in_(list(unit_ids)),
            Submission.state.in_(list(states)),
            Submission.listed.is_(True),
        )
        .group_by(Submission.unit_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def list_submissions(
    session: Session,
    *,
    unit_ids: Collection[int] | None = None,
    state: SubmissionState | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Page[Submission]:
    """Submissions, newest first; ``unit_ids=None`` means all units."""
    query = select(Submission).order_by(Submission.id.desc())
    if unit_ids is not None:
        query = query.where(is_one_of(session, Submission.unit_id, unit_ids))
    if state is not None:
        query = query.where(Submission.state == state)
    return fetch_page(session, query, limit=limit, offset=offset)


def of_import(session: Session, import_id: int) -> list[Submission]:
    """The versions that an import brought, in its order."""
    query = select(Submission).where(Submission.import_id == import_id).order_by(Submission.id)
    return list(session.scalars(query))


def holding(session: Session, release_ids: Iterable[int]) -> set[int]:
    """Those of the releases of which something is in the target now."""
    query = select(Submission.release_id).where(
        Submission.release_id.in_(list(release_ids)), Submission.state == SubmissionState.RELEASED
    )
    return {row for row in session.scalars(query.distinct()) if row is not None}


def landed(session: Session, environment: str, unit_ids: Iterable[int]) -> list[tuple[int, Submission]]:
    """(release id, version) of everything of these units that came to an environment, newest first."""
    query = (
        select(Release.id, Submission)
        .join(ReleaseItem, ReleaseItem.release_id == Release.id)
        .join(Submission, Submission.id == ReleaseItem.submission_id)
        .where(
            Release.environment == environment,
            Release.released_at.is_not(None),
            Submission.unit_id.in_(list(unit_ids)),
        )
        .order_by(Release.released_at.desc(), Release.id.desc())
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def was_in_a_release(session: Session, submission_id: int) -> bool:
    """Whether any release holds or held the version."""
    query = select(ReleaseItem.id).where(ReleaseItem.submission_id == submission_id).limit(1)
    return session.scalar(query) is not None


def superseded_by(session: Session, newer: Submission) -> list[Submission]:
    """Versions that the submission of this one took off the list."""
    query = select(Submission).where(
        Submission.unit_id == newer.unit_id, Submission.superseded_by_id == newer.id
    )
    return list(session.scalars(query.order_by(Submission.id)))


def any_unit(session: Session) -> bool:
    """Whether anything was ever submitted."""
    return session.scalar(select(Unit.id).limit(1)) is not None
