"""
The names below a folder, and whether Airflow would list other files there than it did.

A look costs one ``stat`` for each folder, and a new list of each that was touched. Where only plain files
came and went, and no ``.airflowignore`` has a say in it, that tells what Airflow's own walk would find.
"""

# Hundreds of these calls answer one request, and pathlib costs several times more.
# ruff: noqa: PTH116, PTH118, PTH120

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

from airflow_release_plugin.analysis.stat_memo import Stamp, is_settled, stamp_of

IGNORE_FILE = ".airflowignore"
_FILE, _FOLDER, _LINK, _OTHER = "file", "folder", "link", "other"
_End = tuple[str, int | None]
"""Where a link leads in the end, and the kind of what is there; ``None`` for nothing."""


@dataclass(frozen=True)
class _Folder:
    """
    One folder.

    :param stamp: from before its names were read; ``None`` if it had been touched just then, and its next
        change may leave the same
    :param kinds: what each name is
    """

    stamp: Stamp | None
    kinds: Mapping[str, str]


@dataclass(frozen=True)
class News:
    """
    What is different.

    :param names: as they are now
    :param came: absolute paths of files that Airflow would list, and did not before
    :param gone: absolute paths of files that are not there any more
    """

    names: FolderNames
    came: Collection[str] = ()
    gone: Collection[str] = frozenset()


@dataclass(frozen=True)
class FolderNames:
    """
    All names at one moment.

    :param folders: by absolute path, each real folder once
    :param ignores: stamps of the ``.airflowignore`` files by path
    :param links: where each link leads, by path; with one, a file may be in several places
    """

    root: str
    folders: Mapping[str, _Folder]
    ignores: Mapping[str, Stamp]
    links: Mapping[str, _End]

    def news(self) -> News | None:
        """What came and went since; ``None`` where only Airflow's own walk can tell."""
        try:
            if any(stamp_of(os.stat(path)) != stamp for path, stamp in self.ignores.items()):
                return None
            # What a link leads to comes, goes and becomes another thing without its folder being touched
            if any(_end_of(path) != end for path, end in self.links.items()):
                return None
            return self._compared()
        except OSError:
            return None

    def stand(self) -> bool:
        """Whether nothing was touched since, for sure."""
        news = self.news()
        return news is not None and news.names is self

    def _compared(self) -> News | None:
        touched = {path: now for path, old in self.folders.items() if (now := _if_touched(path, old))}
        came: list[str] = []
        gone: set[str] = set()
        for folder, now in touched.items():
            before = self.folders[folder].kinds
            changed = now.kinds.items() ^ before.items()
            if not changed:
                continue
            if self.links or any(kind != _FILE or name == IGNORE_FILE for name, kind in changed):
                return None
            gone.update(os.path.join(folder, name) for name in before.keys() - now.kinds.keys())
            added = [os.path.join(folder, name) for name in now.kinds.keys() - before.keys()]
            if added and self._is_ruled(folder):
                return None
            for path in added:
                if PurePath(path).suffix == ".py":
                    came.append(path)
                elif zipfile.is_zipfile(path):
                    return None
        names = replace(self, folders={**self.folders, **touched}) if touched else self
        return News(names, sorted(came), gone)

    def _is_ruled(self, folder: str) -> bool:
        """Whether an ``.airflowignore`` there, or above, may leave a file of the folder out."""
        while True:
            if os.path.join(folder, IGNORE_FILE) in self.ignores:
                return True
            if folder == self.root:
                return False
            folder = os.path.dirname(folder)


def look_at(root: str) -> FolderNames | None:
    """The names below ``root``; ``None`` if they cannot be read, or a rule was written just now."""
    folders: dict[str, _Folder] = {}
    ignores: dict[str, Stamp] = {}
    links: dict[str, _End] = {}
    waiting, seen = [root], set()
    try:
        while waiting:
            path = waiting.pop()
            if (real := os.path.realpath(path)) in seen:
                continue
            seen.add(real)
            folders[path] = folder = _read(path, os.stat(path))
            for name, kind in folder.kinds.items():
                below = os.path.join(path, name)
                if kind == _LINK:
                    links[below] = _end_of(below)
                if name == IGNORE_FILE and kind != _FOLDER:
                    info = os.stat(below)
                    if not is_settled(info):
                        return None
                    ignores[below] = stamp_of(info)
                elif kind == _FOLDER or (kind == _LINK and os.path.isdir(below)):  # noqa: PTH112
                    waiting.append(below)
    except OSError:
        return None
    return FolderNames(root, folders, ignores, links)


def _if_touched(path: str, before: _Folder) -> _Folder | None:
    info = os.stat(path)
    if before.stamp is not None and stamp_of(info) == before.stamp:
        return None
    return _read(path, info)


def _read(path: str, info: os.stat_result) -> _Folder:
    with os.scandir(path) as items:
        kinds = {item.name: _kind(item) for item in items}
    return _Folder(stamp_of(info) if is_settled(info) else None, kinds)


def _end_of(link: str) -> _End:
    try:
        kind = stat.S_IFMT(os.stat(link).st_mode)
    except OSError:
        kind = None
    return os.path.realpath(link), kind


def _kind(item: os.DirEntry[str]) -> str:
    if item.is_symlink():
        return _LINK
    if item.is_file(follow_symlinks=False):
        return _FILE
    return _FOLDER if item.is_dir(follow_symlinks=False) else _OTHER
