from __future__ import annotations

import pytest

from airflow_release_plugin.proof.log_lines import MOST, names_in, only_in_second, without_unsteady

LACKS = "ERROR: Failed\nTemplateNotFound: 'scripts/a.sh' not found in search path: 'etl'"


def test_what_only_the_second_run_logs_is_told():
    assert only_in_second(["WARNING: both"], ["WARNING: both", LACKS]) == (LACKS,)
    assert only_in_second([LACKS], []) == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("at 2026-01-02 03:04:05,678", "at 2026-01-02 03:04:06,001"),
        ("at 2026-01-02T03:04:05.6Z", "at 2027-11-12T13:14:15.6+02:00"),
        ("<object at 0x7f00aa>", "<object at 0x7f11bb>"),
        ("took 0.25 s", "took 1.5 s"),
        ("read in 12ms", "read in 7ms"),
        ("wrote $TMPDIR/tmpab_c", "wrote $TMPDIR/tmpx1z"),
    ],
)
def test_times_and_addresses_make_no_difference(first, second):
    assert only_in_second([first], [second]) == ()


def test_other_numbers_do():
    assert only_in_second(["WARNING: 12 tables"], ["WARNING: 0 tables"]) == ("WARNING: 0 tables",)


def test_a_line_that_carries_another_number_each_time_is_unsteady():
    assert without_unsteady(["try 3", LACKS], (["try 1", "try 4"], ["try 2", "try 4"])) == (LACKS,)


def test_a_line_that_comes_and_goes_is_unsteady():
    assert without_unsteady(["slow"], ([], ["slow"])) == ()
    assert without_unsteady(["12 tables"], (["0 tables"], ["0 tables"])) == ("12 tables",)


def test_a_run_that_logs_more_than_is_kept_tells_nothing_by_what_it_lacks():
    assert only_in_second([f"line {number}" for number in range(MOST)], ["new"]) == ()


def test_names_of_files_in_a_line():
    assert list(names_in(LACKS)) == ["scripts/a.sh"]
    assert list(names_in("no ./conf/a.yaml, b.csv.gz; (see x/y.txt)")) == [
        "conf/a.yaml",
        "b.csv.gz",
        "x/y.txt",
    ]
