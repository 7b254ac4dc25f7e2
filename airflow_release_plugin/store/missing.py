"""What one store has that another one lacks: commits with all that they hold, as ids, in batches."""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from airflow_release_plugin.store.message import decode_commit
from airflow_release_plugin.store.objects import GitObject, Loading, ObjectKind, load_all, not_found
from airflow_release_plugin.store.trees import parse

_AT_ONCE = 500
"""Objects that are read at a time."""
_BYTES_AT_ONCE = 16 * 1024 * 1024

HasCommits = Callable[[Collection[str]], set[str]]
"""Which of some commits the other store has, with all that they hold."""


class ObjectSource(Loading, Protocol):
    """Where objects are read from."""

    def sizes(self, blobs: Collection[str]) -> dict[str, int]:
        """Bytes of those of the blobs that exist."""
        ...

    def chain(self, commit: str, limit: int) -> list[GitObject]:
        """A commit and its first parents, newest first."""
        ...


@dataclass(frozen=True)
class MissingObjects:
    """
    Ids. What holds others comes after them: a copy that is cut off leaves nothing that lacks a part.

    :param trees: each after those below it
    :param commits: each after its parents
    """

    blobs: Sequence[str]
    trees: Sequence[str]
    commits: Sequence[str]

    def __len__(self) -> int:
        return len(self.blobs) + len(self.trees) + len(self.commits)

    def batches(self, source: ObjectSource) -> Iterator[tuple[ObjectKind, list[str]]]:
        """All of them, a few megabytes at a time."""
        for several in _pieces(self.blobs):
            for batch in _by_size(several, source.sizes(several)):
                yield ObjectKind.BLOB, batch
        yield from ((ObjectKind.TREE, batch) for batch in _pieces(self.trees))
        yield from ((ObjectKind.COMMIT, batch) for batch in _pieces(self.commits))


def missing_objects(source: ObjectSource, has: HasCommits, commits: Iterable[str]) -> MissingObjects:
    """What has to be brought so that the other store has ``commits`` with their ancestors."""
    missing = _missing_commits(source, has, commits)
    edge = {parent for found in missing.values() for parent in found.parents if parent not in missing}
    edges = load_all(source, sorted(edge), ObjectKind.COMMIT).values()
    known = _Contents()
    known.add(source, {decode_commit(each.data).tree for each in edges})
    lacking = _Contents()
    lacking.add(source, {found.tree for found in missing.values()}, known=known)
    return MissingObjects(sorted(lacking.blobs), list(lacking.trees)[::-1], _parents_first(missing))


@dataclass(frozen=True)
class _CommitLinks:
    parents: tuple[str, ...]
    tree: str


def _missing_commits(
    source: ObjectSource, has: HasCommits, commits: Iterable[str]
) -> dict[str, _CommitLinks]:
    found: dict[str, _CommitLinks] = {}
    waiting = list(commits)[::-1]
    while waiting:
        start = waiting.pop()
        if start in found:
            continue
        chain = source.chain(start, _AT_ONCE)
        if not chain:
            raise not_found(ObjectKind.COMMIT, start)
        known = has([each.id for each in chain])
        for each in chain:
            if each.id in known or each.id in found:
                break
            facts = decode_commit(each.data)
            found[each.id] = _CommitLinks(facts.parents, facts.tree)
            waiting += facts.parents[1:]
        else:
            waiting += found[chain[-1].id].parents[:1]
    return found


def _parents_first(missing: dict[str, _CommitLinks]) -> list[str]:
    order: dict[str, None] = {}
    waiting = list(missing)
    while waiting:
        parents = [each for each in missing[waiting[-1]].parents if each in missing and each not in order]
        if parents:
            waiting += parents
        else:
            order[waiting.pop()] = None
    return list(order)


class _Contents:
    """Trees, each level before the one below it, and the blobs in them."""

    def __init__(self) -> None:
        self.trees: dict[str, None] = {}
        self.blobs: set[str] = set()

    def add(self, source: ObjectSource, trees: set[str], *, known: _Contents | None = None) -> None:
        level = trees
        while level := {
            each for each in level - self.trees.keys() if known is None or each not in known.trees
        }:
            below: set[str] = set()
            for batch in _pieces(sorted(level)):
                self.trees.update(dict.fromkeys(batch))
                for tree in load_all(source, batch, ObjectKind.TREE).values():
                    for mode, object_id in parse(tree.data).values():
                        (below if stat.S_ISDIR(mode) else self.blobs).add(object_id)
            level = below
        if known is not None:
            self.blobs -= known.blobs


def _pieces(names: Sequence[str]) -> Iterator[list[str]]:
    return (list(names[start : start + _AT_ONCE]) for start in range(0, len(names), _AT_ONCE))


def _by_size(blobs: Iterable[str], sizes: dict[str, int]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for blob in blobs:
        batch.append(blob)
        size += sizes.get(blob, 0)
        if size >= _BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
