"""Lists as CSV."""

from __future__ import annotations

import csv

import pytest

from airflow_release_plugin.views.widgets.csv_export import csv_line


@pytest.mark.req("R13")
@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_spreadsheet_runs_nothing(text: str) -> None:
    (row,) = csv.reader(
        [csv_line([text, "plain"])] if "\n" not in text else csv_line([text, "plain"]).splitlines(True)
    )

    assert row == [f"'{text}", "plain"]


def test_commas_and_quotes_stay_in_their_column() -> None:
    (row,) = csv.reader([csv_line(['a, "b"', "c"])])

    assert row == ['a, "b"', "c"]
