from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.insights.distribution import DAY, HOUR, MINUTE, Distribution, rounded

pytestmark = pytest.mark.req("R78")
SECONDS = st.integers(min_value=0, max_value=400 * DAY)


def test_of_nothing_there_is_no_percentile() -> None:
    assert (Distribution().median, Distribution().p90, Distribution().total) == (None, None, 0)


def test_the_median_of_two_is_the_smaller_one() -> None:
    assert Distribution.of([10 * MINUTE, 90 * MINUTE]).median == 10 * MINUTE


def test_nine_of_ten_do_not_exceed_the_ninetieth_percentile() -> None:
    assert Distribution.of([n * MINUTE for n in range(1, 11)]).p90 == 9 * MINUTE


def test_durations_are_kept_in_minutes_below_a_day_and_in_hours_from_there_on() -> None:
    assert rounded(59) == 0
    assert rounded(DAY - 1) == DAY - MINUTE
    assert rounded(DAY + HOUR + 59 * MINUTE) == DAY + HOUR


@given(st.lists(SECONDS, min_size=1), st.integers(min_value=1, max_value=100))
def test_a_percentile_is_the_value_at_its_rank(durations: list[int], percent: int) -> None:
    at_rank = sorted(rounded(each) for each in durations)[math.ceil(len(durations) * percent / 100) - 1]

    assert Distribution.of(durations).percentile(percent) == at_rank


@given(st.lists(st.lists(SECONDS)))
def test_distributions_together_are_that_of_all_durations(parts: list[list[int]]) -> None:
    every = [each for part in parts for each in part]

    together = Distribution.together(Distribution.of(part) for part in parts)

    assert together.counts == Distribution.of(every).counts
