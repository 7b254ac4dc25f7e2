"""Periods of whole days in UTC, the one before, and the buckets that a chart of them has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import Enum

from airflow_release_plugin.exceptions import InvalidRequestError

OFFERED_DAYS = (7, 30, 90, 365)
"""Lengths of the periods that end today and are offered."""
DEFAULT_DAYS = 30
MOST_DAYS = 3653
"""Ten years, leap days and all."""
EARLIEST = date(1970, 1, 1)
"""Days are counted from here."""


class BucketSize(str, Enum):
    """What one point of a chart stands for."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


_LONGEST = ((BucketSize.DAY, 31), (BucketSize.WEEK, 190), (BucketSize.MONTH, 1100))
"""Days up to which a period is shown in buckets of that size; longer ones in quarters."""


def day_number(moment: date | datetime) -> int:
    """Days since 1970-01-01 of a day, or of the UTC day that a moment is in."""
    if isinstance(moment, datetime):
        moment = moment.astimezone(timezone.utc).date()
    return (moment - EARLIEST).days


def day_of(number: int) -> date:
    """The day of a day number."""
    return EARLIEST + timedelta(days=number)


def month_number(moment: date | datetime) -> int:
    """Months since the year 0 of a day, or of the UTC day that a moment is in."""
    if isinstance(moment, datetime):
        moment = moment.astimezone(timezone.utc)
    return moment.year * 12 + moment.month - 1


def week_number(day: int) -> int:
    """Number of the week, from Monday on, that a day number is in."""
    return (day + 3) // 7


_START_OF: dict[BucketSize, Callable[[int], date]] = {
    BucketSize.DAY: day_of,
    BucketSize.WEEK: lambda number: day_of(number * 7 - 3),
    BucketSize.MONTH: lambda number: date(number // 12, number % 12 + 1, 1),
    BucketSize.QUARTER: lambda number: date(number // 4, number % 4 * 3 + 1, 1),
}


def bucket_number(size: BucketSize, moment: date | datetime) -> int:
    """Number of the bucket that a day or moment is in; numbers of neighbours differ by one."""
    if size is BucketSize.DAY:
        return day_number(moment)
    if size is BucketSize.WEEK:
        return week_number(day_number(moment))
    return month_number(moment) // (3 if size is BucketSize.QUARTER else 1)


@dataclass(frozen=True)
class Period:
    """
    Days in UTC.

    :param first: its first day
    :param last: its last day, which belongs to it
    """

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> PeriodBefore:
        """The period of the same length that ends the day before."""
        return PeriodBefore(day_number(self.first) - self.days, day_number(self.first))

    @property
    def start(self) -> datetime:
        """Its first moment."""
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=timezone.utc)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return datetime(self.last.year, self.last.month, self.last.day, tzinfo=timezone.utc) + timedelta(1)

    @property
    def bucket_size(self) -> BucketSize:
        """What one point of its charts stands for: so that there are neither too many nor too few."""
        return next((size for size, longest in _LONGEST if self.days <= longest), BucketSize.QUARTER)

    @property
    def buckets(self) -> dict[int, date]:
        """Its buckets in order, empty ones too: first day by number. The outer ones may reach beyond it."""
        size = self.bucket_size
        numbers = range(bucket_number(size, self.first), bucket_number(size, self.last) + 1)
        return {number: _START_OF[size](number) for number in numbers}

    def days_of(self, bucket: int) -> int:
        """How many days of it a bucket has."""
        start_of = _START_OF[self.bucket_size]
        first, after = max(start_of(bucket), self.first), start_of(bucket + 1)
        return min(day_number(after), day_number(self.last) + 1) - day_number(first)


@dataclass(frozen=True)
class PeriodBefore:
    """Day numbers of the period that another one is compared with; ``end`` does not belong to it."""

    start: int
    end: int

    @property
    def first(self) -> date:
        """Its first day."""
        return day_of(self.start)

    @property
    def last(self) -> date:
        """Its last day."""
        return day_of(self.end - 1)


def last_days(days: int, today: date) -> Period:
    """The period of so many days that ends today."""
    return chosen_period(today - timedelta(days=min(max(days, 1), MOST_DAYS + 1) - 1), today, today)


def chosen_period(first: date, last: date, today: date) -> Period:
    """
    The period from one day to another; one that reaches into the future ends today.

    :raises InvalidRequestError: it begins in the future or before 1970, ends first, or is too long
    """
    if first > today:
        raise InvalidRequestError(
            "The period begins on %(first)s; today is %(today)s. Choose an earlier day.",
            first=first,
            today=today,
        )
    if last < first:
        raise InvalidRequestError(
            "The period ends on %(last)s and begins on %(first)s: swap the two days.", last=last, first=first
        )
    if first < EARLIEST:
        raise InvalidRequestError(
            "The period begins on %(first)s; choose a day from %(earliest)s on.",
            first=first,
            earliest=EARLIEST,
        )
    period = Period(first, min(last, today))
    if period.days > MOST_DAYS:
        raise InvalidRequestError(
            "From %(first)s to %(last)s there are %(days)s days; %(most)s, ten years, are "
            "possible. Choose a later first day.",
            first=period.first,
            last=period.last,
            days=period.days,
            most=MOST_DAYS,
        )
    return period


def asked_period(days: int | None, first: date | None, last: date | None, today: date) -> Period:
    """
    The period that somebody asked for: two days, or one of them and a length, or a length that ends today.

    :raises InvalidRequestError: see :func:`chosen_period`
    """
    length = min(max(days or DEFAULT_DAYS, 1), MOST_DAYS + 1)
    if first is not None:
        return chosen_period(first, last or today, today)
    if last is not None:
        end = min(last, today)
        return chosen_period(EARLIEST + timedelta(max(day_number(end) - length + 1, 0)), end, today)
    return last_days(length, today)
