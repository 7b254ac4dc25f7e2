"""
One look at everything below a folder: which files are there, and what is left out, with the reason.

It costs one ``stat`` for each file; what a file holds is remembered by its stat, as the analysis does.
"""

# Thousands of these calls answer one submission, and pathlib costs several times more.
# ruff: noqa: PTH116

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from airflow_release_plugin.analysis.source_files import SPECIAL_FILES, FolderFiles
from airflow_release_plugin.analysis.stat_memo import Stamp, bound, stamp_of
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.domain.tree.leavings import LEAVINGS, IgnoreRules, is_leaving
from airflow_release_plugin.domain.tree.paths import path_problem
from airflow_release_plugin.exceptions import UnitError
from airflow_release_plugin.messages import Message

MOST_FILES = 100_000
"""A folder with more files is no source of DAGs; links in circles would make one out of any."""

_UNNAMED = "__pycache__"
"""Left out without a word: Python makes it beside whatever it imports."""
_LEAVINGS = IgnoreRules(LEAVINGS)
_FINE_NS = 50_000_000
"""The time of a change may lie so much before it: the clock of the kernel ticks every few milliseconds."""
_COARSE_NS = 2_000_000_000
"""Or so much, on file systems that know whole seconds only."""


@dataclass(frozen=True)
class ScanLimits:
    """
    What a scan leaves out.

    :param ignore: globs of files and folders
    :param max_bytes: of all files together; the largest are left out until the others fit
    """

    ignore: tuple[str, ...] = ()
    max_bytes: int = 1 << 62
    max_files: int = MOST_FILES


@dataclass
class TreeScan:
    """
    What lies below a folder at one moment.

    :param files: stat of each file by path
    :param is_settled: nothing of it was changed while it was looked at: all of it was there at once
    :param left_out: why, as a phrase for people, by path; a name that is no UTF-8 comes escaped
    """

    files: dict[str, os.stat_result] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    is_settled: bool = True

    def stamps(self) -> Mapping[str, Stamp]:
        """What changes when a file is written, by path."""
        return {path: stamp_of(info) for path, info in self.files.items()}


def scan(files: FolderFiles, limits: ScanLimits) -> TreeScan:
    """Look at all files below the root. What cannot be read, cannot travel or is too large is left out."""
    return _Scanning(files, limits).run()


def shown(path: str) -> str:
    """A path as text that can be stored, whatever bytes its name has."""
    return path.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


class _NameRules:
    """Says of each path whether its name keeps it out; remembered, as a source is looked at often."""

    def __init__(self, globs: tuple[str, ...]) -> None:
        self._rules = IgnoreRules(globs)
        self._verdicts: dict[str, str] = {}

    def refusal(self, path: str, name: str) -> str:
        """Why ``path``, whose last part is ``name``, is left out; empty if not for its name."""
        verdict = self._verdicts.get(path)
        if verdict is None:
            bound(self._verdicts)
            verdict = self._verdicts[path] = self._judge(path, name)
        return verdict

    def _judge(self, path: str, name: str) -> str:
        if glob := _LEAVINGS.match_here(path, name):
            return Message("%(glob)s is left behind by an editor or a tool", glob=glob)
        if problem := path_problem(path):
            return Message("its name cannot travel: %(problem)s", problem=problem)
        if glob := self._rules.match_here(path, name):
            return Message("%(glob)s is in [release] snapshot_ignore", glob=glob)
        return ""


_name_rules = lru_cache(maxsize=8)(_NameRules)


def name_refusal(path: str, limits: ScanLimits) -> str:
    """Why a scan leaves a file out for its name or that of a folder above it; empty if not for that."""
    rules = _name_rules(limits.ignore)
    parts = path.split("/")
    above = (("/".join(parts[: end + 1]), part) for end, part in enumerate(parts))
    return next((reason for place, name in above if (reason := rules.refusal(place, name))), "")


