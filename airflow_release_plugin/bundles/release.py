"""
The DAG bundle that serves what was released to an environment.

Every task that starts imports this module, whatever bundle it belongs to: nothing heavy here, what
only a dag processor needs is imported there, and a database once a version is needed that is not on disk.
"""

from __future__ import annotations

import logging
import socket
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Any

from airflow.dag_processing.bundles.base import BaseDagBundle
from airflow.sdk.exceptions import AirflowException

from airflow_release_plugin.domain.tree.paths import MANIFEST
from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError, UnavailableError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.store.paths import check_object_id
from airflow_release_plugin.store.serving import ReadBlobs, ServedTrees, is_whole, manifest_of
from airflow_release_plugin.version_compat import AIRFLOW_V_3_3_PLUS

if TYPE_CHECKING:
    from airflow.dag_processing.bundles.base import BundleVersion

    from airflow_release_plugin.domain.ports import ServingFolders
    from airflow_release_plugin.domain.release.machines import MachineSign
    from airflow_release_plugin.store.versions import VersionSource

log = logging.getLogger(__name__)

NOTHING_RELEASED = "empty"
"""Name of the tree that is served before the first release."""
DEFAULT_CONN_ID = "airflow_release_default"
_FRESH = 60.0
"""Seconds for which a task takes the tree that this machine follows for the newest."""
_SWEEP = 86400.0
"""Seconds between two looks for cached files of versions that Airflow has removed from this machine."""
_SIGN_TIMEOUT = 5.0
"""Seconds that a task waits for the answer to a sign of life, which it does not need."""


