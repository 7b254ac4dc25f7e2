"""Versions straight from the metadata database, for a machine whose dag processor has it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.store.database import database_store

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from airflow_release_plugin.domain.tree.files import FileEntry
    from airflow_release_plugin.store.release_store import ReleaseStore


class DatabaseVersions:
    """
    Only reads, each time in a transaction of its own.

    :param open_session: opens a session on the metadata database
    """

    def __init__(self, open_session: Callable[[], AbstractContextManager[Session]]) -> None:
        self._open_session = open_session

    def head(self, environment: str) -> str | None:
        with self._store(f"where environment {environment!r} is") as store:
            return store.head(environment)

    def files(self, commit: str) -> dict[str, FileEntry]:
        with self._store(f"version {commit}") as store:
            store.require_released(commit)
            return store.files(commit)

    def read_all(self, commit: str, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        with self._store(f"files of version {commit}") as store:
            yield from store.read_all(blobs)

    @contextmanager
    def _store(self, what: str) -> Iterator[ReleaseStore]:
        try:
            with self._open_session() as session:
                yield database_store(session)
        except SQLAlchemyError as error:
            raise UnavailableError(
                f"{socket.gethostname()} lacks {what}, and the metadata database does not give it "
                f"({type(error).__name__}). See that it answers and that `airflow db migrate` was run.",
            ) from error
