"""What a task of a dev copy reads of the source: noted while it runs, kept as an XCom of the task."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import time
from typing import Any

from airflow_release_plugin import config
from airflow_release_plugin.airflow_internals.opened_files import OpenedFiles
from airflow_release_plugin.airflow_internals.source_location import SourceLocation
from airflow_release_plugin.domain.release.dev_runs import MAX_FILES, READS_KEY, TaskReads
from airflow_release_plugin.domain.tree.files import blob_id
from airflow_release_plugin.domain.tree.leavings import is_leaving

log = logging.getLogger(__name__)

_SETTLED_NS = 2_000_000_000
"""A file that changed less than 2 s ago may change again under the same time stamp."""


class DevReads:
    """
    The files that this process opens below the source, from :meth:`observe` on.

    Their bytes are read when the task has ended, which costs it nothing; a file that is another one then than
    it was when it was opened has unknown bytes.
    """

    def __init__(self) -> None:
        self._found: dict[str, _Stamp | str] = {}
        self._written: set[str] = set()
        self._is_whole = True

    def observe(self, location: SourceLocation) -> None:
        """Begin to note."""
        OpenedFiles(location.folders, self._note).listen()

    def _note(self, path: str, is_written: bool) -> None:
        if is_written:
            # What a task makes itself is no part of the source.
            if path not in self._found:
                self._written.add(path)
            return
        with contextlib.suppress(OSError):
            info = os.stat(path)
            if stat.S_ISREG(info.st_mode) and path not in self._written:
                self._add(path, info)

    def _add(self, path: str, info: os.stat_result) -> None:
        stamp = _stamp(info)
        known = self._found.get(path)
        if known is None:
            if len(self._found) >= MAX_FILES:
                self._is_whole = False
                return
            self._found[path] = stamp if _is_settled(info) else _blob(path, info)
        elif known != (stamp if isinstance(known, tuple) else _blob(path, info)):
            self._found[path] = ""

    def of(self, task_id: str, folder: str) -> TaskReads:
        """What was read, by paths relative to ``folder``, where the bundle is."""
        files = {}
        starts = {f"{os.path.normpath(folder)}/", f"{os.path.realpath(folder)}/"}
        for path, known in self._found.items():
            inside = next((path[len(start) :] for start in starts if path.startswith(start)), "")
            if inside and not is_leaving(inside):
                files[inside] = known if isinstance(known, str) else _blob_of(path, known)
        return TaskReads(task_id, files, self._is_whole)


_Stamp = tuple[int, int, int, int]


def _stamp(info: os.stat_result) -> _Stamp:
    return (info.st_mtime_ns, info.st_size, info.st_ino, info.st_ctime_ns)


def _is_settled(info: os.stat_result) -> bool:
    return time.time_ns() - max(info.st_mtime_ns, info.st_ctime_ns) > _SETTLED_NS


def _blob_of(path: str, known: _Stamp) -> str:
    """The blob of a file that is still the one with this stamp; else, and for a file too large, empty."""
    with contextlib.suppress(OSError):
        before = os.stat(path)
        blob = _blob(path, before)
        if known == _stamp(before) == _stamp(os.stat(path)):
            return blob
    return ""


def _blob(path: str, info: os.stat_result) -> str:
    if info.st_size > config.max_file_bytes():
        return ""
    with open(path, "rb") as file:
        return blob_id(file.read())


def send(reads: DevReads, task: Any) -> None:
    """
    Keep what the task read as its XCom, beside its own: over the way that every task has, on any worker.

    :param task: Airflow's ``RuntimeTaskInstance``
    """
    from airflow.sdk.bases.xcom import BaseXCom

    place = {name: getattr(task, name) for name in ("dag_id", "run_id", "task_id", "map_index")}
    place["map_index"] = -1 if place["map_index"] is None else place["map_index"]
    told = reads.of(task.task_id, os.fspath(task.bundle_instance.path))
    if task._ti_context_from_server.next_method:
        # It was deferred, and told before; for every other start Airflow has cleared its XComs.
        kept = BaseXCom._get_xcom_db_ref(key=READS_KEY, **place)
        earlier = TaskReads.from_value(task.task_id, getattr(kept, "value", None))
        told = told.with_earlier(earlier) if earlier else told
    BaseXCom._set_xcom_in_db(key=READS_KEY, value=told.to_value(), **place)
