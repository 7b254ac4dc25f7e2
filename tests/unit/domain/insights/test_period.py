from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.insights.period import (
    EARLIEST,
    MOST_DAYS,
    BucketSize,
    Period,
    bucket_number,
    chosen_period,
    day_number,
    day_of,
    last_days,
    month_number,
)
from airflow_release_plugin.exceptions import InvalidRequestError

pytestmark = pytest.mark.req("R78")
TODAY = date(2026, 3, 2)
DAYS = st.dates(min_value=EARLIEST, max_value=date(2200, 1, 1))


def test_the_last_days_end_today_and_the_period_before_ends_the_day_before_them() -> None:
    period = last_days(30, TODAY)

    assert (period.first, period.last, period.days) == (date(2026, 2, 1), TODAY, 30)
    assert (period.before.first, period.before.last) == (date(2026, 1, 2), date(2026, 1, 31))


def test_a_period_that_reaches_into_the_future_ends_today() -> None:
    assert chosen_period(date(2026, 3, 1), date(9999, 12, 31), TODAY) == Period(date(2026, 3, 1), TODAY)


def test_ten_years_are_shown_in_quarters() -> None:
    period = chosen_period(date(2016, 3, 3), TODAY, TODAY)

    assert period.bucket_size is BucketSize.QUARTER
    assert len(period.buckets) == 41


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 3, 2), date(2026, 3, 1), "swap the two days"),
        (date(2026, 3, 3), date(2026, 3, 4), "Choose an earlier day"),
        (date(1, 1, 1), date(2026, 3, 1), "from 1970-01-01 on"),
        (TODAY - timedelta(days=MOST_DAYS), TODAY, "Choose a later first day"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused_with_what_to_do(first: date, last: date, said: str) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        chosen_period(first, last, TODAY)


@pytest.mark.parametrize("days", [-5, 0, 1, 4000, 10**9])
def test_any_number_of_days_is_a_period_or_refused(days: int) -> None:
    if days > MOST_DAYS:
        with pytest.raises(InvalidRequestError, match="Choose a later first day"):
            last_days(days, TODAY)
    else:
        assert last_days(days, TODAY) == Period(TODAY, TODAY)


@pytest.mark.parametrize(
    ("size", "moment", "first"),
    [
        (BucketSize.DAY, date(2026, 3, 2), date(2026, 3, 2)),
        (BucketSize.WEEK, date(2026, 3, 1), date(2026, 2, 23)),
        (BucketSize.WEEK, date(2026, 3, 2), date(2026, 3, 2)),
        (BucketSize.MONTH, date(2026, 3, 31), date(2026, 3, 1)),
        (BucketSize.QUARTER, date(2026, 3, 31), date(2026, 1, 1)),
        (BucketSize.QUARTER, date(2026, 12, 31), date(2026, 10, 1)),
    ],
)
def test_weeks_begin_on_monday_and_quarters_in_january(size: BucketSize, moment: date, first: date) -> None:
    length = {"day": 5, "week": 60, "month": 400, "quarter": 1200}[size.value]
    period = Period(moment - timedelta(days=length - 1), moment)

    assert period.bucket_size is size
    assert period.buckets[bucket_number(size, moment)] == first


def test_a_moment_is_in_the_day_that_it_has_in_utc() -> None:
    late = datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=-2)))

    assert day_of(day_number(late)) == date(2026, 3, 2)
    assert month_number(datetime(2026, 3, 31, 23, tzinfo=timezone(timedelta(hours=-2)))) == 2026 * 12 + 3


@given(first=DAYS, length=st.integers(min_value=1, max_value=MOST_DAYS))
def test_each_day_of_a_period_is_in_one_bucket_and_the_days_of_its_buckets_are_all(
    first: date, length: int
) -> None:
    period = Period(first, first + timedelta(days=length - 1))
    buckets = period.buckets

    assert bucket_number(period.bucket_size, period.first) == min(buckets)
    assert bucket_number(period.bucket_size, period.last) == max(buckets)
    assert sum(period.days_of(number) for number in buckets) == length
    assert all(period.days_of(number) >= 1 for number in buckets)
    assert len(buckets) <= 42
