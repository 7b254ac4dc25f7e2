from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_release_plugin.analysis.stat_memo import StatMemo

OLD = {"st_mtime_ns": 1, "st_ctime_ns": 1, "st_size": 6, "st_ino": 1, "st_mode": 0o100644}


def answers(*stats: Any) -> list[int]:
    """What is answered for one file whose stat is this, one after another; each asking counts on."""
    memo: StatMemo[int] = StatMemo()
    asked: list[int] = []

    def make() -> int:
        asked.append(1)
        return len(asked)

    return [memo.get("a.py", stat, make) for stat in stats]


def test_a_settled_file_is_asked_about_once() -> None:
    assert answers(SimpleNamespace(**OLD), SimpleNamespace(**OLD)) == [1, 1]


@pytest.mark.parametrize("field", OLD)
def test_a_file_that_changed_is_asked_about_again(field: str) -> None:
    assert answers(SimpleNamespace(**OLD), SimpleNamespace(**{**OLD, field: 7})) == [1, 2]


def test_a_file_that_changed_just_now_is_not_remembered() -> None:
    future = SimpleNamespace(**{**OLD, "st_mtime_ns": 2**62})

    assert answers(future, future) == [1, 2]
