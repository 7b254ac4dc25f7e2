"""Queries on the records: every version, where it is now, what was in the target at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, not_, or_, select, union_all
from sqlalchemy.orm import Session

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.release.checks import ReportKind
from airflow_release_plugin.domain.release.records import VersionPlace
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.models import Release, ReleaseItem, Report, Submission, Unit
from airflow_release_plugin.repositories.id_sets import is_one_of
from airflow_release_plugin.repositories.pages import Page, count, counted


@dataclass(frozen=True)
class RecordFilter:
    """
    What records are narrowed to; empty fields do not narrow.

    :param of_units: units of which versions are wanted; ``None`` for all
    :param unit_ids: units that the caller may read; ``None`` for all
    """

    submitter: str = ""
    place: VersionPlace | None = None
    of_units: Collection[int] | None = None
    unit_ids: Collection[int] | None = None


@dataclass(frozen=True)
class RecordRow:
    """A version, the release that holds it or released it, and where it is now."""

    submission: Submission
    release: Release | None
    place: VersionPlace


ORDER_COLUMNS = {
    "submitted_at": Submission.submitted_at,
    "released_at": Release.released_at,
    "name": Unit.name,
    "submitter": Submission.submitted_by_name,
}


def _place() -> ColumnElement[str]:
    was_there = Release.released_at.is_not(None)
    is_there = Submission.state == SubmissionState.RELEASED
    return case(
        (and_(is_there, Submission.change == ChangeKind.DELETED), VersionPlace.RETIRED.value),
        (is_there, VersionPlace.IN_TARGET.value),
        (
            Submission.state.in_([SubmissionState.PENDING, SubmissionState.IN_RELEASE]),
            VersionPlace.WAITING.value,
        ),
        (
            and_(was_there, Release.state.in_([ReleaseState.ROLLED_BACK, ReleaseState.FAILED])),
            VersionPlace.ROLLED_BACK.value,
        ),
        (and_(was_there, Submission.state == SubmissionState.SUPERSEDED), VersionPlace.REPLACED.value),
        else_=VersionPlace.NEVER.value,
    )


def _is_at(place: VersionPlace) -> ColumnElement[bool]:
    """Whether :func:`_place` says so, by conditions that indexes answer."""
    state, is_gone = Submission.state, Submission.change == ChangeKind.DELETED
    if place is VersionPlace.IN_TARGET:
        return and_(state == SubmissionState.RELEASED, not_(is_gone))
    if place is VersionPlace.RETIRED:
        return and_(state == SubmissionState.RELEASED, is_gone)
    if place is VersionPlace.WAITING:
        return state.in_([SubmissionState.PENDING, SubmissionState.IN_RELEASE])
    if place is VersionPlace.ROLLED_BACK:
        return and_(state.in_(_OVER), Submission.release_id.in_(_taken_back()))
    if place is VersionPlace.REPLACED:
        return and_(state == SubmissionState.SUPERSEDED, _came_to_stay())
    removed = and_(
        state == SubmissionState.REMOVED,
        or_(Submission.release_id.is_(None), Submission.release_id.not_in(_taken_back())),
    )
    unseen = select(Release.id).where(Release.released_at.is_(None))
    newer_came = state == SubmissionState.SUPERSEDED
    parts = (
        removed,
        and_(newer_came, Submission.release_id.is_(None)),
        and_(newer_came, Submission.release_id.in_(unseen)),
    )
    return Submission.id.in_(union_all(*(select(Submission.id).where(part) for part in parts)))


_OVER = (SubmissionState.REMOVED, SubmissionState.SUPERSEDED)
_TAKEN_BACK = (ReleaseState.ROLLED_BACK, ReleaseState.FAILED)


def _taken_back() -> Select[int]:
    return select(Release.id).where(Release.state.in_(_TAKEN_BACK), Release.released_at.is_not(None))


def _came_to_stay() -> ColumnElement[bool]:
    """Looked up for each version: nearly all that were replaced came so, and a page has few of them."""
    landed = (
        select(Release.id)
        .where(
            Release.id == Submission.release_id,
            Release.released_at.is_not(None),
            Release.state.not_in(_TAKEN_BACK),
        )
        .limit(1)
    )
    return landed.scalar_subquery().is_not(None)


def _narrowed(session: Session, criteria: RecordFilter) -> Select[int]:
    query = select(Submission.id)
    if criteria.submitter:
        query = query.where(Submission.submitted_by_name == criteria.submitter)
    if criteria.place is not None:
        query = query.where(_is_at(criteria.place))
    for units in (criteria.of_units, criteria.unit_ids):
        if units is not None:
            query = query.where(is_one_of(session, Submission.unit_id, units))
    return query


def list_records(
    session: Session, criteria: RecordFilter, *, order_by: str = "-submitted_at", limit: int, offset: int
) -> Page[RecordRow]:
    """Versions with their releases; ``order_by`` is a key of :data:`ORDER_COLUMNS`, ``-`` turns it."""
    name, is_down = order_by.lstrip("-"), order_by.startswith("-")
    column = ORDER_COLUMNS.get(name, Submission.submitted_at)
    order: tuple[ColumnElement[Any], ...] = (
        column.desc() if is_down else column.asc(),
        Submission.id.desc(),
    )
    ids = _narrowed(session, criteria)
    # What is shown is read for one page alone; far pages would sort and throw away whole rows.
    page: Select[int] | list[int]
    if name == "released_at":
        page = _released_first(session, ids, order, limit, offset)
        order = (column.is_(None), *order)
    else:
        joined = ids.join(Unit, Unit.id == Submission.unit_id) if name == "name" else ids
        page = joined.order_by(*order).limit(limit).offset(offset)
    query = (
        select(Submission, Release, _place().label("place"))
        .join(Unit, Unit.id == Submission.unit_id)
        .outerjoin(Release, Release.id == Submission.release_id)
        .where(Submission.id.in_(page))
        .order_by(*order)
    )
    rows = [RecordRow(row[0], row[1], VersionPlace(row[2])) for row in session.execute(query)]
    return Page(rows, *counted(session, ids))


def _released_first(
    session: Session, ids: Select[int], order: tuple[ColumnElement[Any], ...], limit: int, offset: int
) -> list[int]:
    """
    A page of versions in the order of their releases, those that never came last, whichever way it goes.

    Two parts: one query over both could use no index, as versions without a release have no place in it.
    """
    came = ids.join(Release, Release.id == Submission.release_id).where(Release.released_at.is_not(None))
    page = list(session.scalars(came.order_by(*order).limit(limit).offset(offset)))
    if len(page) < limit:
        start = 0 if page else max(0, offset - count(session, came))
        others = ids.outerjoin(Release, Release.id == Submission.release_id).where(
            Release.released_at.is_(None)
        )
        page += session.scalars(others.order_by(Submission.id.desc()).limit(limit - len(page)).offset(start))
    return page


def live_before(
    session: Session, environment: str, unit_ids: Iterable[int], release: Release
) -> list[Submission]:
    """
    What the target held of units when a release was checked, without removals; two queries.

    That is everything that came with the release that made its base commit, or with an earlier one.
    """
    base = session.execute(
        select(Release.released_at, Release.id).where(
            Release.environment == environment,
            Release.target_commit == release.base_commit,
            Release.released_at.is_not(None),
        )
    ).first()
    query = (
        select(Submission)
        .join(ReleaseItem, ReleaseItem.submission_id == Submission.id)
        .join(Release, Release.id == ReleaseItem.release_id)
        .where(
            Release.environment == environment,
            Release.released_at.is_not(None),
            Release.id != release.id,
            Submission.unit_id.in_(list(unit_ids)),
        )
        .order_by(Release.released_at, Release.id)
    )
    if base is not None and base[0] is not None:
        query = query.where(_came_by(base[0], base[1]))
    elif release.released_at is not None:
        query = query.where(_came_by(release.released_at, release.id))
    last_by_unit = {row.unit_id: row for row in session.scalars(query)}
    return [row for row in last_by_unit.values() if row.change is not ChangeKind.DELETED]


def _came_by(moment: datetime, release_id: int) -> ColumnElement[bool]:
    return or_(Release.released_at < moment, and_(Release.released_at == moment, Release.id <= release_id))


def releases_with(session: Session, submission_ids: Iterable[int]) -> list[tuple[int, int]]:
    """``(submission id, release id)`` of every release that contains one of these versions."""
    query = select(ReleaseItem.submission_id, ReleaseItem.release_id).where(
        ReleaseItem.submission_id.in_(list(submission_ids))
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def stays(session: Session, submission_ids: Iterable[int]) -> list[tuple[int, Release]]:
    """``(submission id, release)`` of every release that contains one of these versions, the newest first."""
    query = (
        select(ReleaseItem.submission_id, Release)
        .join(Release, Release.id == ReleaseItem.release_id)
        .where(ReleaseItem.submission_id.in_(list(submission_ids)))
        .order_by(Release.id.desc())
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def last_checks(session: Session, release_ids: Collection[int]) -> dict[int, bool]:
    """Whether the last check of each of these releases passed; those without one are not in it."""
    query = (
        select(Report.release_id, Report.passed)
        .where(Report.release_id.in_(list(release_ids)), Report.kind == ReportKind.CHECK)
        .order_by(Report.id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def versions_of(session: Session, unit_id: int, *, limit: int) -> list[Submission]:
    """The newest versions of a unit, newest first."""
    query = select(Submission).where(Submission.unit_id == unit_id).order_by(Submission.version.desc())
    return list(session.scalars(query.limit(limit)))
