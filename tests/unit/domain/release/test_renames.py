from __future__ import annotations

import pytest

from airflow_release_plugin.domain.release.renames import Moves, find_moves


@pytest.mark.req("R2", "R7")
def test_a_file_with_the_dags_of_one_that_is_gone_is_its_new_place() -> None:
    moves = find_moves({"etl.py": ["etl"]}, {"jobs/etl.py": ["etl"], "x.py": ["x"]}, taken={"x.py"})

    assert moves == Moves({"jobs/etl.py": "etl.py"})


def test_a_rename_may_add_and_drop_dags() -> None:
    assert find_moves({"a.py": ["one", "two"]}, {"b.py": ["two", "three"]}, taken=()).origins == {
        "b.py": "a.py"
    }


@pytest.mark.parametrize(
    ("gone", "present", "taken", "noted"),
    [
        ({"a.py": ["a"]}, {"b.py": ["a"], "c.py": ["a"]}, (), {"a.py", "b.py", "c.py"}),
        ({"a.py": ["a", "b"]}, {"x.py": ["a"], "y.py": ["b"]}, (), {"a.py", "x.py", "y.py"}),
        ({"a.py": ["a"], "b.py": ["b"]}, {"ab.py": ["a", "b"]}, (), {"a.py", "b.py", "ab.py"}),
        ({"a.py": ["a", "b"]}, {"x.py": ["a"], "old.py": ["b"]}, ("old.py",), {"a.py", "x.py"}),
        ({"a.py": ["a"]}, {"old.py": ["a"]}, ("old.py",), {"a.py"}),
        ({"a.py": ["a"]}, {"b.py": ["b"]}, (), set()),
        ({"a.py": []}, {"b.py": []}, (), set()),
    ],
    ids=[
        "two candidates",
        "split",
        "merged",
        "partly into a known file",
        "into a known file",
        "unrelated",
        "empty",
    ],
)
def test_what_is_no_plain_rename_is_left_alone_with_a_note(
    gone: dict[str, list[str]], present: dict[str, list[str]], taken: tuple[str, ...], noted: set[str]
) -> None:
    moves = find_moves(gone, present, taken)

    assert (dict(moves.origins), set(moves.notes)) == ({}, noted)


def test_a_note_names_the_other_files() -> None:
    notes = find_moves({"a.py": ["a", "b"]}, {"x.py": ["a"], "y.py": ["b"]}, ()).notes

    assert "'x.py', 'y.py'" in notes["a.py"]
    assert "'a.py'" in notes["x.py"]