class ReleaseDagBundle(BaseDagBundle):
    """
    Serves what was promoted to an environment, and nothing else; its version is the commit.

    A version on this machine needs nobody else, and a folder is either the whole commit or not there.

    A machine that has the metadata database, as those of dag processors do, gets what it lacks from there;
    a task asks the API server, with a connection.

    :param environment: name of the environment; default: the name of the bundle
    :param release_conn_id: connection of type ``airflow_release`` for machines without the database
    """

    supports_versioning = True

    def __init__(
        self, *, environment: str | None = None, release_conn_id: str = DEFAULT_CONN_ID, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.environment = environment or self.name
        self.release_conn_id = release_conn_id
        self._trees = ServedTrees(self.base_dir)
        self._tracked = self.base_dir / "tracking"
        self._current = self.base_dir / "current"
        self._followed = self.base_dir / "followed"
        self._failure = self.base_dir / "failure"
        self._signed = self.base_dir / "signed"
        self._swept = self.base_dir / "swept"
        self._opened: VersionSource | None = None

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
                "Bundle %(bundle)r is pinned to %(version)s: a version never changes.",
                bundle=self.name,
                version=self.version,
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
        if self._opened is None:
            self._opened = self._api_server() if _has_no_database() else _database()
        return self._opened

    def _api_server(self, *, once: bool = False) -> VersionSource:
        """
        The API server as a source of versions.

        :param once: ask without patience, for what nobody needs an answer to
        """
        from airflow.sdk.exceptions import AirflowNotFoundException

        from airflow_release_plugin.bundles.http_versions import HttpVersions
        from airflow_release_plugin.client.retry import Backoff
        from airflow_release_plugin.hooks.release import ReleaseHook

        try:
            settings = ReleaseHook(self.release_conn_id).settings()
        except AirflowNotFoundException as error:
            raise UnavailableError(
                "%(host)s cannot ask for %(what)s: there is no connection %(conn_id)r. Add it, with the URL "
                "of the API server and a user of [release] service_users, then clear the task.",
                host=socket.gethostname(),
                what=self._what(),
                conn_id=self.release_conn_id,
            ) from error
        if once:
            settings = replace(settings, timeout=min(settings.timeout, _SIGN_TIMEOUT))
        backoff = Backoff(total=0) if once else None
        return HttpVersions(settings, conn_id=self.release_conn_id, backoff=backoff)

    def _what(self) -> str:
        if self.version:
            return Message("version %(commit)s", commit=self.version)
        return Message("what bundle %(bundle)r serves", bundle=self.name)

    def _read(self, commit: str) -> ReadBlobs:
        """Reads blobs of a commit; the source is opened only then."""
        return lambda blobs: self._source().read_all(commit, blobs)

    def _wanted(self) -> str:
        """Commit that the environment is at. Raises ``UnavailableError``."""
        commit = self._source().head(self.environment, self._sign())
        if commit is None and self._served() not in {None, NOTHING_RELEASED}:
            raise UnavailableError(
                "The metadata database has no branch of environment %(environment)r any more. Restore it "
                "from a backup.",
                environment=self.environment,
            )
        with suppress(OSError):  # a task under another user may not write here, and asks each time
            self._followed.touch()
            self._signed.touch()
        return commit or NOTHING_RELEASED

    def _sign(self) -> MachineSign:
        from airflow_release_plugin.domain.release.machines import SIGN_PAUSE, MachineSign

        serves = self.version or self._served() or NOTHING_RELEASED
        pause = SIGN_PAUSE if _has_no_database() else max(1, int(self.refresh_interval))
        return MachineSign(_hostname(), "" if serves == NOTHING_RELEASED else serves, pause)

    def _give_sign(self) -> None:
        """
        Let the server know that this machine is at work, where nobody on it asked anything for a while.

        What is on disk is served whatever comes of that: the log says it, and the server names the machine.
        """
        from airflow_release_plugin.domain.release.machines import SIGN_PAUSE

        if not _has_no_database() or _is_younger(self._signed, SIGN_PAUSE):
            return
        with suppress(OSError):  # first, so that of fifty tasks one asks
            self._signed.touch()
        try:
            self._api_server(once=True).head(self.environment, self._sign())
        except Exception as error:
            reason = getattr(error, "message", "") or f"{type(error).__name__}: {error}"
            log.warning("Bundle %s serves %s from this machine's disk: %s", self.name, self.version, reason)

    def _is_fresh(self) -> bool:
        """Whether somebody on this machine asked a moment ago where the environment is."""
        return _is_younger(self._followed, _FRESH)

    def _provide(self, version: str) -> None:
        if is_whole(self.path):
            self._give_sign()
            return
        came_at = time.time()
        with self._trees.locked():
            if is_whole(self.path):
                return
            # Fifty tasks that waited for one that failed would each ask in vain, one after the other
            if reason := self._failed_since(version, came_at):
                raise UnavailableError(reason)
            try:
                self._place(version)
                with suppress(OSError):  # who has just fetched was heard from: the next task asks nobody
                    self._signed.touch()
            except UnavailableError as error:
                with suppress(OSError):
                    self._failure.write_text(f"{version} {error.message}")
                raise

    def _place(self, version: str) -> None:
        tracked = self._tracked / version
        files = manifest_of(tracked)
        self._trees.place(
            self.path,
            self._source().files(version) if files is None else files,
            self._read(version),
            previous=self._current if files is None else tracked,
        )
        self._drop_unused()

    def _drop_unused(self) -> None:
        """Airflow removes versions that no task uses any more; what they shared would stay for ever."""
        if _is_younger(self._swept, _SWEEP):
            return
        with suppress(OSError):  # the version is here, whatever becomes of what is left over
            self._swept.touch()
            self._trees.drop_unused([*self._tracked.glob("*"), *self.versions_dir.iterdir()])

    def _failed_since(self, version: str, moment: float) -> str:
        """Why the version could not be had when somebody on this machine tried since then; else empty."""
        try:
            failed, _, reason = self._failure.read_text().partition(" ")
            return reason if failed == version and self._failure.stat().st_mtime >= moment else ""
        except OSError:
            return ""

    def _follow(self, *, thorough: bool) -> None:
        """
        Serve what the environment is at now; on trouble, go on with what is served already.

        Tasks of runs that are not pinned come here, too. They ask nobody where the dag processor of the
        machine, or another task, has just asked.
        """
        served = self._served()
        if served and _has_no_database() and self._is_fresh() and self._is_usable(thorough=thorough):
            return
        try:
            if served != self._wanted() or not self._is_usable(thorough=thorough):
                self._switch()
                with suppress(ReleaseError):  # it was asked for its own sake: the answer is known
                    self._source().head(self.environment, self._sign())
        except ReleaseError as error:
            if served is None or not self._is_usable(thorough=thorough):
                raise
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
            self._trees.place(target, files, self._read(wanted), previous=self._current)
        self._trees.switch(self._current, target)
        self._trees.prune(self._tracked, keep=[target, self._tracked / (served or wanted)])
        log.info("Bundle %s serves version %s", self.name, wanted)


def _is_younger(file: Path, seconds: float) -> bool:
    try:
        return 0 <= time.time() - file.stat().st_mtime < seconds
    except OSError:
        return False


def _hostname() -> str:
    """As Airflow names this machine where it writes down jobs and tasks."""
    if _has_no_database():
        from airflow.sdk.api.client import get_hostname
    else:
        from airflow.utils.net import get_hostname
    return str(get_hostname())[:250]


def _has_no_database() -> bool:
    from airflow_release_plugin.airflow_internals.session import is_denied

    return is_denied()


def _database() -> VersionSource:
    from airflow_release_plugin.airflow_internals.session import airflow_session
    from airflow_release_plugin.store.database_versions import DatabaseVersions

    return DatabaseVersions(airflow_session)
