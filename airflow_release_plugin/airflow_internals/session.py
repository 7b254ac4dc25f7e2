"""Sessions on Airflow's metadata database, for the edges that have none given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import event

from airflow_release_plugin.exceptions import ReleaseError

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session, SessionTransaction


def is_denied() -> bool:
    """Whether Airflow keeps this process from the metadata database, as it does with tasks."""
    return os.environ.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "").startswith("airflow-db-not-allowed")


@contextmanager
def airflow_session() -> Iterator[Session]:
    """
    A session of its own: committed at the end, rolled back on an error, closed always.

    A refusal that is to be seen in the trail (``is_recorded``) is committed as well.

    Unlike Airflow's own it flushes before it queries: use cases ask for what they have just changed.
    """
    from airflow.utils.session import create_session

    with create_session(scoped=False) as session:
        session.autoflush = True
        event.listen(session, "after_begin", _write_from_first_savepoint)
        try:
            yield session
        except ReleaseError as error:
            if error.is_recorded:
                session.commit()
            raise


@contextmanager
def airflow_connection() -> Iterator[Connection]:
    """
    A connection of those that Airflow's sessions use, to read one thing; what is written is rolled back.

    A session costs several times as much, which counts where somebody asks every few seconds.
    """
    from airflow import settings
    from sqlalchemy import Connection

    if settings.NonScopedSession is None:
        raise RuntimeError("Airflow has no sessions in this process")
    # Asked for each time: a process that Airflow forks gets an engine of its own
    bind = settings.NonScopedSession.kw["bind"]
    if isinstance(bind, Connection):
        yield bind
        return
    with bind.connect() as connection:
        yield connection


def _write_from_first_savepoint(
    session: Session, transaction: SessionTransaction, connection: Connection
) -> None:
    if connection.dialect.name == "sqlite" and not transaction.nested:
        event.listen(connection, "savepoint", _begin_to_write)


def _begin_to_write(connection: Connection, name: str | None) -> None:
    """
    Take SQLite's one write lock before a savepoint, instead of at the first write after it.

    A savepoint alone begins a transaction that reads. If anybody else writes before it does, SQLite refuses
    its first write at once, however long it would be ready to wait
    (https://www.sqlite.org/rescode.html#busy_snapshot).
    """
    driver = connection.connection.dbapi_connection
    if driver is not None and not driver.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
