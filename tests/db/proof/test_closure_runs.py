"""Every way in which code names files ends in a complete unit, or in a sentence before the approval."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.closure_cases import CASES
from tests.harness.closure_runs import read_found, run_all


@pytest.mark.req("R80")
@pytest.mark.req("R81")
def test_running_the_examples_finds_what_the_table_says(tmp_path: Path) -> None:
    """If it finds something else, ``python -m tests.harness.closure_runs`` writes that down."""
    assert run_all(tmp_path) == read_found()


def test_each_way_ends_in_a_complete_unit_or_in_a_sentence() -> None:
    found = read_found()
    assert found.keys() == {case.kind for case in CASES}
    for case in CASES:
        if case.missing and "joins" not in found[case.kind]:
            assert case.says or found[case.kind].startswith("refused"), case.kind


def test_a_file_that_only_running_tells_joins_wherever_parsing_reads_it() -> None:
    found = read_found()
    silent = [case.kind for case in CASES if case.missing and case.when == "parse"]
    assert silent
    for kind in silent:
        assert "joins" in found[kind] or found[kind].startswith("refused"), (kind, found[kind])
