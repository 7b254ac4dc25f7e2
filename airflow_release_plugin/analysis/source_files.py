"""Read-only views of a folder or a stored tree, as the analysis sees them."""

# Tens of thousands of these calls answer one list, and pathlib costs several times more.
# ruff: noqa: PTH100, PTH110, PTH112, PTH113, PTH116, PTH120, PTH123

from __future__ import annotations

import os
import posixpath
import re
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from airflow_release_plugin.analysis.globs import glob_expression
from airflow_release_plugin.analysis.stat_memo import StatMemo, bound
from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR, FileEntry, blob_id
from airflow_release_plugin.domain.tree.leavings import is_leaving
from airflow_release_plugin.domain.tree.paths import path_problem
from airflow_release_plugin.exceptions import UnitError
from airflow_release_plugin.messages import Message

T = TypeVar("T")

NEVER = frozenset({".git", "__pycache__"})
"""Folders that no unit contains, however they are named in the code."""

SPECIAL_FILES = {
    stat.S_IFIFO: Message("a fifo"),
    stat.S_IFSOCK: Message("a socket"),
    stat.S_IFCHR: Message("a device"),
    stat.S_IFBLK: Message("a device"),
}


class AnalysisCache:
    """
    What was computed before: blob ids by stat, and anything derived from a blob. Keep it between calls.

    Both tables are emptied when they are full, so that a long-lived process stays bounded.
    """

    def __init__(self) -> None:
        self.entries: StatMemo[FileEntry] = StatMemo()
        self.kept: dict[tuple[str, str], Any] = {}
        self._derived: dict[tuple[str, str], Any] = {}

    def keep(self, key: tuple[str, str], value: Any) -> None:
        """Remember something about a file under its path and blob."""
        bound(self.kept)
        self.kept[key] = value

    def derive(self, function: Callable[[bytes], T], blob: str, read: Callable[[], bytes]) -> T:
        """Return ``function(bytes of the blob)``, computed once for each blob; it must not raise."""
        key = (function.__qualname__, blob)
        try:
            found: T = self._derived[key]
        except KeyError:
            bound(self._derived)
            found = self._derived[key] = function(read())
        return found


class SourceFiles(ABC):
    """
    A tree of files at one moment; paths are POSIX, relative to the root, ``""`` is the root.

    Answers are remembered for the life of the object: make a new one for each request, and hand it the cache.
    """

    def __init__(self, cache: AnalysisCache | None = None) -> None:
        self.cache = cache or AnalysisCache()
        self.left_out: dict[str, str] = {}
        """Folders that a walk did not go into, with the reason."""
        self._globbed: dict[str, tuple[str, ...]] = {}
        self._remembered: dict[str, Any] = {}

    @abstractmethod
    def names(self, folder: str) -> Mapping[str, bool]:
        """Names in a folder, each with whether it is a folder itself; empty when there is no such folder."""

    @abstractmethod
    def entry(self, path: str) -> FileEntry:
        """Facts about a file. Raises ``UnitError`` when it is missing or must not be part of a unit."""

    @abstractmethod
    def read(self, path: str) -> bytes:
        """Bytes of a file, equal to what :meth:`entry` described. Raises ``UnitError``."""

    def is_dir(self, path: str) -> bool:
        """Whether ``path`` is a folder of the tree."""
        return path == "" or self._kind(path) is True

    def is_file(self, path: str) -> bool:
        """Whether ``path`` exists and is no folder."""
        return self._kind(path) is False

    def _kind(self, path: str) -> bool | None:
        folder, _, name = path.rpartition("/")
        return self.names(folder).get(name)

    def locate(self, absolute: str) -> str | None:
        """Path in this tree of an absolute path, or ``None`` when it lies elsewhere."""
        return None

    def is_outside(self, path: str) -> bool:
        """Whether ``path``, which starts with ``..``, names a file or folder outside the root."""
        return False

    def beside(self) -> frozenset[str]:
        """Modules that lie beside the root, or in a folder ``plugins`` there."""
        return frozenset()

    def note_places(self, places: Iterable[str]) -> None:  # noqa: B027 - most have nobody to tell
        """Be told where a module was looked for, without an ending, by somebody who knew the answer."""

    def derive(self, function: Callable[[bytes], T], path: str) -> T:
        """Return ``function(bytes of path)`` through the cache."""
        return self.cache.derive(function, self.entry(path).blob, lambda: self.read(path))

    def remember(self, name: str, make: Callable[[], T]) -> T:
        """Return what ``make`` returned first for this name, for the life of the object."""
        if name not in self._remembered:
            self._remembered[name] = make()
        found: T = self._remembered[name]
        return found

    def walk(self, folder: str) -> Iterator[str]:
        """Yield the files below a folder but for leavings, sorted within each folder."""
        for name, is_folder in sorted(self.names(folder).items()):
            path = posixpath.join(folder, name)
            if is_leaving(path):
                continue
            if not is_folder:
                yield path
            elif self.may_descend(path):
                yield from self.walk(path)

    def may_descend(self, folder: str) -> bool:
        """Whether a walk goes into a folder: not into a link to one above itself or out of the source."""
        return True

    def glob(self, pattern: str) -> tuple[str, ...]:
        """Files that match a pattern with ``*``, ``?``, ``[…]`` and ``**`` (any number of folders)."""
        if pattern not in self._globbed:
            fixed = re.split(r"[*?\[]", pattern, maxsplit=1)[0].rpartition("/")[0]
            expression = glob_expression(pattern)
            self._globbed[pattern] = tuple(p for p in self.walk(fixed) if expression.fullmatch(p))
        return self._globbed[pattern]


