"""Closures that were computed before, used again for as long as nothing that they were made from changed."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from airflow_release_plugin.analysis.closure import Closure, ClosureOptions, compute_closure
from airflow_release_plugin.analysis.source_files import FolderFiles, SourceFiles
from airflow_release_plugin.analysis.stat_memo import bound
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import UnitError

T = TypeVar("T")


@dataclass(frozen=True)
class _Known:
    """A closure, the names of all files at that time, and the files whose content was looked at."""

    layout: str
    entries: Mapping[str, FileEntry]
    closure: Closure


class ClosureMemo:
    """Keep it between requests: a list over thousands of DAG files computes only what an edit touched."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _Known] = {}

    def closure(self, files: FolderFiles, path: str, *, options: ClosureOptions) -> Closure:
        """Return what :func:`compute_closure` returns, and raise what it raises."""
        layout = files.remember("layout", lambda: _layout(files, options))
        key = (files.root, path)
        known = self._known.get(key)
        if known is not None and known.layout == layout and _holds(files, known.entries):
            return known.closure
        recorder = _Recorder(files)
        made = compute_closure(recorder, path, options=options)
        if layout and not recorder.asked_outside:
            bound(self._known)
            self._known[key] = _Known(layout, recorder.entries, made)
        return made


def _layout(files: FolderFiles, options: ClosureOptions) -> str:
    """A hash of the bounds and of all names of files and folders; empty where those cannot all be listed."""
    beside = sorted(name.encode("utf-8", "surrogateescape") for name in files.beside())
    found = hashlib.sha256(f"{options} {files.max_file_bytes} {beside}".encode())
    folders = [""]
    try:
        for folder in folders:
            for name, is_folder in sorted(files.names(folder).items()):
                path = posixpath.join(folder, name)
                found.update(f"{path}\0{is_folder}\0".encode("utf-8", "surrogateescape"))
                if is_folder and files.may_descend(path):
                    folders.append(path)
    except UnitError:
        return ""
    return found.hexdigest()


def _holds(files: FolderFiles, entries: Mapping[str, FileEntry]) -> bool:
    try:
        return all(files.entry(path) == entry for path, entry in entries.items())
    except UnitError:
        return False


class _Recorder(SourceFiles):
    """Notes which contents a computation looks at, and whether it looks beside the source."""

    def __init__(self, files: FolderFiles) -> None:
        super().__init__(files.cache)
        self.left_out = files.left_out
        self._files = files
        self.entries: dict[str, FileEntry] = {}
        self.asked_outside = False

    def names(self, folder: str) -> Mapping[str, bool]:
        return self._files.names(folder)

    def entry(self, path: str) -> FileEntry:
        found = self.entries[path] = self._files.entry(path)
        return found

    def read(self, path: str) -> bytes:
        return self._files.read(path)

    def locate(self, absolute: str) -> str | None:
        return self._files.locate(absolute)

    def is_outside(self, path: str) -> bool:
        self.asked_outside = True
        return self._files.is_outside(path)

    def beside(self) -> frozenset[str]:
        return self._files.beside()

    def may_descend(self, folder: str) -> bool:
        return self._files.may_descend(folder)

    def remember(self, name: str, make: Callable[[], T]) -> T:
        return self._files.remember(name, make)

    def glob(self, pattern: str) -> tuple[str, ...]:
        return self._files.glob(pattern)
