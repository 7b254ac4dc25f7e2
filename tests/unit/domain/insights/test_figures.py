from __future__ import annotations

import pytest

from airflow_release_plugin.domain.insights.figures import Figures, Trend, trend

pytestmark = pytest.mark.req("R78")


def test_how_often_is_told_by_the_days_of_the_period() -> None:
    figures = Figures(days=30, released=15)

    assert (figures.per_day, figures.per_week) == (0.5, 3.5)


def test_where_nothing_was_released_there_is_no_failure_rate() -> None:
    assert Figures(days=7).failure_rate is None
    assert Figures(days=7, released=8, failed=2).failure_rate == 0.25


@pytest.mark.parametrize(
    ("now", "before", "more_is_better", "said"),
    [
        (2.0, 1.0, True, Trend.BETTER),
        (1.0, 2.0, True, Trend.WORSE),
        (0.0, 1.0, True, Trend.WORSE),
        (3600, 7200, False, Trend.BETTER),
        (7200, 3600, False, Trend.WORSE),
        (0.1, 0.0, False, Trend.WORSE),
        (0.0, 0.0, False, Trend.SAME),
        (1.0, 1.04, False, Trend.SAME),
        (None, 1.0, False, Trend.UNKNOWN),
        (1.0, None, False, Trend.UNKNOWN),
    ],
)
def test_a_figure_is_compared_with_the_one_before(
    now: float | None, before: float | None, more_is_better: bool, said: Trend
) -> None:
    assert trend(now, before, more_is_better=more_is_better) is said
