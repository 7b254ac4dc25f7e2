"""Closures that were computed before, used again for as long as nothing that they were made from changed."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from airflow_release_plugin.analysis.closure import Closure, ClosureOptions, compute_closure
from airflow_release_plugin.analysis.source_files import FolderFiles, SourceFiles
from airflow_release_plugin.analysis.source_layout import SourceLayout, layout_of, question
from airflow_release_plugin.analysis.stat_memo import bound
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import UnitError

T = TypeVar("T")


_LAYOUTS = 4
"""Of each source, so many of the last layouts are told from the present one."""


@dataclass
class _Known:
    """
    A closure and what it was made from.

    :param layout: the names of all files, when it was made or held last
    :param asked: what was asked about them
    :param entries: the files whose content was looked at
    """

    layout: SourceLayout
    asked: array[int]
    entries: Mapping[str, FileEntry]
    closure: Closure


class ClosureMemo:
    """
    Keep it between requests: a list over thousands of DAG files computes only what an edit touched.

    An edit touches a closure that has the file, and a file that comes or goes those that had asked about its
    name: by path, as a module, or by a list of its folder.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _Known] = {}
        self._late: set[int] = set()
        """Asked by what several closures share, when the one that had begun with it was made already."""

    def closure(self, files: FolderFiles, path: str, *, options: ClosureOptions) -> Closure:
        """Return what :func:`compute_closure` returns, and raise what it raises."""
        layout: SourceLayout = files.remember("layout", lambda: layout_of(files, f"{options}"))
        key = (files.root, path)
        known = self._known.get(key)
        if known is not None and self._is_laid_out(files, known, layout) and _holds(files, known.entries):
            known.layout = layout
            return known.closure
        recorder = _Recorder(files, self._late)
        made = compute_closure(recorder, path, options=options)
        if layout.digest and not recorder.asked_outside:
            bound(self._known)
            self._known[key] = _Known(layout, recorder.finish(), recorder.entries, made)
        return made

    def _is_laid_out(self, files: FolderFiles, known: _Known, layout: SourceLayout) -> bool:
        """Whether all names that a closure was made from are as they were."""
        if known.layout is layout or (layout.digest and known.layout.digest == layout.digest):
            return True
        since: dict[str, frozenset[int] | None] = files.remember("news", dict)
        if known.layout.digest not in since:
            news = layout.news_since(known.layout) if len(since) < _LAYOUTS else None
            since[known.layout.digest] = news if news is not None and self._late.isdisjoint(news) else None
        news = since[known.layout.digest]
        return news is not None and news.isdisjoint(known.asked)


def _holds(files: FolderFiles, entries: Mapping[str, FileEntry]) -> bool:
    # A loop, and identity first: this is asked for each file of a source, each time somebody looks.
    try:
        for path, entry in entries.items():
            now = files.entry(path)
            if now is not entry and now != entry:
                return False
    except UnitError:
        return False
    return True


class _Recorder(SourceFiles):
    """
    Notes which names and contents a computation looks at, and whether it looks beside the source.

    :param late: gets what is asked after the end
    """

    def __init__(self, files: FolderFiles, late: set[int]) -> None:
        super().__init__(files.cache)
        self.left_out = files.left_out
        self._files = files
        self._asked: set[int] = set()
        self._late = late
        self.entries: dict[str, FileEntry] = {}
        self.asked_outside = False

    def finish(self) -> array[int]:
        """What was asked about names until now."""
        asked, self._asked = self._asked, self._late
        return array("q", asked)

    def names(self, folder: str) -> Mapping[str, bool]:
        self._asked.add(question("folder", folder))
        return self._files.names(folder)

    def _kind(self, path: str) -> bool | None:
        self._asked.add(question("name", path))
        return self._files._kind(path)

    def note_places(self, places: Iterable[str]) -> None:
        self._asked.update(question("module", place) for place in places)

    def entry(self, path: str) -> FileEntry:
        self._asked.add(question("name", path))
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
        found, asked = self._files.remember(f"glob {pattern}", lambda: self._globbed_by(pattern))
        self._asked |= asked
        return found

    def _globbed_by(self, pattern: str) -> tuple[tuple[str, ...], frozenset[int]]:
        walker = _Recorder(self._files, set())
        return super(_Recorder, walker).glob(pattern), frozenset(walker._asked)
