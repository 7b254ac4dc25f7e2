"""Which files of a unit the target has otherwise: compared once for each closure and commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airflow_release_plugin.analysis.closure import Closure
from airflow_release_plugin.analysis.stat_memo import bound
from airflow_release_plugin.domain.tree.files import FileEntry

_MOST_TREES = 2
_NONE: frozenset[str] = frozenset()


class TargetComparison:
    """
    Keep it between requests: a list over thousands of units compares those that changed.

    Nothing in here goes out of date. A commit names its files for good, and a closure that is made anew is
    another object, which is why the very object is asked for and not one that is equal.
    """

    def __init__(self) -> None:
        self._trees: dict[str, Mapping[str, FileEntry]] = {}
        self._differing: dict[tuple[str, str], tuple[Closure, str, frozenset[str]]] = {}

    def files(
        self, commit: str | None, read: Callable[[], Mapping[str, FileEntry]]
    ) -> Mapping[str, FileEntry]:
        """The files of a commit by path; ``read`` gets them where they are not known."""
        if commit is None:
            return {}
        found = self._trees.get(commit)
        if found is None:
            found = read()
            # A new table: other threads may be looking at the old one
            self._trees = dict([*self._trees.items(), (commit, found)][-_MOST_TREES:])
        return found

    def differing(
        self, root: str, closure: Closure, commit: str | None, target: Callable[[], Mapping[str, FileEntry]]
    ) -> frozenset[str]:
        """
        Paths of the files of a closure that a commit has not, or otherwise.

        :param root: folder of the source
        """
        key = (root, closure.entry)
        row = self._differing.get(key)
        if row is not None and row[0] is closure and row[1] == commit:
            return row[2]
        files = target()
        made = frozenset(file.path for file in closure.files if files.get(file.path) != file.entry) or _NONE
        if commit is not None:
            bound(self._differing)
            self._differing[key] = (closure, commit, made)
        return made
