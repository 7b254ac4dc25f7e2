"""What is known of durations: which there are, and where a period takes them from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

from airflow_release_plugin.domain.insights.period import (
    BucketSize,
    Period,
    bucket_number,
    day_number,
    day_of,
    month_number,
)
from airflow_release_plugin.domain.insights.tally import BEFORE


class DurationKind(str, Enum):
    """What took some time."""

    LEAD = "lead"
    """A version, from its submission until it reached the target."""
    STEP = "step"
    """A step of an approval, until it waited for nobody else."""
    PERSON = "person"
    """A step, until somebody decided on it."""


def is_exact(period: Period) -> bool:
    """Whether its durations are those of its rows; of longer periods only their classes are looked at."""
    return period.bucket_size is BucketSize.DAY


@dataclass(frozen=True)
class PeriodParts:
    """
    A period and the one before, as they are read where everybody's durations are asked for.

    :param months: whole months with the bucket that each is in; empty for periods that show no months
    :param days: the rest, as ranges of day numbers whose ends do not belong to them
    """

    months: Mapping[int, int]
    days: tuple[tuple[int, int], ...]


def all_days_of(period: Period) -> PeriodParts:
    """Both periods day by day."""
    return PeriodParts({}, ((period.before.start, day_number(period.last) + 1),))


def parts_of(period: Period) -> PeriodParts:
    """Its whole months, and the days beside them."""
    if period.bucket_size not in {BucketSize.MONTH, BucketSize.QUARTER}:
        return all_days_of(period)
    before, first, end = period.before.start, day_number(period.first), day_number(period.last) + 1
    months: dict[int, int] = {}
    days: list[tuple[int, int]] = []
    for start, stop, is_before in ((before, first, True), (first, end, False)):
        reached = start
        for month, begins, ends in _months_of(start, stop):
            if reached < begins:
                days.append((reached, begins))
            months[month] = BEFORE if is_before else bucket_number(period.bucket_size, _first_of(month))
            reached = ends
        if reached < stop:
            days.append((reached, stop))
    return PeriodParts(months, tuple(days))


def _months_of(start: int, stop: int) -> list[tuple[int, int, int]]:
    """Months that lie between two days: number, first day, and the day after the last one."""
    numbers = range(month_number(day_of(start)), month_number(day_of(stop)) + 1)
    limits = [(n, day_number(_first_of(n)), day_number(_first_of(n + 1))) for n in numbers]
    return [each for each in limits if each[1] >= start and each[2] <= stop]


def _first_of(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)
