"""Counting what a database found, bucket by bucket."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from airflow_release_plugin.domain.insights.distribution import Distribution, rounded
from airflow_release_plugin.domain.insights.figures import Figures
from airflow_release_plugin.domain.insights.period import Period, bucket_number, day_number, day_of

BEFORE = -1
"""Number of the one bucket that stands for the whole period before."""


class ArrivalsRow(NamedTuple):
    """Changes that reached the target on one day."""

    day: int
    released: int
    failed: int
    glass_broken: int


class LeadRow(NamedTuple):
    """How many versions of one bucket had one lead time, rounded."""

    bucket: int
    seconds: int
    versions: int


class FailureRow(NamedTuple):
    """When a change began to fail, and when that was put right."""

    failed_at: datetime
    restored_at: datetime | None


class TrendPoint(NamedTuple):
    """One bucket of a period."""

    first: date
    figures: Figures


@dataclass
class _Count:
    released: int = 0
    failed: int = 0
    glass_broken: int = 0
    unrestored: int = 0
    lead: Counter[int] = field(default_factory=Counter)
    restore: Counter[int] = field(default_factory=Counter)

    def figures(self, days: int) -> Figures:
        return Figures(
            days=days,
            released=self.released,
            failed=self.failed,
            glass_broken=self.glass_broken,
            lead=Distribution(self.lead),
            restore=Distribution(self.restore),
            unrestored=self.unrestored,
        )


class Tally:
    """What is known of the buckets of a period, and of the period before as one."""

    def __init__(self, period: Period) -> None:
        self._period = period
        self._first, self._size = day_number(period.first), period.bucket_size
        self._counts = {BEFORE: _Count(), **{number: _Count() for number in period.buckets}}

    def _bucket(self, moment: date | datetime) -> int:
        return BEFORE if day_number(moment) < self._first else bucket_number(self._size, moment)

    def add_arrivals(self, row: ArrivalsRow) -> None:
        """Count changes that reached the target."""
        count = self._counts[self._bucket(day_of(row.day))]
        count.released += row.released
        count.failed += row.failed
        count.glass_broken += row.glass_broken

    def add_lead(self, row: LeadRow) -> None:
        """Count lead times."""
        self._counts[row.bucket].lead[row.seconds] += row.versions

    def add_failure(self, row: FailureRow) -> None:
        """Count something that began to fail."""
        count = self._counts[self._bucket(row.failed_at)]
        if row.restored_at is None:
            count.unrestored += 1
        else:
            count.restore[rounded(int((row.restored_at - row.failed_at).total_seconds()))] += 1

    @property
    def before(self) -> Figures:
        """Those of the period before."""
        return self._counts[BEFORE].figures(self._period.days)

    @property
    def now(self) -> Figures:
        """Those of the whole period."""
        whole = _Count()
        for number, count in self._counts.items():
            if number != BEFORE:
                whole.released += count.released
                whole.failed += count.failed
                whole.glass_broken += count.glass_broken
                whole.unrestored += count.unrestored
                whole.lead.update(count.lead)
                whole.restore.update(count.restore)
        return whole.figures(self._period.days)

    @property
    def trend(self) -> tuple[TrendPoint, ...]:
        """Those of each bucket, empty ones too; one that reaches beyond the period has fewer days."""
        return tuple(
            TrendPoint(first, self._counts[number].figures(self._period.days_of(number)))
            for number, first in self._period.buckets.items()
        )
