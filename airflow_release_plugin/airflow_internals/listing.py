"""
The files of a folder that Airflow would parse, as Airflow lists them.

Its own walk takes most of the time that a submission out of 5,000 files costs. What it finds depends on the
names and on ``.airflowignore``: while no folder and no such file was touched, the last answer counts.
"""

# Thousands of these calls answer one request, and pathlib costs several times more.
# ruff: noqa: PTH116

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from airflow_release_plugin.analysis.stat_memo import Stamp, StatMemo, bound, is_settled, stamp_of

log = logging.getLogger(__name__)

_IGNORE_FILE = ".airflowignore"
_GUESSES: StatMemo[bool] = StatMemo()


@dataclass(frozen=True)
class _Listing:
    """
    One walk of Airflow's.

    :param stamps: of each folder and each ``.airflowignore``, by path
    """

    files: tuple[str, ...]
    stamps: dict[str, Stamp]

    def still_counts(self) -> bool:
        """Whether a walk would find the same names now."""
        try:
            return all(stamp_of(os.stat(path)) == stamp for path, stamp in self.stamps.items())
        except OSError:
            return False


_LISTINGS: dict[tuple[str, str], _Listing] = {}


def dag_files(root: Path, bundle: str) -> tuple[str, ...]:
    """
    POSIX paths, relative to ``root``, of the files that Airflow would parse, sorted; archives are left out.

    :param bundle: its name, for the log
    :raises RuntimeError: links lead in a circle
    """
    from airflow.configuration import conf
    from airflow.utils.file import might_contain_dag

    safe_mode = conf.getboolean("core", "dag_discovery_safe_mode", fallback=True)
    files = []
    for found in _listed(root):
        path = found[len(f"{root}{os.sep}") :].replace(os.sep, "/")
        if not path.endswith(".py"):
            log.warning("Archive %s of bundle %r cannot be released; unpack it", path, bundle)
        elif not safe_mode or _may_hold_dag(found, might_contain_dag):
            files.append(path)
    return tuple(sorted(files))


def _listed(root: Path) -> tuple[str, ...]:
    from airflow.utils.file import list_py_file_paths

    key = (str(root), os.path.realpath(root))
    known = _LISTINGS.get(key)
    if known is not None and known.still_counts():
        return known.files
    # Before the walk: what is touched while that lasts has another stamp afterwards
    stamps = _stamps(str(root))
    files = tuple(list_py_file_paths(root, safe_mode=False))
    if stamps is not None:
        bound(_LISTINGS)
        _LISTINGS[key] = _Listing(files, stamps)
    return files


def _stamps(root: str) -> dict[str, Stamp] | None:
    """Of all folders and ignore files below ``root``; ``None`` if one was touched just now."""
    stamps: dict[str, Stamp] = {}
    folders, seen = [root], set()
    while folders:
        folder = folders.pop()
        if (real := os.path.realpath(folder)) in seen:
            continue
        seen.add(real)
        try:
            stats = {folder: os.stat(folder)}
            with os.scandir(folder) as items:
                for item in items:
                    if item.is_dir():
                        folders.append(item.path)
                    elif item.name == _IGNORE_FILE:
                        stats[item.path] = item.stat()
        except OSError:
            return None
        if not all(map(is_settled, stats.values())):
            return None
        stamps.update({path: stamp_of(info) for path, info in stats.items()})
    return stamps


def _may_hold_dag(file: str, might_contain_dag: Callable[..., bool]) -> bool:
    """Ask Airflow's safe mode, which reads the file; of thousands, only those that changed are read again."""
    try:
        return bool(_GUESSES.get(file, os.stat(file), lambda: might_contain_dag(file, safe_mode=True)))
    except Exception:  # as Airflow does: the heuristic is configurable and raises whatever it likes
        log.exception("Error while examining %s", file)
        return False
