"""From one store into another: commits with all that they hold, and the refs that name them."""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from airflow_release_plugin.exceptions import StoreConflictError
from airflow_release_plugin.store.message import decode_commit
from airflow_release_plugin.store.objects import GitObject, ObjectKind, Objects, load_all
from airflow_release_plugin.store.paths import check_ref
from airflow_release_plugin.store.release_store import ReleaseStore
from airflow_release_plugin.store.trees import parse

_AT_ONCE = 500
"""Objects that are read and written at a time."""


@dataclass(frozen=True)
class CopiedRefs:
    """What a copy did: names of the refs that are new, and of those that were there already."""

    new: tuple[str, ...]
    known: tuple[str, ...]


def copy_refs(source: ReleaseStore, target: ReleaseStore, prefixes: Iterable[str]) -> CopiedRefs:
    """
    Bring all refs with some prefixes, and what they reach. Doing it again changes nothing.

    :raises StoreConflictError: a ref is elsewhere in the target; nothing was copied
    """
    wanted = {name: commit for prefix in prefixes for name, commit in source.refs(prefix).items()}
    there = {name: target.ref(check_ref(name)) for name in wanted}
    differing = [name for name, commit in there.items() if commit not in {None, wanted[name]}]
    if differing:
        raise StoreConflictError(
            f"{len(differing)} refs are elsewhere already, {differing[0]!r} among them: there it is "
            f"{wanted[differing[0]]}, here {there[differing[0]]}. Nothing was changed; only an empty or an "
            "equal store can take it in.",
            refs=differing[:50],
        )
    new = [name for name in sorted(wanted) if there[name] is None]
    copy_commits(source, target, {wanted[name] for name in new})
    for name in new:
        target.move_ref(name, expected=None, new=wanted[name])
    return CopiedRefs(tuple(new), tuple(sorted(wanted.keys() - set(new))))


def copy_commits(source: ReleaseStore, target: ReleaseStore, commits: Collection[str]) -> None:
    """
    Bring commits, their ancestors, and everything in them, as far as the target lacks it.

    What holds others is written after them: a copy that is cut off leaves nothing that lacks a part.
    """
    missing = _missing_commits(source.objects, target.objects, commits)
    trees = _missing_trees(source.objects, target.objects, missing.values())
    blobs = {
        object_id
        for tree in trees.values()
        for mode, object_id in parse(tree.data).values()
        if not stat.S_ISDIR(mode)
    }
    for batch in _batches(sorted(blobs)):
        lacking = set(batch) - target.objects.existing(batch, ObjectKind.BLOB)
        target.objects.add(list(load_all(source.objects, sorted(lacking), ObjectKind.BLOB).values()))
    target.objects.add(list(trees.values())[::-1])
    target.objects.add(list(missing.values())[::-1])


def _missing_commits(source: Objects, target: Objects, heads: Collection[str]) -> dict[str, GitObject]:
    """Commits that the target lacks, each before its parents."""
    found: dict[str, GitObject] = {}
    level = set(heads)
    while level := level - found.keys():
        lacking = level - target.existing(level, ObjectKind.COMMIT)
        loaded = load_all(source, sorted(lacking), ObjectKind.COMMIT)
        found.update(loaded)
        level = {parent for each in loaded.values() for parent in decode_commit(each.data).parents}
    return found


def _missing_trees(source: Objects, target: Objects, commits: Iterable[GitObject]) -> Mapping[str, GitObject]:
    """Trees of the commits that the target lacks, each level before the one below it."""
    found: dict[str, GitObject] = {}
    level = {decode_commit(each.data).tree for each in commits}
    while level := level - found.keys():
        below: set[str] = set()
        for batch in _batches(sorted(level)):
            lacking = set(batch) - target.existing(batch, ObjectKind.TREE)
            loaded = load_all(source, sorted(lacking), ObjectKind.TREE)
            found.update(loaded)
            for tree in loaded.values():
                below |= {item[1] for item in parse(tree.data).values() if stat.S_ISDIR(item[0])}
        level = below
    return found


def _batches(names: list[str]) -> Iterator[list[str]]:
    return (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE))
