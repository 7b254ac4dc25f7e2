"""A release store in memory: the same contract and the same ids, for tests and dry runs."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Collection

from airflow_release_plugin.store.changes import in_the_way, moved
from airflow_release_plugin.store.message import decode_commit
from airflow_release_plugin.store.objects import GitObject, ObjectKind, Objects, folders_of
from airflow_release_plugin.store.release_store import ReleaseStore


def memory_store() -> ReleaseStore:
    """An empty store that lives as long as the object."""
    return ReleaseStore(MemoryObjects(), MemoryRefs())


class MemoryObjects:
    """Objects in a dict."""

    def __init__(self) -> None:
        self._by_id: dict[str, GitObject] = {}

    def load(self, ids: Collection[str], kind: ObjectKind) -> dict[str, GitObject]:
        found = {object_id: self._by_id[object_id] for object_id in ids if object_id in self._by_id}
        return {object_id: each for object_id, each in found.items() if each.kind is kind}

    def sizes(self, blobs: Collection[str]) -> dict[str, int]:
        return {blob: len(found.data) for blob, found in self.load(blobs, ObjectKind.BLOB).items()}

    def existing(self, ids: Collection[str], kind: ObjectKind) -> set[str]:
        return set(self.load(ids, kind))

    def count_on(self, ids: Collection[str], kind: ObjectKind) -> set[str]:
        return self.existing(ids, kind)  # nothing ever goes

    def add(self, objects: Collection[GitObject]) -> None:
        for each in objects:
            self._by_id.setdefault(each.id, each)

    def compressed(self, blobs: Collection[str]) -> dict[str, bytes]:
        return compressed(self, blobs)

    def chain(self, commit: str, limit: int) -> list[GitObject]:
        return follow_parents(self, commit, limit)


def compressed(objects: Objects, blobs: Collection[str]) -> dict[str, bytes]:
    """What zlib makes of blobs, where they are not kept like that."""
    return {blob: zlib.compress(found.data) for blob, found in objects.load(blobs, ObjectKind.BLOB).items()}


def follow_parents(objects: Objects, commit: str, limit: int) -> list[GitObject]:
    """A commit and its first parents, read one after the other."""
    chain: list[GitObject] = []
    following: str | None = commit
    while following and len(chain) < limit:
        found = objects.load([following], ObjectKind.COMMIT).get(following)
        if found is None:
            break
        chain.append(found)
        following = next(iter(decode_commit(found.data).parents), None)
    return chain


class MemoryRefs:
    """Refs in a dict, for threads."""

    def __init__(self) -> None:
        self._commits: dict[str, str] = {}
        self._heads: set[str] = set()
        self._lock = threading.Lock()

    def read(self, name: str) -> str | None:
        return self._commits.get(name)

    def with_prefix(self, prefix: str) -> dict[str, str]:
        return {name: commit for name, commit in sorted(self._commits.items()) if name.startswith(prefix)}

    def swap(self, name: str, expected: str | None, new: str) -> None:
        with self._lock:
            actual = self._commits.get(name)
            if actual != expected:
                raise moved(name, expected, actual)
            if self._commits.keys() & set(folders_of(name)) or self.with_prefix(f"{name}/"):
                raise in_the_way(name)
            self._commits[name] = new

    def note_heads(self, commits: Collection[str]) -> None:
        self._heads.update(commits)

    def was_head(self, commit: str) -> bool:
        return commit in self._heads
