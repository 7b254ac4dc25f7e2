"""
Queries on what insights count: aggregates, so that their answers stay short however much was released.

Every one covers a period and the one before in one statement; bucket :data:`BEFORE` stands for the latter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, select
from sqlalchemy.orm import Session, aliased

from airflow_release_plugin.domain.insights.distribution import DAY, HOUR, MINUTE
from airflow_release_plugin.domain.insights.period import BucketSize, Period, day_number, day_of
from airflow_release_plugin.domain.insights.question import Breakdown, LabelKind
from airflow_release_plugin.domain.insights.tally import BEFORE, ArrivalsRow, FailureRow, LeadRow
from airflow_release_plugin.domain.states import ApprovalState
from airflow_release_plugin.models import (
    Approval,
    Decision,
    DeployedVersion,
    Deployment,
    Release,
    ReleaseItem,
    UnitLabel,
    Wait,
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


class NamedLead(NamedTuple):
    """How many versions under one name had one lead time, rounded."""

    name: str
    seconds: int
    versions: int


class WaitRow(NamedTuple):
    """How many waits for one thing took so long, rounded; ``key`` is a flow and a step, or a person."""

    bucket: int
    key: tuple[str, str]
    seconds: int
    waits: int


class OpenRequest(NamedTuple):
    """A request for agreement that waits: whom it was put to, and one of those who have decided already."""

    id: int
    opened_at: datetime
    reviewers: list[dict[str, str]]
    decided_by: str | None


def _of_units(unit_id: Any, scope: InsightScope) -> list[ColumnElement[bool]]:
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
        inside = inside.where(*_of_units(DeployedVersion.unit_id, scope))
        conditions.append(Deployment.release_id.in_(inside))
    return conditions


def _of_releases(release_id: Any, scope: InsightScope) -> list[ColumnElement[bool]]:
    if not scope.has_units:
        return []
    inside = select(ReleaseItem.release_id).where(*_of_units(ReleaseItem.unit_id, scope))
    return [release_id.in_(inside)]


def _rounded(seconds: Any) -> ColumnElement[int]:
    """SQL twin of :func:`rounded`."""
    return case((seconds < DAY, seconds // MINUTE * MINUTE), else_=seconds // HOUR * HOUR)


def _bucket(period: Period) -> ColumnElement[int]:
    """SQL twin of :func:`bucket_number`, for versions."""
    numbers: dict[BucketSize, Any] = {
        BucketSize.DAY: DeployedVersion.day,
        BucketSize.WEEK: (DeployedVersion.day + 3) // 7,
        BucketSize.MONTH: DeployedVersion.month,
        BucketSize.QUARTER: DeployedVersion.month // 3,
    }
    is_before = DeployedVersion.day < day_number(period.first)
    return case((is_before, literal(BEFORE)), else_=numbers[period.bucket_size])


def _end(period: Period) -> int:
    return day_number(period.last) + 1


def arrivals(session: Session, period: Period, scope: InsightScope) -> list[ArrivalsRow]:
    """Changes that reached the target, by day."""
    since, until = period.before.start, _end(period)
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


def _versions(query: Select[Any], scope: InsightScope, since: int, until: int) -> Select[Any]:
    query = query.where(DeployedVersion.day >= since, DeployedVersion.day < until)
    return query.where(*_of_units(DeployedVersion.unit_id, scope))


def lead_times(session: Session, period: Period, scope: InsightScope) -> list[LeadRow]:
    """How long versions took to the target, by bucket."""
    bucket, seconds = _bucket(period).label("bucket"), _rounded(DeployedVersion.lead_seconds).label("seconds")
    columns: tuple[Any, ...] = (bucket, seconds, func.count())
    query = select(*columns).group_by("bucket", "seconds")
    query = _versions(query, scope, period.before.start, _end(period))
    if scope.flow:
        query = query.join(Deployment, Deployment.release_id == DeployedVersion.release_id)
        query = query.where(Deployment.flow == scope.flow)
    return [LeadRow(*row) for row in session.execute(query)]


def failures(session: Session, period: Period, scope: InsightScope) -> list[FailureRow]:
    """
    What began to fail, and when that was put right; rows, not sums, since failures are few.

    That is by a rollback, or by the next good release of one of its units.
    """
    own, later, mend = aliased(DeployedVersion), aliased(DeployedVersion), aliased(Deployment)
    mended_at = (
        select(func.min(later.deployed_at))
        .join(own, own.unit_id == later.unit_id)
        .join(mend, mend.release_id == later.release_id)
        .where(
            own.release_id == Deployment.release_id,
            later.deployed_at > Deployment.failed_at,
            mend.failed_at.is_(None),
        )
        .correlate(Deployment)
        .scalar_subquery()
    )
    first = day_of(period.before.start)
    start = datetime(first.year, first.month, first.day, tzinfo=timezone.utc)
    query = select(Deployment.failed_at, func.coalesce(Deployment.restored_at, mended_at)).where(
        Deployment.failed_at >= start, Deployment.failed_at < period.end
    )
    # It may have come to the target long before.
    query = query.where(*_of_deployments(scope, 0, _end(period)))
    return [FailureRow(row[0], row[1]) for row in session.execute(query) if row[0] is not None]


def _name(by: Breakdown) -> Any:
    return Deployment.flow if by.label is None else UnitLabel.name


def _told_apart(query: Select[Any], period: Period, scope: InsightScope, by: Breakdown) -> Select[Any]:
    query = query.select_from(DeployedVersion).join(
        Deployment, Deployment.release_id == DeployedVersion.release_id
    )
    if by.label is not None:
        is_label = and_(UnitLabel.unit_id == DeployedVersion.unit_id, UnitLabel.kind == by.label)
        query = query.join(UnitLabel, is_label)
    if scope.flow:
        query = query.where(Deployment.flow == scope.flow)
    return _versions(query, scope, day_number(period.first), _end(period))


def breakdown(
    session: Session, period: Period, scope: InsightScope, by: Breakdown, *, limit: int
) -> list[BreakdownCount]:
    """Versions of the period itself by DAG, tag, owner or flow: the most released ones."""
    versions = func.count()
    query = select(_name(by), versions, func.count(Deployment.failed_at))
    query = _told_apart(query, period, scope, by).group_by(_name(by))
    query = query.order_by(versions.desc(), _name(by)).limit(limit)
    return [BreakdownCount(*row) for row in session.execute(query)]


def named_lead_times(
    session: Session, period: Period, scope: InsightScope, by: Breakdown, names: Iterable[str]
) -> list[NamedLead]:
    """How long the versions under these names took."""
    query = select(_name(by), _rounded(DeployedVersion.lead_seconds).label("seconds"), func.count())
    query = _told_apart(query, period, scope, by).where(_name(by).in_(list(names)))
    return [NamedLead(*row) for row in session.execute(query.group_by(_name(by), "seconds"))]


def _waits(key: tuple[Any, Any], period: Period, scope: InsightScope) -> Select[Any]:
    query = (
        select(
            case((Wait.day < day_number(period.first), literal(BEFORE)), else_=literal(0)).label("bucket"),
            *key,
            _rounded(Wait.seconds).label("rounded"),
            func.count(),
        )
        .where(Wait.day >= period.before.start, Wait.day < _end(period))
        .where(*_of_releases(Wait.release_id, scope))
    )
    return query.where(Wait.flow == scope.flow) if scope.flow else query


def _wait_rows(session: Session, query: Select[Any]) -> list[WaitRow]:
    return [WaitRow(row[0], (row[1], row[2]), row[3], row[4]) for row in session.execute(query)]


def step_waits(session: Session, period: Period, scope: InsightScope) -> list[WaitRow]:
    """How long steps took until nobody else was waited for, by flow and step."""
    query = _waits((Wait.flow, Wait.step_name), period, scope).where(Wait.completes)
    return _wait_rows(session, query.group_by("bucket", Wait.flow, Wait.step_name, "rounded"))


def person_waits(session: Session, period: Period, scope: InsightScope) -> list[WaitRow]:
    """How long steps had waited when people decided, by id and name of the person."""
    query = _waits((Wait.person_id, func.max(Wait.person_name)), period, scope)
    return _wait_rows(session, query.group_by("bucket", Wait.person_id, "rounded"))


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
            *_of_releases(Release.id, scope),
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
    since, until = period.before.start, _end(period)
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
