"""Tells whether a file belongs to the source bundle. Asked in every parse, so it costs microseconds."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from airflow_release_plugin import config

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourceLocation:
    """
    Where the files of the source bundle are on this machine.

    :param base: folder that Airflow gives the bundle; clones and checked-out versions are under it
    :param path: the folder with the DAG files where that is elsewhere, as for a local bundle
    """

    base: str
    path: str | None

    @property
    def folders(self) -> tuple[str, ...]:
        """Below one of these is every file of the source."""
        return (self.base,) if self.path is None else (self.base, self.path)

    def is_root(self, folder: str) -> bool:
        """Whether ``folder`` is the root of the source bundle, or of one of its versions."""
        return _is_root(self, folder)

    def holds(self, file: str) -> bool:
        """Whether ``file`` is somewhere below the source bundle."""
        if _inside(file, self.base):
            return True
        return self.path is not None and _inside(file, self.path)


def is_source_file(fileloc: str, relative_fileloc: str | None = None) -> bool:
    """
    Whether a DAG file is one of the source bundle's.

    :param fileloc: absolute path, as Airflow found it
    :param relative_fileloc: path relative to the bundle that Airflow parses; with it the answer is exact even
        when one bundle's folder lies inside another's
    """
    location = source_location()
    if location is None:
        return False
    suffix = f"{os.sep}{relative_fileloc}"
    if relative_fileloc and fileloc.endswith(suffix):
        return location.is_root(fileloc[: -len(suffix)])
    return location.holds(fileloc)


def source_location() -> SourceLocation | None:
    """Where the configured source bundle is; ``None`` when this Airflow has no such bundle."""
    return bundle_location(config.source_bundle())


def bundle_location(name: str) -> SourceLocation | None:
    """Where a configured bundle is; ``None`` when this Airflow has none of that name."""
    from airflow.configuration import conf

    return _locate(name, conf.get("dag_processor", "dag_bundle_config_list", fallback="[]"))


@lru_cache(maxsize=8)
def _locate(name: str, bundles: str) -> SourceLocation | None:
    from airflow.dag_processing.bundles.base import get_bundle_base_folder

    try:
        configured = json.loads(bundles)
    except ValueError:
        # Airflow itself reports an unreadable bundle list; without one there is nothing to rename.
        return None
    for item in configured or ():
        if isinstance(item, dict) and item.get("name") == name:
            return SourceLocation(base=os.fspath(get_bundle_base_folder(name)), path=_own_path(name, item))
    return None


def _own_path(name: str, item: dict[str, Any]) -> str | None:
    """
    Folder of a bundle that keeps its files outside of the base folder.

    The bundles of Airflow's providers never do, and constructing one may look up a connection, so they are
    not asked. The class itself was imported by Airflow before any DAG file is parsed.
    """
    from airflow.dag_processing.bundles.local import LocalDagBundle

    module, _, attribute = item.get("classpath", "").rpartition(".")
    try:
        bundle_class: Any = getattr(import_module(module), attribute)
        if not issubclass(bundle_class, LocalDagBundle) and module.startswith("airflow.providers."):
            return None
        return str(bundle_class(name=name, **item.get("kwargs", {})).path)
    except Exception:
        # A source that cannot be constructed is served by nobody; target DAGs must go on parsing.
        log.warning(
            "Source bundle %r cannot be constructed; only its base folder is known", name, exc_info=True
        )
        return None


@lru_cache(maxsize=256)
def _is_root(location: SourceLocation, folder: str) -> bool:
    if _inside(folder, location.base):
        return True
    return location.path is not None and _same(folder, location.path)


def _same(one: str, other: str) -> bool:
    return one == other or os.path.realpath(one) == os.path.realpath(other)


def _inside(path: str, folder: str) -> bool:
    folder = folder.rstrip(os.sep)
    if path == folder or path.startswith(folder + os.sep):
        return True
    real, real_folder = os.path.realpath(path), os.path.realpath(folder)
    return real == real_folder or real.startswith(real_folder + os.sep)
