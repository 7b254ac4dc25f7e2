from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from airflow_release_plugin.domain.insights.period import Period, day_number
from airflow_release_plugin.domain.insights.tally import BEFORE, ArrivalsRow, FailureRow, LeadRow, Tally

pytestmark = pytest.mark.req("R78")
PERIOD = Period(date(2026, 3, 2), date(2026, 3, 8))
NOON = datetime(2026, 3, 4, 12, tzinfo=timezone.utc)


def test_an_empty_period_has_a_point_for_each_day_and_says_nothing() -> None:
    tally = Tally(PERIOD)

    assert [point.first.day for point in tally.trend] == [2, 3, 4, 5, 6, 7, 8]
    assert tally.now == tally.before
    assert (tally.now.released, tally.now.failure_rate, tally.now.lead.median) == (0, None, None)


def test_rows_count_for_the_period_that_their_day_is_in() -> None:
    tally = Tally(PERIOD)
    tally.add_arrivals(ArrivalsRow(day_number(date(2026, 3, 8)), 3, 1, 1))
    tally.add_arrivals(ArrivalsRow(day_number(date(2026, 3, 1)), 2, 0, 0))
    tally.add_lead(LeadRow(BEFORE, 60, 2))
    tally.add_lead(LeadRow(day_number(date(2026, 3, 8)), 120, 3))

    assert (tally.now.released, tally.now.failed, tally.now.glass_broken) == (3, 1, 1)
    assert (tally.before.released, tally.before.lead.median) == (2, 60)
    assert (tally.now.lead.median, tally.trend[-1].figures.released) == (120, 3)


def test_what_is_not_put_right_yet_has_no_time_to_restore() -> None:
    tally = Tally(PERIOD)
    tally.add_failure(FailureRow(NOON, NOON + timedelta(minutes=90)))
    tally.add_failure(FailureRow(NOON, None))

    assert (tally.now.restore.median, tally.now.restore.total, tally.now.unrestored) == (5400, 1, 1)
    assert tally.trend[2].figures.unrestored == 1
