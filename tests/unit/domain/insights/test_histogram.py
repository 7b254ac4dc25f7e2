"""Durations in classes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.insights.distribution import Distribution, rounded
from airflow_release_plugin.domain.insights.histogram import (
    EXACT,
    class_of,
    distribution_of,
    in_classes,
    middle_of,
    with_one,
)

SECONDS = st.integers(min_value=0, max_value=400 * 86400)


@given(SECONDS)
def test_the_middle_of_its_class_stands_for_a_duration_within_one_and_a_half_percent(seconds: int) -> None:
    middle = middle_of(class_of(seconds))

    if seconds < EXACT * 60:
        assert middle == rounded(seconds)
    else:
        # Besides, durations are told in whole minutes, and from a day on in whole hours.
        step = 60 if seconds < 86400 else 3600
        assert abs(middle - seconds) <= seconds / 64 + step


@given(SECONDS, SECONDS)
def test_classes_keep_the_order_of_durations(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert class_of(low) <= class_of(high)
    assert middle_of(class_of(low)) <= middle_of(class_of(high))


def test_classes_follow_each_other_without_a_gap() -> None:
    seen = [class_of(minutes * 60) for minutes in range(100_000)]
    assert sorted(set(seen)) == list(range(seen[-1] + 1))


@given(st.lists(st.lists(SECONDS, max_size=20), max_size=5))
def test_counts_of_months_add_up_to_those_of_all_their_durations(months: list[list[int]]) -> None:
    parts = []
    for month in months:
        counts = b""
        for seconds in month:
            counts = with_one(counts, class_of(seconds))
        parts.append(counts)
    every = [seconds for month in months for seconds in month]

    assert distribution_of(parts) == Distribution.of(middle_of(class_of(seconds)) for seconds in every)
    assert distribution_of([]) == Distribution()


@given(st.lists(SECONDS, min_size=1, max_size=20))
def test_what_is_taken_back_leaves_no_trace(durations: list[int]) -> None:
    before = b""
    for seconds in durations[1:]:
        before = with_one(before, class_of(seconds))

    after = with_one(with_one(before, class_of(durations[0])), class_of(durations[0]), -1)

    assert after == before
    assert in_classes({}) == Distribution()
