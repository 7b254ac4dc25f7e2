"""Reads the source bundle, whatever its class, and what Airflow knows of its DAGs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_release_plugin import config
from airflow_release_plugin.airflow_internals.facts import (
    connection_types,
    dag_facts,
    known_dags,
    stored_import_errors,
)
from airflow_release_plugin.airflow_internals.listing import list_dag_files
from airflow_release_plugin.domain.bundle_folders import SourceSnapshot
from airflow_release_plugin.domain.ports import DagFacts, KnownDag
from airflow_release_plugin.exceptions import SourceUnavailableError
from airflow_release_plugin.messages import Message

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

REFRESH_SECONDS = 5.0
"""A bundle that fetches its files from elsewhere is refreshed at most this often in one process."""

_BUNDLE = Message("bundle")


@dataclass
class _Tracked:
    """A bundle that this process keeps, with the time of its last refresh."""

    bundle: Any
    refreshed: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self) -> None:
        """Bring the files up to date, one thread at a time: Airflow's own lock is for processes."""
        from airflow.dag_processing.bundles.local import LocalDagBundle

        with self.lock:
            if self.bundle.is_initialized and not Path(self.bundle.path).is_dir():
                # Somebody cleaned up the disk; a bundle never looks whether what it fetched is still there.
                self.bundle, self.refreshed = _bundle(self.bundle.name), None
            if not self.bundle.is_initialized:
                self.bundle.initialize()
            now = time.monotonic()
            fresh = self.refreshed is not None and now - self.refreshed < REFRESH_SECONDS
            if not fresh and not isinstance(self.bundle, LocalDagBundle):
                self.bundle.refresh()
                self.refreshed = now


class AirflowSource:
    """
    The source bundle of this installation.

    :param session: for what Airflow's dag processor stored; only read
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def snapshot(self) -> SourceSnapshot:
        """
        Refresh the source bundle and list the DAG files that Airflow would parse, sorted.

        Zip archives are left out: their content cannot be shown, compared or approved file by file.

        :raises SourceUnavailableError: the bundle is not configured, cannot be fetched, or has no folder
        """
        return open_bundle(config.source_bundle(), Message("source bundle"))

    def facts(self, bundle: str, paths: Collection[str] | None = None) -> Mapping[str, tuple[DagFacts, ...]]:
        """Facts by path about active DAGs of ``bundle``."""
        return dag_facts(self._session, bundle, paths)

    def known(self, bundle: str) -> Mapping[str, tuple[KnownDag, ...]]:
        """Active DAGs of ``bundle`` by path."""
        return known_dags(self._session, bundle)

    def import_errors(self, bundle: str, paths: Collection[str] | None = None) -> Mapping[str, str]:
        """Stored import errors by path; several for one file are joined."""
        errors = stored_import_errors(self._session, bundle, paths)
        return {path: "\n\n".join(traces) for path, traces in errors.items()}

    def connection_types(self, ids: Collection[str]) -> Mapping[str, str]:
        """Types of connections that are kept in Airflow's database."""
        return connection_types(self._session, ids)


def open_bundle(name: str, what: str = _BUNDLE) -> SourceSnapshot:
    """Refresh a configured bundle and list its DAG files; ``what`` is how messages call it."""
    try:
        tracked = _track(name, bundle_list())
        tracked.refresh()
        root = Path(tracked.bundle.path)
        version = tracked.bundle.get_current_version()
    except Exception as error:
        # Bundles raise whatever their transport raises.
        raise SourceUnavailableError(
            "The %(what)s %(bundle)r cannot be read: %(error)s. Check [release] source_bundle and "
            "[dag_processor] dag_bundle_config_list.",
            what=what,
            error=error,
            bundle=name,
        ) from error
    if not root.is_dir():
        raise SourceUnavailableError(
            "The folder %(folder)r of the %(what)s %(bundle)r does not exist; create it or correct "
            "[dag_processor] dag_bundle_config_list.",
            folder=str(root),
            what=what,
            bundle=name,
        )
    try:
        listed = list_dag_files(root, name)
    except RuntimeError as error:
        # What Airflow's own walk raises where links lead in a circle.
        raise SourceUnavailableError(
            "The %(what)s %(bundle)r cannot be listed: %(error)s.", what=what, error=error, bundle=name
        ) from error
    # Airflow 3.3 answers with an object, 3.2 with a string; drop this when the minimum is 3.3.
    version = getattr(version, "version", version)
    return SourceSnapshot(root=root, dag_files=listed.files, version=version, stats=listed.stats)


def bundle_list() -> str:
    """The bundles of this Airflow as configured, JSON."""
    from airflow.configuration import conf

    return str(conf.get("dag_processor", "dag_bundle_config_list", fallback="[]"))


@lru_cache(maxsize=4)
def _track(name: str, bundle_list: str) -> _Tracked:
    """The bundle as configured; kept, because constructing and initializing one may clone a repository."""
    return _Tracked(_bundle(name))


def _bundle(name: str) -> Any:
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    return DagBundlesManager().get_bundle(name)
