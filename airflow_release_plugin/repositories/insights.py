"""
Queries on what insights count: aggregates, so that their answers stay short however much was released.

Every one covers a period and the one before in one statement; bucket :data:`BEFORE` stands for the latter.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, select, union_all
from sqlalchemy.orm import Session

from airflow_release_plugin.domain.insights.durations import DurationKind
from airflow_release_plugin.domain.insights.period import Period, day_number, day_of, month_number
from airflow_release_plugin.domain.insights.question import Breakdown, LabelKind
from airflow_release_plugin.domain.insights.tally import ArrivalsRow, FailureRow
from airflow_release_plugin.domain.states import ApprovalState
from airflow_release_plugin.models import (
    Approval,
    Decision,
    DeployedVersion,
    Deployment,
    DurationCount,
    Release,
    ReleaseItem,
    UnitLabel,
)

MOST_CHOICES = 300
"""Names of one kind that are offered."""


@dataclass(frozen=True)
class InsightScope:
    """
    What counts besides the period.

    :param unit_ids: units that the caller may read; ``None`` for all
    :param labels: what units must have, each of them
    :param flow: empty for all
    """

    unit_ids: Collection[int] | None = None
    labels: tuple[tuple[LabelKind, str], ...] = ()
    flow: str = ""

    @property
    def has_units(self) -> bool:
        """Whether it is about some units only."""
        return self.unit_ids is not None or bool(self.labels)


class BreakdownCount(NamedTuple):
    """Versions that reached the target under one name."""

    name: str
    versions: int
    failed: int


class OpenRequest(NamedTuple):
    """A request for agreement that waits: whom it was put to, and one of those who have decided already."""

    id: int
    opened_at: datetime
    reviewers: list[dict[str, str]]
    decided_by: str | None


def of_units(unit_id: Any, scope: InsightScope) -> list[ColumnElement[bool]]:
    """Conditions on a column with ids of units."""
    conditions = [] if scope.unit_ids is None else [unit_id.in_(list(scope.unit_ids))]
    for kind, name in scope.labels:
        labelled = select(UnitLabel.unit_id).where(UnitLabel.kind == kind, UnitLabel.name == name)
        conditions.append(unit_id.in_(labelled))
    return conditions


def _of_deployments(scope: InsightScope, since: int, until: int) -> list[ColumnElement[bool]]:
    """Conditions on :class:`Deployment`; days narrow the look at its versions."""
    conditions = [Deployment.flow == scope.flow] if scope.flow else []
    if scope.has_units:
        inside = select(DeployedVersion.release_id).where(
            DeployedVersion.day >= since, DeployedVersion.day < until
        )
        inside = inside.where(*of_units(DeployedVersion.unit_id, scope))
        conditions.append(Deployment.release_id.in_(inside))
    return conditions


def of_releases(release_id: Any, scope: InsightScope) -> list[ColumnElement[bool]]:
    """Conditions on a column with ids of releases."""
    if not scope.has_units:
        return []
    inside = select(ReleaseItem.release_id).where(*of_units(ReleaseItem.unit_id, scope))
    return [release_id.in_(inside)]


def end_of(period: Period) -> int:
    """Number of the day after a period."""
    return day_number(period.last) + 1


def arrivals(session: Session, period: Period, scope: InsightScope) -> list[ArrivalsRow]:
    """Changes that reached the target, by day."""
    since, until = period.before.start, end_of(period)
    query = (
        select(
            Deployment.day,
            func.count(),
            func.count(Deployment.failed_at),
            func.sum(case((Deployment.glass_broken, 1), else_=0)),
        )
        .where(Deployment.day >= since, Deployment.day < until, *_of_deployments(scope, since, until))
        .group_by(Deployment.day)
    )
    return [ArrivalsRow(*row) for row in session.execute(query)]


def versions_of(query: Select[Any], scope: InsightScope, since: int, until: int) -> Select[Any]:
    """A query on :class:`DeployedVersion`, narrowed."""
    query = query.where(DeployedVersion.day >= since, DeployedVersion.day < until)
    return query.where(*of_units(DeployedVersion.unit_id, scope))


def failures(session: Session, period: Period, scope: InsightScope) -> list[FailureRow]:
    """What began to fail, and when that was put right; rows, not sums, since failures are few."""
    first = day_of(period.before.start)
    start = datetime(first.year, first.month, first.day, tzinfo=timezone.utc)
    query = select(Deployment.failed_at, Deployment.restored_at).where(
        Deployment.failed_at >= start, Deployment.failed_at < period.end
    )
    # It may have come to the target long before.
    query = query.where(*_of_deployments(scope, 0, end_of(period)))
    return [FailureRow(row[0], row[1]) for row in session.execute(query) if row[0] is not None]


def name_of(by: Breakdown) -> Any:
    """The column that versions are told apart by."""
    return Deployment.flow if by.label is None else UnitLabel.name


def told_apart(query: Select[Any], period: Period, scope: InsightScope, by: Breakdown) -> Select[Any]:
    """A query on the versions of the period itself with their names."""
    query = query.select_from(DeployedVersion).join(
        Deployment, Deployment.release_id == DeployedVersion.release_id
    )
    if by.label is not None:
        is_label = and_(UnitLabel.unit_id == DeployedVersion.unit_id, UnitLabel.kind == by.label)
        query = query.join(UnitLabel, is_label)
    if scope.flow:
        query = query.where(Deployment.flow == scope.flow)
    return versions_of(query, scope, day_number(period.first), end_of(period))


def breakdown(
    session: Session, period: Period, scope: InsightScope, by: Breakdown, *, limit: int
) -> list[BreakdownCount]:
    """Versions of the period itself by DAG, tag, owner or flow: the most released ones."""
    counts = _counts_by_label if by.label is not None else _counts_by_flow
    query = counts(period, scope, by)
    return [BreakdownCount(row[0], int(row[1]), int(row[2])) for row in session.execute(query.limit(limit))]


def _counts_by_flow(period: Period, scope: InsightScope, by: Breakdown) -> Select[Any]:
    versions = func.count()
    query: Select[Any] = select(name_of(by), versions, func.count(Deployment.failed_at))
    query = told_apart(query, period, scope, by).group_by(name_of(by))
    return query.order_by(versions.desc(), name_of(by))


def _counts_by_label(period: Period, scope: InsightScope, by: Breakdown) -> Select[Any]:
    """By unit first: many versions are of one unit, and few releases fail, so that little is joined."""
    unit, since = DeployedVersion.unit_id, day_number(period.first)
    counted: tuple[Any, ...] = (
        unit.label("unit_id"),
        func.count().label("versions"),
        literal(0).label("failed"),
    )
    deployed, failed = select(*counted), select(unit, *reversed(counted[1:]))
    failed = failed.where(Deployment.failed_at.is_not(None))
    of_deployment = Deployment.release_id == DeployedVersion.release_id
    if scope.flow:
        deployed = deployed.join(Deployment, of_deployment).where(Deployment.flow == scope.flow)
        failed = failed.where(Deployment.flow == scope.flow)
    failed = failed.join(Deployment, of_deployment)
    parts = [versions_of(part, scope, since, end_of(period)).group_by(unit) for part in (deployed, failed)]
    both = union_all(*parts).subquery()
    versions = func.sum(both.c.versions)
    columns: tuple[Any, ...] = (UnitLabel.name, versions, func.sum(both.c.failed))
    return (
        select(*columns)
        .join(both, both.c.unit_id == UnitLabel.unit_id)
        .where(UnitLabel.kind == by.label)
        .group_by(UnitLabel.name)
        .order_by(versions.desc(), UnitLabel.name)
    )


def open_requests(session: Session, scope: InsightScope, now: datetime) -> list[OpenRequest]:
    """Releases that wait for agreement now, the oldest first; a row for each decision on them, or one."""
    query = (
        select(Approval.id, Approval.opened_at, Release.reviewers, Decision.actor_id)
        .join(Release, Release.id == Approval.subject_id)
        .outerjoin(Decision, Decision.approval_id == Approval.id)
        .where(
            Approval.subject_type == "release",
            Approval.state == ApprovalState.OPEN,
            Approval.expires_at > now,
            *of_releases(Release.id, scope),
        )
        .order_by(Approval.opened_at, Approval.id)
    )
    if scope.flow:
        query = query.where(Approval.requirement_json["flow"].as_string() == scope.flow)
    return [OpenRequest(*row) for row in session.execute(query)]


def choices(session: Session, unit_ids: Collection[int] | None) -> list[tuple[LabelKind, str]]:
    """Labels of these units, at most :data:`MOST_CHOICES` of a kind, in their order."""
    names = select(UnitLabel.kind, UnitLabel.name).distinct()
    if unit_ids is not None:
        names = names.where(UnitLabel.unit_id.in_(list(unit_ids)))
    inner = names.subquery()
    place = func.row_number().over(partition_by=inner.c.kind, order_by=inner.c.name).label("place")
    numbered = select(inner.c.kind, inner.c.name, place).subquery()
    query = (
        select(numbered.c.kind, numbered.c.name)
        .where(numbered.c.place <= MOST_CHOICES)
        .order_by(numbered.c.kind, numbered.c.name)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def flows(session: Session, period: Period, scope: InsightScope) -> list[str]:
    """Names of the flows under which changes of both periods were agreed to, whichever the scope names."""
    since, until = period.before.start, end_of(period)
    if not scope.has_units:
        # Months know them all, and there are few of these; what a chooser offers may be older by some days.
        first, last = month_number(day_of(since)), month_number(day_of(until - 1))
        known = select(DurationCount.flow).where(DurationCount.kind == DurationKind.LEAD)
        query = known.where(DurationCount.month.between(first, last), DurationCount.flow != "").distinct()
        return sorted(session.scalars(query))
    every = InsightScope(scope.unit_ids, scope.labels)
    query = (
        select(Deployment.flow)
        .distinct()
        .where(
            Deployment.day >= since,
            Deployment.day < until,
            Deployment.flow != "",
            *_of_deployments(every, since, until),
        )
    )
    return sorted(session.scalars(query))
