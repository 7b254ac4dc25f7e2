"""What another store lacks: no more is read or sent than that, however long the history is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timezone

import pytest

from airflow_release_plugin.domain.tree.files import REGULAR, TreeChange
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.store.base import CommitMessage
from airflow_release_plugin.store.copies import copy_commits
from airflow_release_plugin.store.memory import memory_store
from airflow_release_plugin.store.missing import missing_objects
from airflow_release_plugin.store.objects import GitObject, ObjectKind
from airflow_release_plugin.store.release_store import ReleaseStore

pytestmark = pytest.mark.req("R87")
NOON = datetime(2026, 9, 21, 12, 0, 0, tzinfo=timezone.utc)


def commit(store: ReleaseStore, parent: str | None, files: dict[str, str]) -> str:
    written = store.write_files({path: (REGULAR, text.encode()) for path, text in files.items()})
    return store.commit(
        parent=parent,
        changes=[TreeChange(entry.path, entry) for entry in written],
        message=CommitMessage("t"),
        author="a",
        time=NOON,
    )


def history(store: ReleaseStore, length: int) -> list[str]:
    commits: list[str] = []
    for number in range(length):
        commits.append(
            commit(store, commits[-1] if commits else None, {f"d{number % 5}/f{number}": str(number)})
        )
    return commits


class Counted:
    """Counts how often and how much is read."""

    def __init__(self, store: ReleaseStore) -> None:
        self._objects = store.objects
        self.read: Counter[str] = Counter()

    def load(self, ids: Collection[str], kind: ObjectKind) -> dict[str, GitObject]:
        self.read.update({"loads": 1, kind.value: len(ids)})
        return self._objects.load(ids, kind)

    def sizes(self, blobs: Collection[str]) -> dict[str, int]:
        return self._objects.sizes(blobs)

    def chain(self, commit: str, limit: int) -> list[GitObject]:
        self.read["chains"] += 1
        return self._objects.chain(commit, limit)


def test_one_commit_more_is_one_commit_its_trees_and_its_file() -> None:
    store = memory_store()
    commits = history(store, 40)

    missing = missing_objects(store.objects, {commits[-2]}.intersection, [commits[-1]])

    assert (list(missing.commits), len(missing.trees), len(missing.blobs), len(missing)) == (
        [commits[-1]],
        2,
        1,
        4,
    )


def test_everything_comes_in_an_order_in_which_it_can_be_written() -> None:
    store = memory_store()
    commits = history(store, 1200)
    source = Counted(store)

    missing = missing_objects(source, set[str]().intersection, [commits[-1], *commits[::7]])

    assert list(missing.commits) == commits
    assert len(missing.blobs) == 1200
    assert source.read["chains"] <= 4  # 500 commits at a time, and no tag is walked again
    position = {tree: place for place, tree in enumerate(missing.trees)}
    for each in store.objects.load(missing.commits, ObjectKind.COMMIT).values():
        assert each.data[5:45].decode() in position


def test_a_copy_of_a_part_is_whole_after_the_next() -> None:
    store, target = memory_store(), memory_store()
    commits = history(store, 30)
    copy_commits(store, target, [commits[10]])
    copy_commits(store, target, [commits[29]])

    assert target.files(commits[29]) == store.files(commits[29])
    assert [facts.id for facts in target.history(commits[29])] == commits[::-1]


def test_two_branches_share_what_is_below_them() -> None:
    store = memory_store()
    commits = history(store, 10)
    other = commit(store, commits[4], {"other": "x"})

    missing = missing_objects(store.objects, set[str]().intersection, [commits[-1], other])

    assert len(missing.commits) == 11
    assert missing.commits.index(other) > missing.commits.index(commits[4])


def test_what_is_not_there_is_an_error() -> None:
    with pytest.raises(NotFoundError):
        missing_objects(memory_store().objects, set[str]().intersection, ["f" * 40])
