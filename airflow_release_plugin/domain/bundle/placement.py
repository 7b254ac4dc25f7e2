"""Where the files of a bundle go in a tree that is not theirs, and in which order its units come."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from airflow_release_plugin.domain.bundle.manifest import BundleUnit
from airflow_release_plugin.domain.tree.paths import path_problem


@dataclass(frozen=True)
class KnownPlacement:
    """Path of a DAG file there and here, as an earlier import put it."""

    there: str
    here: str


def folder_problem(folder: str) -> str:
    """Why new DAG files cannot go into a folder; empty if they can, and for the root, which is ``""``."""
    return path_problem(folder) if folder else ""


def new_path(path: str, folder: str) -> str:
    """Where a DAG file goes that nobody had here before."""
    return posixpath.join(folder, path)


def moved_path(path: str, before: KnownPlacement) -> str:
    """
    Where a DAG file goes that is here already: where it is, unless it was renamed there.

    A file that was renamed there keeps what was put before its path here. One that somebody moved here by
    hand stays in that folder and takes the new name.
    """
    if path == before.there:
        return before.here
    if before.here.endswith(before.there):
        return before.here.removesuffix(before.there) + path
    return posixpath.join(posixpath.dirname(before.here), posixpath.basename(path))


def file_places(unit: BundleUnit, path: str) -> dict[str, str]:
    """
    Where each file of a unit goes when its DAG file goes to ``path``, by the path there.

    Modules stay where they are: they are imported by their path from the root. Data lies beside the Python
    file that reads it, so it goes with the DAG file, unless it lies nearer to a module.
    """
    modules = [file for file in unit.files if file.endswith(".py") and file != unit.path]
    places = {file: file for file in unit.files}
    places[unit.path] = path
    if path == unit.path:
        return places
    start, end = posixpath.dirname(unit.path), posixpath.dirname(path)
    for file in places:
        if not file.endswith(".py"):
            nearest = max((len(d) for d in map(posixpath.dirname, modules) if _is_below(file, d)), default=-1)
            if nearest <= (len(start) if _is_below(file, start) else -1):
                places[file] = posixpath.normpath(posixpath.join(end, posixpath.relpath(file, start or ".")))
    return places


def _is_below(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def upstream_first(units: Iterable[BundleUnit]) -> list[BundleUnit]:
    """
    Units so that each comes after those whose DAGs or assets it needs; else by path.

    Units that need each other in a circle come by path.
    """
    by_path = {unit.path: unit for unit in sorted(units, key=lambda unit: unit.path)}
    needs = _needs(by_path)
    ordered: list[BundleUnit] = []
    done: set[str] = set()
    for first in by_path:
        stack = [(first, False)]
        while stack:
            path, is_ready = stack.pop()
            if is_ready:
                ordered.append(by_path[path])
            elif path not in done:
                done.add(path)
                stack.append((path, True))
                stack.extend((other, False) for other in sorted(needs[path] - done, reverse=True))
    return ordered


def _needs(by_path: Mapping[str, BundleUnit]) -> dict[str, set[str]]:
    """Paths of the other units that each needs."""
    owners = {dag_id: path for path, unit in by_path.items() for dag_id in unit.dag_ids}
    makers: dict[str, set[str]] = defaultdict(set)
    for path, unit in by_path.items():
        for asset in unit.assets_out:
            makers[asset].add(path)
    return {
        path: {
            *_known(owners, (*unit.upstream_dags, *unit.triggered_dags)),
            *(maker for asset in unit.assets_in for maker in makers[asset]),
        }
        - {path}
        for path, unit in by_path.items()
    }


def _known(owners: Mapping[str, str], dag_ids: Collection[str]) -> set[str]:
    return {owners[dag_id] for dag_id in dag_ids if dag_id in owners}
