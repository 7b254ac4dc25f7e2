"""
The files of a folder that Airflow would parse, as Airflow lists them.

Its own walk takes most of the time that a submission out of 5,000 files costs. What it finds depends on the
names and on ``.airflowignore``; :mod:`folder_names` tells whether those are what they were.
"""

# Thousands of these calls answer one request, and pathlib costs several times more.
# ruff: noqa: PTH116

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from airflow_release_plugin.airflow_internals.folder_names import FolderNames, look_at
from airflow_release_plugin.analysis.stat_memo import StatMemo, bound

log = logging.getLogger(__name__)

_GUESSES: StatMemo[bool] = StatMemo()


@dataclass(frozen=True)
class ListedFiles:
    """
    What Airflow would parse.

    :param files: POSIX paths relative to the folder, sorted; without archives and names that are no text
    :param stats: of those files, where they were looked at
    """

    files: tuple[str, ...]
    stats: Mapping[str, os.stat_result]


@dataclass(frozen=True)
class _Listing:
    """What a walk of Airflow's found, and the names that it found it in."""

    files: tuple[str, ...]
    names: FolderNames

    def renewed(self) -> _Listing | None:
        """What a walk would find now; ``None`` where only a walk can tell."""
        news = self.names.news()
        if news is None:
            return None
        if not news.came and not news.gone:
            return self if news.names is self.names else _Listing(self.files, news.names)
        return _Listing((*(file for file in self.files if file not in news.gone), *news.came), news.names)


_LISTINGS: dict[tuple[str, str], _Listing] = {}


def list_dag_files(root: Path, bundle: str) -> ListedFiles:
    """
    The files that Airflow would parse.

    :param bundle: its name, for the log
    :raises RuntimeError: links lead in a circle
    """
    from airflow.configuration import conf
    from airflow.utils.file import might_contain_dag

    safe_mode = conf.getboolean("core", "dag_discovery_safe_mode", fallback=True)
    files = []
    stats: dict[str, os.stat_result] = {}
    start = len(f"{root}{os.sep}")
    for found in _listed(root):
        path = found[start:].replace(os.sep, "/")
        if not _is_text(path):
            # Neither Airflow's database nor a page can hold it, and one such name would take down the list
            log.warning("File %a of bundle %r cannot be released: its name is not UTF-8", path, bundle)
        elif not path.endswith(".py"):
            log.warning("Archive %s of bundle %r cannot be released; unpack it", path, bundle)
        elif not safe_mode:
            files.append(path)
        elif info := _may_hold_dag(found, might_contain_dag):
            files.append(path)
            stats[path] = info
    return ListedFiles(tuple(sorted(files)), stats)


def _listed(root: Path) -> tuple[str, ...]:
    from airflow.utils.file import list_py_file_paths

    key = (str(root), os.path.realpath(root))
    known = _LISTINGS.get(key)
    now = known.renewed() if known is not None else None
    if now is None:
        names = look_at(str(root))
        files = tuple(list_py_file_paths(root, safe_mode=False))
        # Airflow may have met a folder between two changes of which we saw what was before and after
        if names is None or not names.stand():
            _LISTINGS.pop(key, None)
            return files
        now = _Listing(files, names)
    if now is not known:
        bound(_LISTINGS)
        _LISTINGS[key] = now
    return now.files


def _is_text(path: str) -> bool:
    """Whether the name is more than bytes, which Python reads as halves of surrogate pairs."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _may_hold_dag(file: str, might_contain_dag: Callable[..., bool]) -> os.stat_result | None:
    """
    Ask Airflow's safe mode, which reads the file; of thousands, only those that changed are read again.

    The answer is what the file looked like, or ``None`` for no.
    """
    try:
        info = os.stat(file)
        return info if _GUESSES.get(file, info, lambda: might_contain_dag(file, safe_mode=True)) else None
    except Exception:  # as Airflow does: the heuristic is configurable and raises whatever it likes
        log.exception("Error while examining %s", file)
        return None
