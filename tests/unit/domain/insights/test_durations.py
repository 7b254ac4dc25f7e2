"""Which months and days a period is read from."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.insights.durations import is_exact, parts_of
from airflow_release_plugin.domain.insights.period import Period, bucket_number, day_number, last_days
from airflow_release_plugin.domain.insights.tally import BEFORE


def days_of_month(month: int) -> range:
    first, after = date(month // 12, month % 12 + 1, 1), date((month + 1) // 12, (month + 1) % 12 + 1, 1)
    return range(day_number(first), day_number(after))


@given(
    st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 1, 1)),
    st.integers(min_value=1, max_value=3653),
)
def test_months_and_days_are_both_periods_once_each_and_in_their_buckets(last: date, days: int) -> None:
    period = last_days(days, last)

    parts = parts_of(period)

    read = [day for start, end in parts.days for day in range(start, end)]
    for month, bucket in parts.months.items():
        inside = days_of_month(month)
        read.extend(inside)
        is_before = inside[0] < day_number(period.first)
        size = period.bucket_size
        expected = bucket_number(size, date(month // 12, month % 12 + 1, 1))
        assert bucket == (BEFORE if is_before else expected)
    assert sorted(read) == list(range(period.before.start, day_number(period.last) + 1))
    assert len(parts.days) <= 4


def test_a_year_is_mostly_months_and_a_quarter_is_none() -> None:
    assert len(parts_of(last_days(365, date(2026, 3, 15))).months) == 22
    assert parts_of(Period(date(2023, 1, 1), date(2023, 12, 31))).days == ()
    assert parts_of(last_days(90, date(2026, 3, 15))).months == {}


def test_a_month_is_told_to_the_minute() -> None:
    assert is_exact(last_days(31, date(2026, 3, 15)))
    assert not is_exact(last_days(32, date(2026, 3, 15)))