class _Scanning:
    """One look."""

    def __init__(self, files: FolderFiles, limits: ScanLimits) -> None:
        self._root = os.path.realpath(files.root)
        self._max_file_bytes = files.max_file_bytes
        self._limits = limits
        self._names = _name_rules(limits.ignore)
        self._begun = time.time_ns()
        self._found = TreeScan()

    def run(self) -> TreeScan:
        self._visit("", self._root, (self._root,))
        self._keep_within_bounds()
        return self._found

    def _leave(self, path: str, reason: str) -> None:
        self._found.left_out[shown(path)] = reason

    def _visit(self, folder: str, absolute: str, way: tuple[str, ...]) -> None:
        """Look at a folder. ``way`` are the real folders that lead there: no link shall go in a circle."""
        try:
            self._note_time(os.stat(absolute))
            with os.scandir(absolute) as listing:
                items = list(listing)
        except OSError as error:
            self._leave(folder or ".", Message("cannot be read: %(reason)s", reason=error.strerror))
            return
        if folder and any(item.name == "pyvenv.cfg" for item in items):
            self._leave(folder, Message("a virtual environment (it holds pyvenv.cfg)"))
            return
        if len(self._found.files) + len(items) > self._limits.max_files:
            self._leave(
                folder or ".",
                Message("the snapshot would hold more than %(most)s files", most=self._limits.max_files),
            )
            return
        prefix = f"{folder}/" if folder else ""
        for item in items:
            path = prefix + item.name
            if reason := self._names.refusal(path, item.name):
                if item.name != _UNNAMED:
                    self._leave(path, reason)
            else:
                self._visit_item(path, item, way)

    def _visit_item(self, path: str, item: os.DirEntry[str], way: tuple[str, ...]) -> None:
        try:
            if item.is_symlink():
                self._follow(path, item, item.stat(), way)
            elif item.is_dir(follow_symlinks=False):
                self._visit(path, item.path, (*way, item.path))
            else:
                self._take(path, item.stat(follow_symlinks=False))
        except FileNotFoundError:
            if item.is_symlink():  # else it was there a moment ago, and is not any more
                self._leave(path, Message("a link to nothing"))
        except OSError as error:
            self._leave(path, Message("cannot be read: %(reason)s", reason=error.strerror))

    def _follow(self, path: str, item: os.DirEntry[str], info: os.stat_result, way: tuple[str, ...]) -> None:
        real = os.path.realpath(item.path)
        inside = os.path.relpath(real, self._root)
        if real != self._root and not real.startswith(self._root + os.sep):
            self._leave(path, Message("a link that leaves the source"))
        elif is_leaving(inside):
            self._leave(path, Message("a link to %(path)s", path=shown(inside)))
        elif not stat.S_ISDIR(info.st_mode):
            self._take(path, info)
        elif any(f"{folder}/".startswith(f"{real}/") for folder in way):
            self._leave(path, Message("a link to a folder above itself"))
        else:
            self._visit(path, item.path, (*way, real))

    def _take(self, path: str, info: os.stat_result) -> None:
        if not stat.S_ISREG(info.st_mode):
            self._leave(path, SPECIAL_FILES.get(stat.S_IFMT(info.st_mode), Message("no regular file")))
        elif info.st_size > self._max_file_bytes:
            reason = Message(
                "has %(size)s bytes; the limit is %(limit)s ([release] max_file_bytes)",
                size=info.st_size,
                limit=self._max_file_bytes,
            )
            self._leave(path, reason)
        else:
            self._note_time(info)
            self._found.files[path] = info

    def _note_time(self, info: os.stat_result) -> None:
        changed = info.st_ctime_ns
        if changed > self._begun - _COARSE_NS and (changed > self._begun - _FINE_NS or not changed % 10**9):
            self._found.is_settled = False

    def _keep_within_bounds(self) -> None:
        files = self._found.files
        total = sum(info.st_size for info in files.values())
        limit = self._limits.max_bytes
        if total <= limit:
            return
        for path in sorted(files, key=lambda path: (-files[path].st_size, path)):
            size = files.pop(path).st_size
            reason = Message(
                "has %(size)s bytes; all files together have %(total)s, the limit is %(limit)s ([release] "
                "max_snapshot_bytes)",
                size=size,
                total=total,
                limit=limit,
            )
            self._leave(path, reason)
            total -= size
            if total <= limit:
                return


def entries(files: FolderFiles, found: TreeScan) -> dict[str, FileEntry]:
    """The files of a scan with their blob ids; those that cannot be read move to what is left out."""
    known: dict[str, FileEntry] = {}
    for path, info in found.files.items():
        try:
            known[path] = files.known_entry(path, info) or files.entry_of(path, info)
        except UnitError as error:
            found.left_out[path] = error.message
    for path in found.files.keys() - known.keys():
        del found.files[path]
    return known
