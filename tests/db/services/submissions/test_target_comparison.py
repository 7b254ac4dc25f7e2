"""What is kept of comparisons with the target: for the very closure and the very commit only."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from airflow_release_plugin.analysis.closure import Closure, ClosureFile, FileKind
from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry
from airflow_release_plugin.services.submissions.target_comparison import TargetComparison

pytestmark = pytest.mark.req("R93")


def unit(*blobs: str) -> Closure:
    files = (
        ClosureFile(f"{number}.py", REGULAR, blob, 1, FileKind.DAG, "") for number, blob in enumerate(blobs)
    )
    return Closure("0.py", tuple(files))


def tree(*blobs: str) -> Mapping[str, FileEntry]:
    return {f"{number}.py": FileEntry(f"{number}.py", REGULAR, blob, 1) for number, blob in enumerate(blobs)}


def never() -> Mapping[str, FileEntry]:
    raise AssertionError("compared again")


def test_the_same_closure_and_commit_are_compared_once() -> None:
    kept, closure = TargetComparison(), unit("a", "b")
    assert kept.differing("/src", closure, "c1", lambda: tree("a", "x")) == {"1.py"}
    assert kept.differing("/src", closure, "c1", never) == {"1.py"}


def test_another_commit_closure_or_source_is_compared_anew() -> None:
    kept, closure = TargetComparison(), unit("a", "b")
    assert not kept.differing("/src", closure, "c1", lambda: tree("a", "b"))
    assert kept.differing("/src", closure, "c2", lambda: tree("a")) == {"1.py"}
    assert kept.differing("/src", unit("z", "b"), "c2", lambda: tree("a", "b")) == {"0.py"}
    assert kept.differing("/else", closure, "c2", lambda: tree("y", "b")) == {"0.py"}


def test_before_the_first_release_nothing_is_kept() -> None:
    """Two databases may both have no commit yet, and there is nothing to save."""
    kept, closure = TargetComparison(), unit("a")
    assert kept.differing("/src", closure, None, dict) == {"0.py"}
    assert not kept.differing("/src", closure, None, lambda: tree("a"))


def test_few_trees_are_kept_the_newest() -> None:
    kept = TargetComparison()
    for commit in ("c1", "c2", "c3"):
        kept.files(commit, lambda commit=commit: tree(commit))  # type: ignore[misc]
    assert kept.files("c3", never) == tree("c3")
    assert kept.files("c2", never) == tree("c2")
    assert kept.files("c1", lambda: tree("read again")) == tree("read again")
    assert kept.files(None, never) == {}
