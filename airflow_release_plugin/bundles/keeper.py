"""
Keeps on this machine what a bundle serves: gets versions, switches, gives signs of life.

A task whose version stands on the disk never imports this (:mod:`.release`).
"""

from __future__ import annotations

import logging
import os
import socket
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from airflow_release_plugin.domain.bundle_folders import ServingFolders
from airflow_release_plugin.domain.release.machines import SIGN_PAUSE, MachineSign
from airflow_release_plugin.domain.tree.paths import MANIFEST
from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError, UnavailableError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.standing import is_due, note_of
from airflow_release_plugin.store.paths import check_object_id
from airflow_release_plugin.store.served_list import manifest_of
from airflow_release_plugin.store.serving import ReadBlobs, ServedTrees
from airflow_release_plugin.store.whole import is_whole

if TYPE_CHECKING:
    from airflow_release_plugin.store.versions import VersionSource

log = logging.getLogger(__name__)

NOTHING_RELEASED = "empty"
"""Name of the tree that is served before the first release."""
_FRESH = 60.0
"""Seconds for which a task takes the tree that this machine follows for the newest."""
_SWEEP = 86400.0
"""Seconds between two looks for cached files of versions that Airflow has removed from this machine."""
_SIGN_TIMEOUT = 5.0
"""Seconds that a task waits for the answer to a sign of life, which it does not need."""


class Kept(Protocol):
    """The part of a bundle that its keeper needs."""

    name: str
    version: str | None
    environment: str
    release_conn_id: str
    refresh_interval: int
    base_dir: Path
    versions_dir: Path
    current: Path
    sign_due: Path

    @property
    def path(self) -> Path:
        """Where what is served stands."""
        ...


