"""What a set of changes does to a tree: which files and folders come, change and go."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from airflow_release_plugin.domain.tree.files import TreeChange

ROOT = "."
"""The tree itself, among its folders."""


@dataclass(frozen=True)
class TreeDelta:
    """
    The difference of two trees, by POSIX paths relative to their root.

    :param changed: files that are in both, with other bytes or another mode
    :param appeared: files and folders that only the later one has
    :param vanished: files and folders that only the earlier one has
    """

    changed: frozenset[str] = frozenset()
    appeared: frozenset[str] = frozenset()
    vanished: frozenset[str] = frozenset()

    @classmethod
    def of(cls, before: Set[str], changes: Iterable[TreeChange]) -> TreeDelta:
        """
        What ``changes`` do to a tree.

        :param before: paths of the files in the folders that something is changed in, or below which; others
            may be among them. A folder of which the files are not named stands with a slash at its end
        """
        changes = list(changes)
        written = {change.path for change in changes if not change.is_deletion}
        deleted = {change.path for change in changes if change.is_deletion and change.path in before}
        added = {path for path in written if path not in before}
        changed = written - added
        if added or deleted:
            there = folders(before)
            kept = folders([*(path for path in before if path not in deleted), *added])
            added |= kept - there
            deleted |= there - kept
        return cls(frozenset(changed), frozenset(added), frozenset(deleted))

    @property
    def paths(self) -> frozenset[str]:
        """Everything that comes, changes or goes."""
        return self.changed | self.appeared | self.vanished

    @property
    def entries(self) -> Iterator[str]:
        """Files and folders by which the list of names in some folder becomes longer or shorter."""
        yield from self.appeared
        yield from self.vanished


def parent(path: str) -> str:
    """The folder of a file or folder."""
    return posixpath.dirname(path) or ROOT


def folders(paths: Iterable[str]) -> frozenset[str]:
    """Folders that hold any of these files, at whatever depth; not the root, which always is."""
    found: set[str] = set()
    for path in paths:
        folder = posixpath.dirname(path)
        while folder and folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return frozenset(found)
