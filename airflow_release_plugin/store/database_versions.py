"""Versions straight from the metadata database, for a machine whose dag processor has it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.repositories import followers
from airflow_release_plugin.store.database import database_store

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from airflow_release_plugin.domain.release.machines import MachineSign
    from airflow_release_plugin.domain.tree.files import FileEntry
    from airflow_release_plugin.store.release_store import ReleaseStore

log = logging.getLogger(__name__)


class DatabaseVersions:
    """
    Only reads, each time in a transaction of its own; but for signs of life, which it writes down.

    :param open_session: opens a session on the metadata database
    """

    def __init__(self, open_session: Callable[[], AbstractContextManager[Session]]) -> None:
        self._open_session = open_session

    def head(self, environment: str, sign: MachineSign | None = None) -> str | None:
        with self._store(Message("where environment %(environment)r is", environment=environment)) as store:
            commit = store.head(environment)
        if sign is not None:
            self._note(environment, sign)
        return commit

    def files(self, commit: str) -> dict[str, FileEntry]:
        with self._store(Message("version %(commit)s", commit=commit)) as store:
            store.require_released(commit)
            return store.files(commit)

    def read_all(self, commit: str, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        with self._store(Message("files of version %(commit)s", commit=commit)) as store:
            yield from store.read_all(blobs)

    def _note(self, environment: str, sign: MachineSign) -> None:
        """Write down a sign of life; a database that is busy, or takes no writes, serves all the same."""
        try:
            with self._open_session() as session:
                followers.note(session, environment, sign, datetime.now(timezone.utc))
        except SQLAlchemyError as error:
            log.info("That %s follows %s was not noted (%s)", sign.host, environment, type(error).__name__)

    @contextmanager
    def _store(self, what: str) -> Iterator[ReleaseStore]:
        try:
            with self._open_session() as session:
                yield database_store(session)
        except SQLAlchemyError as error:
            raise UnavailableError(
                "%(host)s lacks %(what)s, and the metadata database does not give it "
                "(%(error)s). See that it answers and that `airflow db migrate` was run.",
                host=socket.gethostname(),
                what=what,
                error=type(error).__name__,
            ) from error