class BundleKeeper:
    """
    What a bundle does on a machine beyond saying where its version stands.

    A machine that has the metadata database, as those of dag processors do, gets what it lacks from there;
    a task asks the API server, with a connection.
    """

    def __init__(self, bundle: Kept) -> None:
        self._bundle = bundle
        self._base = bundle.base_dir
        self.trees = ServedTrees(self._base)
        self._tracked = self._base / "tracking"
        self._current = bundle.current
        self._followed = self._base / "followed"
        self._failure = self._base / "failure"
        self._sign_due = bundle.sign_due
        self._swept = self._base / "swept"
        self._opened: VersionSource | None = None
        self._host = ""

    @property
    def folders(self) -> ServingFolders:
        """Where this machine keeps what it serves, for the drift guard."""
        return ServingFolders(self._base, self._current, self._tracked, self._bundle.versions_dir)

    def provide(self) -> None:
        """
        Let the bundle's version stand on the disk, or what the environment is at now.

        :raises ReleaseError: neither is there, nor can it be had
        """
        if self._bundle.version:
            self._provide(check_object_id(self._bundle.version))
        else:
            self._follow(thorough=True)

    def refresh(self) -> None:
        """Serve what the environment is at now; raises ``InvalidRequestError`` for a pinned bundle."""
        if self._bundle.version:
            raise InvalidRequestError(
                "Bundle %(bundle)r is pinned to %(version)s: a version never changes.",
                bundle=self._bundle.name,
                version=self._bundle.version,
            )
        self._follow(thorough=False)

    def served(self) -> str | None:
        """The commit that is served to whoever is not pinned; ``None`` before the first one."""
        name = self._served()
        return None if name == NOTHING_RELEASED else name

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
            settings = ReleaseHook(self._bundle.release_conn_id).settings()
        except AirflowNotFoundException as error:
            raise UnavailableError(
                "%(host)s cannot ask for %(what)s: there is no connection %(conn_id)r. Add it, with the URL "
                "of the API server and a user of [release] service_users, then clear the task.",
                host=socket.gethostname(),
                what=self._what(),
                conn_id=self._bundle.release_conn_id,
            ) from error
        if once:
            settings = replace(settings, timeout=min(settings.timeout, _SIGN_TIMEOUT))
        backoff = Backoff(total=0) if once else None
        return HttpVersions(settings, conn_id=self._bundle.release_conn_id, backoff=backoff)

    def _what(self) -> str:
        if self._bundle.version:
            return Message("version %(commit)s", commit=self._bundle.version)
        return Message("what bundle %(bundle)r serves", bundle=self._bundle.name)

    def _read(self, commit: str) -> ReadBlobs:
        """Reads blobs of a commit; the source is opened only then."""
        return lambda blobs: self._source().read_all(commit, blobs)

    def _wanted(self) -> str:
        """Commit that the environment is at. Raises ``UnavailableError``."""
        commit = self._source().head(self._bundle.environment, self._sign())
        if commit is None and self._served() not in {None, NOTHING_RELEASED}:
            raise UnavailableError(
                "The metadata database has no branch of environment %(environment)r any more. Restore it "
                "from a backup.",
                environment=self._bundle.environment,
            )
        with suppress(OSError):  # a task under another user may not write here, and asks each time
            self._followed.touch()
            self._give_next_sign_later()
        return commit or NOTHING_RELEASED

    def _sign(self) -> MachineSign:
        serves = self._bundle.version or self._served() or NOTHING_RELEASED
        pause = SIGN_PAUSE if _has_no_database() else max(1, int(self._bundle.refresh_interval))
        self._host = self._host or _hostname()
        return MachineSign(self._host, "" if serves == NOTHING_RELEASED else serves, pause)

    def _give_sign(self) -> None:
        """
        Let the server know that this machine is at work, where nobody on it asked anything for a while.

        What is on disk is served whatever comes of that: the log says it, and the server names the machine.
        """
        if not _has_no_database() or not is_due(self._sign_due):
            return
        with suppress(OSError):  # first, so that of fifty tasks one asks
            self._give_next_sign_later()
        try:
            self._api_server(once=True).head(self._bundle.environment, self._sign())
        except Exception as error:
            reason = getattr(error, "message", "") or f"{type(error).__name__}: {error}"
            name, version = self._bundle.name, self._bundle.version
            log.warning("Bundle %s serves %s from this machine's disk: %s", name, version, reason)

    def _give_next_sign_later(self) -> None:
        self._sign_due.touch()
        moment = time.time() + SIGN_PAUSE
        os.utime(self._sign_due, (moment, moment))

    def _is_fresh(self) -> bool:
        """Whether somebody on this machine asked a moment ago where the environment is."""
        return _is_younger(self._followed, _FRESH)

    def _provide(self, version: str) -> None:
        if is_whole(self._bundle.path, note=note_of(self._base, version)):
            self._give_sign()
            return
        came_at = time.time()
        with self.trees.locked():
            if is_whole(self._bundle.path):
                return
            # Fifty tasks that waited for one that failed would each ask in vain, one after the other
            if reason := self._failed_since(version, came_at):
                raise UnavailableError(reason)
            try:
                self._place(version)
                with suppress(OSError):  # who has just fetched was heard from: the next task asks nobody
                    self._give_next_sign_later()
            except UnavailableError as error:
                with suppress(OSError):
                    self._failure.write_text(f"{version} {error.message}")
                raise

    def _place(self, version: str) -> None:
        tracked = self._tracked / version
        files = manifest_of(tracked)
        self.trees.place(
            self._bundle.path,
            self._source().files(version) if files is None else files,
            self._read(version),
            previous=self._current if files is None else tracked,
            note=note_of(self._base, version),
        )
        self._drop_unused()

    def _drop_unused(self) -> None:
        """Airflow removes versions that no task uses any more; what they shared would stay for ever."""
        if _is_younger(self._swept, _SWEEP):
            return
        with suppress(OSError):  # the version is here, whatever becomes of what is left over
            self._swept.touch()
            self.trees.drop_unused([*self._tracked.glob("*"), *self._bundle.versions_dir.iterdir()])
            for note in note_of(self._base, "").iterdir():
                if not (self._bundle.versions_dir / note.name).exists():
                    note.unlink()

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
                    self._source().head(self._bundle.environment, self._sign())
        except ReleaseError as error:
            if served is None or not self._is_usable(thorough=thorough):
                raise
            # A traceback every few seconds would bury the message
            log.error("Bundle %s goes on serving %s: %s", self._bundle.name, served, error.message)  # noqa: TRY400

    def _is_usable(self, *, thorough: bool) -> bool:
        return is_whole(self._current) if thorough else (self._current / MANIFEST).is_file()

    def _switch(self) -> None:
        with self.trees.locked():
            self._serve(self._wanted())  # again: others may have been faster

    def _serve(self, wanted: str) -> None:
        served, target = self._served(), self._tracked / wanted
        if not is_whole(target):
            files = {} if wanted == NOTHING_RELEASED else self._source().files(wanted)
            left = set(self._tracked.glob("*")) - {target, self._tracked / (served or wanted)}
            reuse = min(left, default=None)
            self.trees.place(target, files, self._read(wanted), previous=self._current, reuse=reuse)
        self.trees.switch(self._current, target)
        self.trees.prune(self._tracked, keep=[target, self._tracked / (served or wanted)])
        log.info("Bundle %s serves version %s", self._bundle.name, wanted)


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
    from airflow_release_plugin.airflow_internals.session import airflow_connection, airflow_session
    from airflow_release_plugin.store.database_versions import DatabaseVersions

    return DatabaseVersions(airflow_session, airflow_connection)
