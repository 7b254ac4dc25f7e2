"""
Queries on what insights count: aggregates, so that their answers stay short however much was released.

Every one covers a period and the one before in one statement; bucket :data:`BEFORE` stands for the latter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, select
from sqlalchemy.orm import Session

from airflow_release_plugin.domain.insights.distribution import DAY, HOUR, MINUTE, Spread
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


class NamedSpread(NamedTuple):
    """How long versions under one name took."""

    name: str
    lead: Spread


class WaitRow(NamedTuple):
    """How long one thing was waited for in one period; its key: flow and step, or id and name of a person."""

    bucket: int
    key: tuple[str, str]
    waits: Spread


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
    """What began to fail, and when that was put right; rows, not sums, since failures are few."""
    first = day_of(period.before.start)
    start = datetime(first.year, first.month, first.day, tzinfo=timezone.utc)
    query = select(Deployment.failed_at, Deployment.restored_at).where(
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


def _spreads(query: Select[Any], keys: Sequence[Any], seconds: Any, name: Any) -> Select[Any]:
    """
    Of each group: its keys, the name that it has, and the values of :class:`Spread`.

    Where there are many groups, counts of durations would be as long as the rows themselves.
    """
    place = func.row_number().over(partition_by=keys, order_by=seconds).label("place")
    total = func.count().over(partition_by=keys).label("total")
    labelled = [key.label(f"key{number}") for number, key in enumerate(keys)]
    columns = [*labelled, name.label("name"), _rounded(seconds).label("seconds"), place, total]
    rows = query.with_only_columns(*columns).subquery()

    def ranked(percent: int) -> Any:
        return func.max(case((rows.c.place == (rows.c.total * percent + 99) // 100, rows.c.seconds)))

    groups = [rows.c[key.name] for key in labelled]
    values = [*groups, func.max(rows.c.name), func.max(rows.c.total), ranked(50), ranked(90)]
    return select(*values).group_by(*groups)


def named_lead_times(
    session: Session, period: Period, scope: InsightScope, by: Breakdown, names: Iterable[str]
) -> list[NamedSpread]:
    """How long the versions under these names took."""
    named: Select[Any] = select(_name(by))
    query = _told_apart(named, period, scope, by).where(_name(by).in_(list(names)))
    rows = session.execute(_spreads(query, [_name(by)], DeployedVersion.lead_seconds, _name(by)))
    return [NamedSpread(row[0], Spread(*row[2:])) for row in rows]


def _waits(
    session: Session, period: Period, scope: InsightScope, key: Any, name: Any, *conditions: Any
) -> list[WaitRow]:
    query: Select[Any] = select(Wait.id).where(Wait.day >= period.before.start, Wait.day < _end(period))
    query = query.where(*_of_releases(Wait.release_id, scope), *conditions)
    if scope.flow:
        query = query.where(Wait.flow == scope.flow)
    bucket = case((Wait.day < day_number(period.first), literal(BEFORE)), else_=literal(0))
    rows = session.execute(_spreads(query, [bucket, *key], Wait.seconds, name))
    return [WaitRow(row[0], (row[1], row[-4]), Spread(*row[-3:])) for row in rows]


def step_waits(session: Session, period: Period, scope: InsightScope) -> list[WaitRow]:
    """How long steps took until nobody else was waited for, by flow and step."""
    return _waits(session, period, scope, (Wait.flow, Wait.step_name), Wait.step_name, Wait.completes)


def person_waits(session: Session, period: Period, scope: InsightScope) -> list[WaitRow]:
    """How long steps had waited when people decided, by id and name of the person."""
    return _waits(session, period, scope, (Wait.person_id,), Wait.person_name)


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
