"""Versions straight from the metadata database, for a machine whose dag processor has it."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.repositories import followers, refs
from airflow_release_plugin.store.base import environment_ref
from airflow_release_plugin.store.database import database_store
from airflow_release_plugin.store.paths import check_ref

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from airflow_release_plugin.domain.release.machines import MachineSign
    from airflow_release_plugin.domain.tree.files import FileEntry
    from airflow_release_plugin.store.release_store import ReleaseStore

log = logging.getLogger(__name__)

_SAID_AGAIN = 30.0
"""Seconds after which a sign that says nothing new is given again; silence counts after many minutes."""


class DatabaseVersions:
    """
    Only reads, each time in a transaction of its own; but for signs of life, which it writes down.

    :param open_session: opens a session on the metadata database
    :param connect: gives a connection to it, for the one read that somebody does every few seconds
    """

    def __init__(
        self,
        open_session: Callable[[], AbstractContextManager[Session]],
        connect: Callable[[], AbstractContextManager[Connection]],
    ) -> None:
        self._open_session = open_session
        self._connect = connect
        self._noted: tuple[str, MachineSign] | None = None
        self._noted_at = 0.0

    def head(self, environment: str, sign: MachineSign | None = None) -> str | None:
        with (
            self._explained(Message("where environment %(environment)r is", environment=environment)),
            self._connect() as connection,
        ):
            commit = refs.read_commit_of(connection, check_ref(environment_ref(environment)))
        if sign is not None and not self._was_noted(environment, sign):
            self._note(environment, sign)
        return commit

    def files(self, commit: str) -> dict[str, FileEntry]:
        with self._store(Message("version %(commit)s", commit=commit)) as store:
            store.require_released(commit)
            return store.files(commit)

    def read_all(self, commit: str, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        with self._store(Message("files of version %(commit)s", commit=commit)) as store:
            yield from store.read_all(blobs)

    def _was_noted(self, environment: str, sign: MachineSign) -> bool:
        """Whether this process has just seen to it that the very same is written down."""
        return self._noted == (environment, sign) and time.monotonic() - self._noted_at < _SAID_AGAIN

    def _note(self, environment: str, sign: MachineSign) -> None:
        """Write down a sign of life; a database that is busy, or takes no writes, serves all the same."""
        try:
            with self._open_session() as session:
                followers.note(session, environment, sign, datetime.now(timezone.utc))
            self._noted, self._noted_at = (environment, sign), time.monotonic()
        except SQLAlchemyError as error:
            log.info("That %s follows %s was not noted (%s)", sign.host, environment, type(error).__name__)

    @contextmanager
    def _store(self, what: str) -> Iterator[ReleaseStore]:
        with self._explained(what), self._open_session() as session:
            yield database_store(session)

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise UnavailableError(
                "%(host)s lacks %(what)s, and the metadata database does not give it "
                "(%(error)s). See that it answers and that `airflow db migrate` was run.",
                host=socket.gethostname(),
                what=what,
                error=type(error).__name__,
            ) from error
