from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from airflow_release_plugin.domain.release.dev_runs import DevRun, TaskReads

pytestmark = pytest.mark.req("R84")
A, B = "a" * 40, "b" * 40
NOW = datetime(2026, 11, 29, tzinfo=timezone.utc)
RUN = DevRun("dev.etl", "manual", "success", NOW, NOW, (TaskReads("load", {"etl.py": A, "x.csv": B}),))


class TestTried:
    def test_are_the_files_of_a_version_that_has_all_that_was_read(self) -> None:
        assert RUN.tried("etl.py", {"etl.py": A, "x.csv": B, "not_read.csv": A})

    @pytest.mark.parametrize("files", [{"etl.py": A}, {"etl.py": A, "x.csv": A}, {"etl.py": B, "x.csv": B}])
    def test_are_not_those_of_a_version_that_lacks_one_or_has_other_bytes(
        self, files: dict[str, str]
    ) -> None:
        assert not RUN.tried("etl.py", files)

    @pytest.mark.parametrize(
        "change",
        [
            {"silent": 1},
            {"state": "running"},
            {"tasks": ()},
            {"tasks": (TaskReads("load", {"x.csv": B}),)},
            {"tasks": (TaskReads("load", {"etl.py": A}, is_whole=False),)},
            {"tasks": (*RUN.tasks, TaskReads("save", {"etl.py": B}))},
            {"tasks": (*RUN.tasks, TaskReads("save", {"x.csv": ""}))},
        ],
    )
    def test_are_none_where_a_run_does_not_tell_all(self, change: dict[str, Any]) -> None:
        assert not replace(RUN, **change).tried("etl.py", {"etl.py": A, "x.csv": B})

    def test_are_those_of_a_run_that_failed_which_is_no_success(self) -> None:
        failed = replace(RUN, state="failed")

        assert (failed.tried("etl.py", {"etl.py": A, "x.csv": B}), failed.is_success) == (True, False)


@pytest.mark.parametrize(
    "value",
    [None, "text", [], {}, {"files": []}, {"files": "x"}, {"files": dict.fromkeys(map(str, range(501)), A)}],
)
def test_a_value_that_says_something_else_is_nothing(value: Any) -> None:
    assert TaskReads.from_value("load", value) is None


def test_a_value_is_read_as_it_was_written() -> None:
    assert TaskReads.from_value("load", RUN.tasks[0].to_value()) == RUN.tasks[0]


def test_what_is_no_blob_is_not_known() -> None:
    read = TaskReads.from_value("load", {"files": {"etl.py": "HEAD", "x": 3}, "is_whole": "yes"})

    assert read == TaskReads("load", {"etl.py": "", "x": ""}, is_whole=False)
