"""
Queries on how long things took, in a period and the one before.

Of a month, every duration is looked at, rounded. Of longer periods only the class of each is counted
(``domain/insights/histogram.py``); and of years, where everybody's count, whole months are read as they were
summed up when they were written, so that little depends on how much was released.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, false, func, literal, or_, select
from sqlalchemy.orm import Session

from airflow_release_plugin.domain.insights.distribution import DAY, HOUR, MINUTE, Distribution, Spread
from airflow_release_plugin.domain.insights.durations import (
    DurationKind,
    PeriodParts,
    all_days_of,
    is_exact,
    parts_of,
)
from airflow_release_plugin.domain.insights.histogram import distribution_of, in_classes
from airflow_release_plugin.domain.insights.period import BucketSize, Period, day_number
from airflow_release_plugin.domain.insights.question import Breakdown
from airflow_release_plugin.domain.insights.tally import BEFORE, LeadRow
from airflow_release_plugin.models import DeployedVersion, Deployment, DurationCount, Wait
from airflow_release_plugin.repositories.insights import (
    InsightScope,
    name_of,
    of_releases,
    of_units,
    told_apart,
)


class NamedSpread(NamedTuple):
    """How long versions under one name took."""

    name: str
    lead: Spread


class WaitRow(NamedTuple):
    """How long one thing was waited for in one period; its key: flow and step, or id and name of a person."""

    bucket: int
    key: tuple[str, str]
    waits: Spread


class MonthRow(NamedTuple):
    """What was summed up of one month under one name."""

    kind: DurationKind
    month: int
    flow: str
    name: str
    person_name: str
    counts: bytes


@dataclass(frozen=True)
class DurationSource:
    """
    Where the durations of a question are.

    :param parts: months that are read as sums, and days of which the rows are
    :param months: these sums
    """

    period: Period
    scope: InsightScope
    parts: PeriodParts
    months: Sequence[MonthRow]

    def of(self, kind: DurationKind) -> Iterable[tuple[int, MonthRow]]:
        """The sums of one kind, each with the bucket that it is in."""
        return ((self.parts.months[row.month], row) for row in self.months if row.kind is kind)

    def distribution(self, counts: Counter[int]) -> Distribution:
        """The distribution of what :meth:`measured` counts."""
        return Distribution(counts) if is_exact(self.period) else in_classes(counts)

    def measured(self, seconds: Any, number: Any) -> Any:
        """What durations are told apart by: how long they took, rounded, or their class."""
        if not is_exact(self.period):
            return number
        # SQL twin of rounded().
        return case((seconds < DAY, seconds // MINUTE * MINUTE), else_=seconds // HOUR * HOUR)

    def on_days(self, day: Any) -> ColumnElement[bool]:
        """Whether a row is on one of the days."""
        return or_(false(), *(and_(day >= start, day < end) for start, end in self.parts.days))


def source(session: Session, period: Period, scope: InsightScope) -> DurationSource:
    """Where the durations are; one query, which finds nothing where no whole month is asked for."""
    # Sums are everybody's: who may see some units only has few rows.
    parts = all_days_of(period) if scope.has_units else parts_of(period)
    columns = (
        DurationCount.kind,
        DurationCount.month,
        DurationCount.flow,
        DurationCount.name,
        DurationCount.person_name,
        DurationCount.counts,
    )
    query = select(*columns).where(DurationCount.month.in_(list(parts.months)))
    if scope.flow:
        query = query.where(DurationCount.flow == scope.flow)
    return DurationSource(period, scope, parts, [MonthRow(*row) for row in session.execute(query)])


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


def lead_times(session: Session, source: DurationSource) -> list[LeadRow]:
    """How long versions took to the target, by bucket."""
    scope = source.scope
    measured = source.measured(DeployedVersion.lead_seconds, DeployedVersion.lead_class)
    columns: tuple[Any, ...] = (
        _bucket(source.period).label("bucket"),
        measured.label("measured"),
        func.count(),
    )
    query = select(*columns).group_by("bucket", "measured").where(source.on_days(DeployedVersion.day))
    query = query.where(*of_units(DeployedVersion.unit_id, scope))
    if scope.flow:
        query = query.join(Deployment, Deployment.release_id == DeployedVersion.release_id)
        query = query.where(Deployment.flow == scope.flow)
    rows: dict[int, Counter[int]] = defaultdict(Counter)
    for bucket, value, versions in session.execute(query):
        rows[bucket][value] += versions
    found = [(bucket, source.distribution(counts)) for bucket, counts in rows.items()]
    sums: dict[int, list[bytes]] = defaultdict(list)
    for bucket, row in source.of(DurationKind.LEAD):
        sums[bucket].append(row.counts)
    found += [(bucket, distribution_of(parts)) for bucket, parts in sums.items()]
    return [
        LeadRow(bucket, seconds, versions)
        for bucket, leads in found
        for seconds, versions in leads.counts.items()
    ]


def named_lead_times(
    session: Session, source: DurationSource, by: Breakdown, names: Iterable[str]
) -> list[NamedSpread]:
    """How long the versions of the period itself under these names took."""
    measured = source.measured(DeployedVersion.lead_seconds, DeployedVersion.lead_class)
    columns: tuple[Any, ...] = (name_of(by).label("name"), measured.label("measured"), func.count())
    query: Select[Any] = select(*columns).group_by("name", "measured").where(name_of(by).in_(list(names)))
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for name, value, versions in session.execute(told_apart(query, source.period, source.scope, by)):
        counts[name][value] += versions
    return [NamedSpread(name, Spread.of(source.distribution(found))) for name, found in counts.items()]


class _Waited:
    """What is known of one key in one bucket, from sums and from rows."""

    def __init__(self) -> None:
        self.name = ""
        self.sums: list[bytes] = []
        self.rows: Counter[int] = Counter()


def step_waits(session: Session, source: DurationSource) -> list[WaitRow]:
    """How long steps took until nobody else was waited for, by flow and step."""
    known: dict[tuple[int, str, str], _Waited] = defaultdict(_Waited)
    for bucket, row in source.of(DurationKind.STEP):
        known[_period_of(bucket), row.flow, row.name].sums.append(row.counts)
    query = _waits(source, Wait.flow, Wait.step_name).where(Wait.completes)
    for bucket, flow, step, value, waits in session.execute(query):
        known[bucket, flow, step].rows[value] += waits
    return [
        WaitRow(bucket, (flow, step), _spread(source, waited))
        for (bucket, flow, step), waited in known.items()
    ]


def person_waits(session: Session, source: DurationSource) -> list[WaitRow]:
    """How long steps had waited when people decided, by id and name of the person."""
    known: dict[tuple[int, str], _Waited] = defaultdict(_Waited)
    for bucket, row in source.of(DurationKind.PERSON):
        waited = known[_period_of(bucket), row.name]
        waited.sums.append(row.counts)
        waited.name = max(waited.name, row.person_name)
    query = _waits(source, Wait.person_id, func.max(Wait.person_name), groups=1)
    for bucket, person, name, value, waits in session.execute(query):
        waited = known[bucket, person]
        waited.rows[value] += waits
        waited.name = max(waited.name, name)
    return [
        WaitRow(bucket, (person, waited.name), _spread(source, waited))
        for (bucket, person), waited in known.items()
    ]


def _waits(source: DurationSource, *keys: Any, groups: int = 2) -> Select[Any]:
    """
    Bucket, keys, duration and how often it was seen.

    :param groups: number of the keys that tell waits apart; the others are aggregates
    """
    bucket = case((Wait.day < day_number(source.period.first), literal(BEFORE)), else_=literal(0)).label(
        "bucket"
    )
    measured = source.measured(Wait.seconds, Wait.duration_class).label("measured")
    query: Select[Any] = select(bucket, *keys, measured, func.count())
    query = query.where(source.on_days(Wait.day), *of_releases(Wait.release_id, source.scope))
    if source.scope.flow:
        query = query.where(Wait.flow == source.scope.flow)
    return query.group_by("bucket", *keys[:groups], "measured")


def _period_of(bucket: int) -> int:
    """Waits are told of both periods as wholes."""
    return BEFORE if bucket == BEFORE else 0


def _spread(source: DurationSource, waited: _Waited) -> Spread:
    parts = [distribution_of(waited.sums), source.distribution(waited.rows)]
    return Spread.of(Distribution.together(parts))
