"""What stands below the columns of a chart, in the order of each language."""

from __future__ import annotations

from datetime import date

import pytest

from airflow_release_plugin.domain.insights.period import BucketSize
from airflow_release_plugin.languages import speaking
from airflow_release_plugin.views.insights.cards import bucket_label

pytestmark = pytest.mark.req("R79")


@pytest.mark.parametrize(
    ("size", "english", "chinese"),
    [
        (BucketSize.DAY, "Nov 1", "11月1日"),
        (BucketSize.WEEK, "Nov 1", "11月1日"),
        (BucketSize.MONTH, "Nov 2026", "2026年11月"),
        (BucketSize.QUARTER, "Q4 2026", "2026年第4季度"),
    ],
)
def test_it_is_the_first_day_month_or_quarter(size: BucketSize, english: str, chinese: str) -> None:
    first = date(2026, 11, 1)

    assert bucket_label(first, size) == english
    with speaking("zh-CN"):
        assert bucket_label(first, size) == chinese
