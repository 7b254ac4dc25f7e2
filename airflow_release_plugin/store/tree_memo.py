"""Trees of a folder that is written again and again: only what changed is put together anew."""

from __future__ import annotations

import stat
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.store.objects import GitObject
from airflow_release_plugin.store.trees import Item, encode

_Folder = tuple[dict[str, Item], GitObject]


@dataclass(frozen=True)
class WholeTree:
    """
    A tree with all that is in it.

    :param root: id of the tree
    :param trees: tree objects by id, the root among them
    """

    root: str
    trees: Mapping[str, GitObject]


class TreeMemo:
    """Remembers the tree object of each folder as it was the last time. For threads."""

    def __init__(self) -> None:
        self._folders: dict[str, _Folder] = {}

    def whole(self, files: Mapping[str, FileEntry]) -> WholeTree:
        """The tree of some files by path. Their paths must have been checked."""
        folders: dict[str, dict[str, Item]] = defaultdict(dict)
        folders[""] = {}
        for path, entry in files.items():
            folder, _, name = path.rpartition("/")
            folders[folder][name] = (entry.mode, entry.blob)
        for folder in list(folders):
            while folder:  # those that hold nothing but folders
                folder = folder.rpartition("/")[0]
                folders[folder]
        known = self._folders
        now: dict[str, _Folder] = {}
        for folder in sorted(folders, key=lambda folder: -folder.count("/") if folder else 1):
            now[folder] = _tree(folders[folder], known.get(folder))
            if folder:
                parent, _, name = folder.rpartition("/")
                folders[parent][name] = (stat.S_IFDIR, now[folder][1].id)
        self._folders = now
        return WholeTree(now[""][1].id, {tree.id: tree for _, tree in now.values()})


def _tree(items: dict[str, Item], known: _Folder | None) -> _Folder:
    return known if known and known[0] == items else (items, encode(items))
