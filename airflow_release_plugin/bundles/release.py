"""
The DAG bundle that serves an environment of the release store.

Every task that starts imports this module, whatever bundle it belongs to: nothing heavy here, what
only a dag processor needs is imported there, and a git library once a version is needed that is not on disk.
"""

from __future__ import annotations

import logging
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Any

from airflow.dag_processing.bundles.base import BaseDagBundle
from airflow.sdk.exceptions import AirflowException

from airflow_release_plugin import config
from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError, StoreUnavailableError
from airflow_release_plugin.store.paths import MANIFEST, check_object_id
from airflow_release_plugin.store.serving import ServedTrees, is_whole, manifest_of
from airflow_release_plugin.version_compat import AIRFLOW_V_3_3_PLUS

if TYPE_CHECKING:
    from airflow.dag_processing.bundles.base import BundleVersion

    from airflow_release_plugin.domain.ports import ServingFolders
    from airflow_release_plugin.store.base import ReleaseStore

log = logging.getLogger(__name__)

NOTHING_RELEASED = "empty"
"""Name of the tree that is served before the first release."""


class ReleaseDagBundle(BaseDagBundle):
    """
    Serves what was promoted to an environment, and nothing else; its version is the commit.

    A version stays readable when the store is away, and a folder is either the whole commit or not there.

    :param environment: name of the environment; default: the name of the bundle
    :param store_path: folder of the release store; default: ``[release] store_path``
    """

    supports_versioning = True

    def __init__(
        self, *, environment: str | None = None, store_path: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.environment = environment or self.name
        self._store_path = Path(store_path).expanduser() if store_path else None
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

    def _store(self) -> ReleaseStore:
        from airflow_release_plugin.store.git import GitReleaseStore

        return GitReleaseStore(self._store_path or config.store_path())

    def _wanted(self) -> str:
        """Commit that the environment is at. Raises ``StoreUnavailableError``."""
        from airflow_release_plugin.store.base import environment_ref
        from airflow_release_plugin.store.refs import read_ref

        path = self._store_path or config.store_path()
        commit = read_ref(path, environment_ref(self.environment))
        if commit is None and self._served() not in {None, NOTHING_RELEASED}:
            raise StoreUnavailableError(
                f"The release store {str(path)!r} has lost the branch of environment {self.environment!r}. "
                "Restore it from the audit trail or a clone."
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
                    self._store().files(version) if files is None else files,
                    self._store,
                    previous=self._current if files is None else tracked,
                )

    def _follow(self, *, thorough: bool) -> None:
        """
        Serve what the environment is at now; on trouble, go on with what is served already.

        In an installation that has never served anything, a store that nobody has made yet is no trouble.
        """
        served = self._served()
        try:
            if served != self._wanted() or not self._is_usable(thorough=thorough):
                self._switch()
        except ReleaseError as error:
            if served in {None, NOTHING_RELEASED} and self._is_new(error):
                with self._trees.locked():
                    self._serve(NOTHING_RELEASED)
                log.warning("Bundle %s serves nothing yet: %s", self.name, error.message)
                return
            if served is None or not self._is_usable(thorough=thorough):
                raise
            # A traceback every few seconds would bury the message
            log.error("Bundle %s goes on serving %s: %s", self.name, served, error.message)  # noqa: TRY400

    def _is_usable(self, *, thorough: bool) -> bool:
        return is_whole(self._current) if thorough else (self._current / MANIFEST).is_file()

    def _is_new(self, error: ReleaseError) -> bool:
        """
        Whether the store is missing because nothing was ever released, and not because it was lost.

        An empty folder in the place of a lost store would switch off every DAG of the environment.
        """
        if not error.context.get("missing"):
            return False
        from airflow_release_plugin.airflow_internals.bundles import was_never_served

        return was_never_served(self.name)

    def _switch(self) -> None:
        with self._trees.locked():
            self._serve(self._wanted())  # again: others may have been faster

    def _serve(self, wanted: str) -> None:
        served, target = self._served(), self._tracked / wanted
        if not is_whole(target):
            files = {} if wanted == NOTHING_RELEASED else self._store().files(wanted)
            self._trees.place(target, files, self._store, previous=self._current)
        self._trees.switch(self._current, target)
        self._trees.prune(self._tracked, keep=[target, self._tracked / (served or wanted)])
        log.info("Bundle %s serves version %s", self.name, wanted)
