from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR, FileEntry, TreeChange
from airflow_release_plugin.exceptions import DamagedAnswerError
from airflow_release_plugin.store.base import CommitMessage
from airflow_release_plugin.store.memory import memory_store
from airflow_release_plugin.store.tree_proof import proven_files

NOW = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)


@pytest.fixture
def version() -> tuple[str, bytes, tuple[FileEntry, ...]]:
    store = memory_store()
    entries = store.write_files(
        {"etl.py": (REGULAR, b"a"), "lib/b.py": (REGULAR, b"b"), "lib/run.sh": (EXECUTABLE, b"c")}
    )
    commit = store.commit(
        parent=None,
        changes=[TreeChange(entry.path, entry) for entry in entries],
        message=CommitMessage("R-000001"),
        author="ann",
        time=NOW,
    )
    return commit, store.commit_content(commit), entries


@pytest.mark.req("R86")
def test_the_files_of_a_commit_prove_themselves(version: tuple[str, bytes, tuple[FileEntry, ...]]) -> None:
    commit, content, entries = version

    assert tuple(proven_files(commit, content, reversed(entries)).values()) == entries


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files[1:],
        lambda files: (*files, replace(files[0], path="more.py")),
        lambda files: (replace(files[0], blob=files[1].blob), *files[1:]),
        lambda files: (replace(files[0], mode=EXECUTABLE), *files[1:]),
        lambda files: (replace(files[0], path="../etl.py"), *files[1:]),
        lambda files: (replace(files[0], path="/etl.py"), *files[1:]),
        lambda files: (replace(files[0], path="lib"), *files[1:]),
        lambda files: (replace(files[0], mode=0o120000), *files[1:]),
        lambda files: (replace(files[0], blob="no"), *files[1:]),
        lambda files: (),
    ],
)
def test_other_files_are_not_believed(version: tuple[str, bytes, tuple[FileEntry, ...]], change) -> None:  # type: ignore[no-untyped-def]
    commit, content, entries = version

    with pytest.raises(DamagedAnswerError):
        proven_files(commit, content, change(entries))


def test_another_commit_is_not_believed(version: tuple[str, bytes, tuple[FileEntry, ...]]) -> None:
    commit, content, entries = version

    with pytest.raises(DamagedAnswerError, match="another commit"):
        proven_files(commit, content.replace(b"ann", b"bob"), entries)
