"""Trees that are put together from the last ones are those that git would make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR, FileEntry
from airflow_release_plugin.store import tree_memo, trees
from airflow_release_plugin.store.memory import MemoryObjects
from airflow_release_plugin.store.tree_memo import TreeMemo

BLOBS = ["a" * 40, "b" * 40]
FOLDERS = st.sampled_from(["", "lib/", "lib/sql/", "team/a/b/", "lib.d/"])
PATHS = st.builds(lambda folder, name: f"{folder}{name}.py", FOLDERS, st.sampled_from("abc"))
FILES = st.dictionaries(PATHS, st.tuples(st.sampled_from([REGULAR, EXECUTABLE]), st.sampled_from(BLOBS)))


def entries(files: dict[str, tuple[int, str]]) -> dict[str, FileEntry]:
    return {path: FileEntry(path, mode, blob, 1) for path, (mode, blob) in files.items()}


@given(st.lists(FILES, max_size=4))
def test_one_after_another_is_as_if_each_was_the_first(sequence: list[dict[str, tuple[int, str]]]) -> None:
    memo = TreeMemo()
    for files in sequence:
        expected = trees.rewrite(MemoryObjects(), None, entries(files))

        found = memo.whole(entries(files))

        assert found.root == expected[-1].id
        assert found.trees.keys() == {tree.id for tree in expected}


def test_only_folders_that_changed_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    memo, encoded = TreeMemo(), []
    files = dict.fromkeys(("etl.py", "lib/a.py", "lib/sql/q.sql", "team/b.py"), (REGULAR, BLOBS[0]))
    memo.whole(entries(files))
    monkeypatch.setattr(
        tree_memo, "encode", lambda items: encoded.append(sorted(items)) or trees.encode(items)
    )

    memo.whole(entries({**files, "lib/sql/q.sql": (REGULAR, BLOBS[1])}))

    assert encoded == [["q.sql"], ["a.py", "sql"], ["etl.py", "lib", "team"]]