class FolderFiles(SourceFiles):
    """
    A folder on disk.

    Symbolic links inside the root count as what they point at; one that leaves the root is a ``UnitError``
    as soon as it is needed.

    :param root: the folder
    :param max_file_bytes: larger files are refused
    :param stats: of files that were looked at a moment ago, by path; they are not looked at again
    """

    def __init__(
        self,
        root: Path,
        *,
        max_file_bytes: int,
        cache: AnalysisCache | None = None,
        stats: Mapping[str, os.stat_result] | None = None,
    ) -> None:
        super().__init__(cache)
        self._stats = stats or {}
        self.root = os.path.abspath(root)
        self._real = os.path.realpath(root)
        self.max_file_bytes = max_file_bytes
        self._listings: dict[str, dict[str, bool]] = {}
        self._links: set[str] = set()
        self._entries: dict[str, FileEntry] = {}

    def names(self, folder: str) -> Mapping[str, bool]:
        """List a folder once; a link that cannot be followed is left out."""
        listing = self._listings.get(folder)
        if listing is None:
            listing = self._listings[folder] = self._scan(folder) if self.is_dir(folder) else {}
        return listing

    def _scan(self, folder: str) -> dict[str, bool]:
        if folder in self._links:
            self._real_inside(folder)
        listing: dict[str, bool] = {}
        try:
            with os.scandir(self._absolute(folder)) as found:
                for item in found:
                    if item.is_symlink():
                        self._links.add(posixpath.join(folder, item.name))
                        if not os.path.exists(item.path):
                            continue
                    if item.name not in NEVER:
                        listing[item.name] = item.is_dir()
        except OSError as error:
            raise UnitError(
                "Folder %(folder)r cannot be read: %(reason)s; check its permissions.",
                folder=folder or ".",
                reason=error.strerror,
            ) from error
        return listing

    def entry(self, path: str) -> FileEntry:
        """Stat the file once, and hash it unless the cache knows it by its stat."""
        found = self._entries.get(path)
        if found is None:
            found = self._entries[path] = self._same_as_before(path) or self._make_entry(path)
        return found

    def _same_as_before(self, path: str) -> FileEntry | None:
        """What passed all that is asked of a file, and has the same stat and is no link now."""
        info = self._stats.get(path)
        if info is None or info.st_size > self.max_file_bytes:
            return None
        # Listed as a file before it is looked for among links: those are known from there.
        return self.known_entry(path, info) if self.is_file(path) and path not in self._links else None

    def _make_entry(self, path: str) -> FileEntry:
        check_name(path)
        if not self.is_file(path):
            raise UnitError("File %(path)r does not exist in the source (any more).", path=path)
        if path in self._links:
            self._real_inside(path)
        try:
            info = os.stat(self._absolute(path))
        except OSError as error:
            raise UnitError(
                "File %(path)r cannot be read: %(reason)s.", path=path, reason=error.strerror
            ) from error
        kind = stat.S_IFMT(info.st_mode)
        if kind != stat.S_IFREG:
            what = SPECIAL_FILES.get(kind, Message("no regular file"))
            raise UnitError(
                "%(path)r is %(what)s; a unit consists of regular files only.", path=path, what=what
            )
        if info.st_size > self.max_file_bytes:
            raise UnitError(
                "File %(path)r has %(size)s bytes; the limit is %(limit)s ([release] "
                "max_file_bytes). Keep data of that size outside the DAG folder.",
                path=path,
                size=info.st_size,
                limit=self.max_file_bytes,
            )

        return self.entry_of(path, info)

    def known_entry(self, path: str, info: os.stat_result) -> FileEntry | None:
        """Facts about a regular file whose stat is known, if the cache has them."""
        return self.cache.entries.known((self._real, path), info)

    def entry_of(self, path: str, info: os.stat_result) -> FileEntry:
        """Facts about a regular file whose stat is known; hashed unless the cache knows it by its stat."""

        def make() -> FileEntry:
            mode = EXECUTABLE if info.st_mode & stat.S_IXUSR else REGULAR
            data = self._bytes(path)
            return FileEntry(path, mode, blob_id(data), len(data))

        return self.cache.entries.get((self._real, path), info, make)

    def read(self, path: str) -> bytes:
        """Read the file and make sure that it did not change since :meth:`entry` looked."""
        return self.read_as(self.entry(path))

    def read_as(self, entry: FileEntry) -> bytes:
        """Read a file as it was described. Raises ``UnitError`` if it is not like that any more."""
        data = self._bytes(entry.path)
        if blob_id(data) != entry.blob:
            raise UnitError("File %(path)r changed while it was read; try again.", path=entry.path)
        return data

    def _bytes(self, path: str) -> bytes:
        try:
            with open(self._absolute(path), "rb") as stream:
                return stream.read(self.max_file_bytes + 1)
        except OSError as error:
            raise UnitError(
                "File %(path)r cannot be read: %(reason)s.", path=path, reason=error.strerror
            ) from error

    def locate(self, absolute: str) -> str | None:
        """Path in this tree, where the absolute path starts with the root as given or as resolved."""
        path = posixpath.normpath(absolute)
        for root in (self.root, self._real):
            if path.startswith(root + "/"):
                return path[len(root) + 1 :]
        return None

    def is_outside(self, path: str) -> bool:
        """Whether there is a regular file or a folder at that place beside the root."""
        absolute = posixpath.normpath(f"{self.root}/{path}")
        return os.path.isfile(absolute) or os.path.isdir(absolute)

    def beside(self) -> frozenset[str]:
        """Names of packages and modules beside the root; looked for once."""
        return self.remember("beside", self._beside)

    def _beside(self) -> frozenset[str]:
        found: set[str] = set()
        above = os.path.dirname(self.root)
        for folder in (above, f"{above}/plugins"):
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.path != self.root and (entry.name.endswith(".py") or entry.is_dir()):
                            found.add(entry.name.removesuffix(".py"))
            except OSError:
                continue
        return frozenset(found)

    def _absolute(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root

    def _real_inside(self, path: str) -> str:
        real = os.path.realpath(self._absolute(path))
        if real != self._real and not real.startswith(self._real + os.sep):
            raise UnitError(
                "%(path)r is a symbolic link that leaves the source; put the file itself into the source.",
                path=path,
            )
        return real

    def may_descend(self, folder: str) -> bool:
        # A link to a folder above itself would be walked for ever.
        if folder not in self._links:
            return True
        try:
            self._real_inside(folder)
        except UnitError as error:
            self.left_out[folder] = error.message
            return False
        return not f"{os.path.realpath(os.path.dirname(self._absolute(folder)))}/".startswith(
            self._real_inside(folder) + "/"
        )


class TreeFiles(SourceFiles):
    """A stored tree: entries by path, and a function that reads a blob."""

    def __init__(
        self,
        entries: Mapping[str, FileEntry],
        read_blob: Callable[[str], bytes],
        *,
        cache: AnalysisCache | None = None,
    ) -> None:
        super().__init__(cache)
        self._entries = entries
        self.read_blob = read_blob
        self._listings: dict[str, dict[str, bool]] = {}
        for path in entries:
            self._add(path)

    def _add(self, path: str) -> None:
        is_folder = False
        while path:
            folder, _, name = path.rpartition("/")
            listing = self._listings.setdefault(folder, {})
            if name in NEVER or listing.get(name) is is_folder:
                return
            listing[name] = is_folder
            path, is_folder = folder, True

    def names(self, folder: str) -> Mapping[str, bool]:
        """Names in a folder of the tree."""
        return self._listings.get(folder, {})

    def entry(self, path: str) -> FileEntry:
        """The entry as stored."""
        check_name(path)
        try:
            return self._entries[path]
        except KeyError:
            raise UnitError("File %(path)r does not exist in the tree.", path=path) from None

    def read(self, path: str) -> bytes:
        """Bytes of the stored blob."""
        return self.read_blob(self.entry(path).blob)


def check_name(path: str) -> None:
    """Raise ``UnitError`` for a name that cannot travel, with the reason."""
    if problem := path_problem(path):
        shown = path.encode("utf-8", "backslashreplace").decode()
        raise UnitError(
            "The file %(path)r cannot travel: %(problem)s; rename it.", problem=problem, path=shown
        )
