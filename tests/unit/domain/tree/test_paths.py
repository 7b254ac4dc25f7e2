from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.tree.paths import clash, path_problem
from tests.harness.file_names import CAN_TRAVEL, CANNOT_TRAVEL


@pytest.mark.parametrize("path", CAN_TRAVEL)
def test_ordinary_names_travel(path: str) -> None:
    assert path_problem(path) == ""


@pytest.mark.parametrize(("path", "reason"), CANNOT_TRAVEL, ids=ascii)
def test_names_that_do_harm_somewhere_do_not(path: str, reason: str) -> None:
    assert reason in path_problem(path)


@given(st.text(max_size=200), st.sampled_from(["", "a/", "a/b/c.py/"]))
def test_what_is_said_of_a_name_holds_in_a_folder_too(name: str, folder: str) -> None:
    if not path_problem(name) and not path_problem(folder + "x"):
        assert not path_problem(folder + name)


@pytest.mark.parametrize(
    "pair",
    [
        ("a", "a"),
        ("a.py", "A.py"),
        ("ß", "SS"),
        ("é", "e\u0301"),
        ("É", "e\u0301"),
        ("ﬁ", "fi"),
        ("a", "a/b"),
        ("a/b/c", "A"),
    ],
)
def test_names_that_meet_somewhere_clash(pair: tuple[str, str]) -> None:
    assert set(clash(["x", *pair]) or ()) == set(pair)
    assert clash(reversed(pair)) is not None


@pytest.mark.parametrize("paths", [[], ["a"], ["a/b", "a/c"], ["a", "ab"], ["a/b", "a.b"], ["A/x", "a/y"]])
def test_names_that_never_meet_do_not(paths: list[str]) -> None:
    assert clash(paths) is None
