"""
The DAG bundle that serves what was released to an environment.

Every task that starts imports this module, whatever bundle it belongs to: nothing heavy here, what
only a dag processor needs is imported there, and a database once a version is needed that is not on disk.
"""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Any

from airflow.dag_processing.bundles.base import BaseDagBundle
from airflow.sdk.exceptions import AirflowException

from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError, UnavailableError
from airflow_release_plugin.store.paths import MANIFEST, check_object_id
from airflow_release_plugin.store.serving import ServedTrees, is_whole, manifest_of
from airflow_release_plugin.version_compat import AIRFLOW_V_3_3_PLUS

if TYPE_CHECKING:
    from airflow.dag_processing.bundles.base import BundleVersion

    from airflow_release_plugin.domain.ports import ServingFolders
    from airflow_release_plugin.store.versions import VersionSource

log = logging.getLogger(__name__)

NOTHING_RELEASED = "empty"
"""Name of the tree that is served before the first release."""


class ReleaseDagBundle(BaseDagBundle):
    """
    Serves what was promoted to an environment, and nothing else; its version is the commit.

    A version on this machine needs nobody else, and a folder is either the whole commit or not there.

    :param environment: name of the environment; default: the name of the bundle
    """

    supports_versioning = True

    def __init__(self, *, environment: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.environment = environment or self.name
        self._trees = ServedTrees(self.base_dir)
        self._tracked = self.base_dir / "tracking"
        self._current = self.base_dir / "current"

    @property
    def path(self) -> Path:
        # One path for all versions of the tracking copy, so that unchanged files stay where they were
        return self.versions_dir / self.version if self.version else self._current

    @property
    def folders(self) -> ServingFolders:
        """Where this machine keeps what it serves, for the drift guard."""
        from airflow_release_plugin.domain.ports import ServingFolders

        return ServingFolders(self.base_dir, self._current, self._tracked, self.versions_dir)

    def initialize(self) -> None:
        try:
            if self.version:
                self._provide(check_object_id(self.version))
            else:
                self._follow(thorough=True)
        except ReleaseError as error:
            # Airflow 3.2's dag processor dies of anything else, 3.3's retries after anything
            what = f"version {self.version} of" if self.version else "anything of"
            raise AirflowException(
                f"Host {gethostname()!r} cannot serve {what} the bundle {self.name!r}: {error.message}"
            ) from error
        super().initialize()

    def refresh(self) -> None:
        if self.version:
            raise InvalidRequestError(
                f"Bundle {self.name!r} is pinned to {self.version}: a version never changes."
            )
        self._follow(thorough=False)

    def get_current_version(self) -> BundleVersion | str | None:
        version = self.version or self._served()
        if version is None or version == NOTHING_RELEASED:
            return None
        if AIRFLOW_V_3_3_PLUS:
            from airflow.dag_processing.bundles.base import BundleVersion

            return BundleVersion(version=version)
        return version

    def _served(self) -> str | None:
        """Name of the tree that ``current`` points at, whoever switched it last."""
        try:
            return self._current.readlink().name
        except OSError:
            return None

    def _source(self) -> VersionSource:
        """Where versions come from that this machine lacks; ``UnavailableError`` where there is none."""
        from airflow_release_plugin.airflow_internals.session import airflow_session, is_denied

        if is_denied():
            what = f"version {self.version}" if self.version else "tree"
            raise UnavailableError(
                f"{socket.gethostname()} has no {what} of bundle {self.name!r}, and a task may not read it "
                "from the metadata database. The dag processor of a machine brings what it serves: see that "
                "one runs here with the same [dag_processor] dag_bundle_storage_path, then clear the task.",
                no_database=True,
            )
        from airflow_release_plugin.store.database_versions import DatabaseVersions

        return DatabaseVersions(airflow_session)

    def _wanted(self) -> str:
        """Commit that the environment is at. Raises ``UnavailableError``."""
        commit = self._source().head(self.environment)
        if commit is None and self._served() not in {None, NOTHING_RELEASED}:
            raise UnavailableError(
                f"The metadata database has no branch of environment {self.environment!r} any more. "
                "Restore it from a backup."
            )
        return commit or NOTHING_RELEASED

    def _provide(self, version: str) -> None:
        if is_whole(self.path):
            return
        with self._trees.locked():
            if not is_whole(self.path):
                tracked = self._tracked / version
                files = manifest_of(tracked)
                self._trees.place(
                    self.path,
                    self._source().files(version) if files is None else files,
                    self._source,
                    previous=self._current if files is None else tracked,
                )

    def _follow(self, *, thorough: bool) -> None:
        """
        Serve what the environment is at now; on trouble, go on with what is served already.

        A task serves what the dag processor of its machine follows, and has nothing to complain about.
        """
        served = self._served()
        try:
            if served != self._wanted() or not self._is_usable(thorough=thorough):
                self._switch()
        except ReleaseError as error:
            if served is None or not self._is_usable(thorough=thorough):
                raise
            if not error.context.get("no_database"):
                # A traceback every few seconds would bury the message
                log.error("Bundle %s goes on serving %s: %s", self.name, served, error.message)  # noqa: TRY400

    def _is_usable(self, *, thorough: bool) -> bool:
        return is_whole(self._current) if thorough else (self._current / MANIFEST).is_file()

    def _switch(self) -> None:
        with self._trees.locked():
            self._serve(self._wanted())  # again: others may have been faster

    def _serve(self, wanted: str) -> None:
        served, target = self._served(), self._tracked / wanted
        if not is_whole(target):
            files = {} if wanted == NOTHING_RELEASED else self._source().files(wanted)
            self._trees.place(target, files, self._source, previous=self._current)
        self._trees.switch(self._current, target)
        self._trees.prune(self._tracked, keep=[target, self._tracked / (served or wanted)])
        log.info("Bundle %s serves version %s", self.name, wanted)
