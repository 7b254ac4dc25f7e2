"""
Connections that die at one statement, and stores that fail at one call.

A crash is a ``BaseException`` that nothing on the way catches, after which the session is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg2
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.store.release_store import ReleaseStore


class CrashError(BaseException):
    """The process is gone."""


class BrokenStore:
    """
    A store that raises at one call, before or after it was done.

    :param ref: the call counts only where its first argument begins so
    :param error: what it raises; a crash if left out
    """

    def __init__(
        self,
        store: ReleaseStore,
        method: str,
        ref: str = "",
        *,
        after: bool = False,
        error: BaseException | None = None,
    ) -> None:
        self._store, self._method, self._ref, self._after = store, method, ref, after
        self._error = error or CrashError()

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Any] = getattr(self._store, name)
        if name != self._method:
            return method

        def breaking(*args: Any, **options: Any) -> Any:
            hit = not self._ref or args[0].startswith(self._ref)
            if hit and not self._after:
                raise self._error
            result = method(*args, **options)
            if hit:
                raise self._error
            return result

        return breaking


@contextmanager
def dying_connection(engine: Engine, number: int) -> Iterator[list[str]]:
    """
    Let the connection die at the statement of that number, counted from 1; a commit is one, too.

    The list then has the statement. On PostgreSQL the server really ends the connection.
    """
    numbers = count(1)
    died: list[str] = []

    def die(connection: Connection, statement: str) -> None:
        if next(numbers) == number:
            died.append(statement)
            if engine.dialect.name != "postgresql":
                raise CrashError(statement)
            _terminate(engine, connection)

    def at_statement(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        die(connection, statement)

    def at_commit(connection: Connection) -> None:
        die(connection, "COMMIT")

    event.listen(engine, "before_cursor_execute", at_statement)
    event.listen(engine, "commit", at_commit)
    try:
        yield died
    finally:
        event.remove(engine, "before_cursor_execute", at_statement)
        event.remove(engine, "commit", at_commit)


def _terminate(engine: Engine, connection: Connection) -> None:
    pid = connection.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
    url = engine.url
    other = psycopg2.connect(host=url.host, port=url.port, user=url.username, dbname=url.database)
    try:
        other.cursor().execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    finally:
        other.close()


def at_every_statement(
    engine: Engine, factory: sessionmaker[Session], deed: Callable[[Session], object]
) -> Iterator[str]:
    """Do something again and again in requests whose connection dies a statement later each time."""
    for number in count(1):
        with dying_connection(engine, number) as died:
            session = factory()
            try:
                deed(session)
                session.commit()
            except (CrashError, DBAPIError):
                session.invalidate()
            finally:
                session.close()
        if not died:
            return
        yield died[0]
