from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.tree.paths import clash, path_problem, portable_path_problem


@pytest.mark.parametrize(
    "path", ["a.py", "a/b.py", "a b/ü.sql", "...", "a.", "-x", "x.git", ".gitignore", "ab:c"]
)
def test_ordinary_paths_may_be_kept_and_travel(path: str) -> None:
    assert (path_problem(path), portable_path_problem(path)) == ("", "")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "empty"),
        ("/a", "absolute"),
        ("a/", "empty"),
        ("a//b", "empty"),
        ("../a", "'..'"),
        ("a/./b", "'.'"),
        ("a\\b", "backslash"),
        ("a\x00", "NUL"),
        (".git/config", ".git folder"),
        ("a/.Git/x", ".git folder"),
        (".g\u200cit", ".git folder"),
        ("git~1/x", ".git folder"),
        ("a/\ud800", "Unicode"),
    ],
)
def test_paths_that_no_tree_may_have(path: str, reason: str) -> None:
    assert reason in path_problem(path)
    assert reason in portable_path_problem(path)


@pytest.mark.parametrize(
    "path", ["c:/x", "Z:x", "a\tb", "a\x7f", "a" * 256, "ü" * 128, "a/" * 64 + "b", "ab/" * 400]
)
def test_paths_that_only_some_computers_take_do_not_travel(path: str) -> None:
    assert portable_path_problem(path)


@given(st.text(max_size=30))
def test_what_travels_may_be_kept(path: str) -> None:
    assert portable_path_problem(path) or not path_problem(path)


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
