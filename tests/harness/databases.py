"""Engines and sessions on migrated databases."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session

from tests.harness.postgres import PostgresServer


def connect(url: str) -> Engine:
    """An engine with Airflow's own settings for the database."""
    from airflow.utils.orm_event_handlers import setup_event_handlers

    sqlite = url.startswith("sqlite")
    arguments = {"check_same_thread": False, "timeout": 30} if sqlite else {}
    engine = create_engine(url, connect_args=arguments)
    setup_event_handlers(engine)
    return engine


def connect_to_roll_back(url: str) -> Engine:
    """An engine for :func:`rolled_back`, where the first thing of a transaction may be a savepoint."""
    engine = connect(url)
    if url.startswith("sqlite"):
        # Python's driver begins transactions late: take that over.
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", _begin)
    return engine


def _leave_transactions_to_us(connection: Any, _record: object) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def copy_of(template: Path, folder: Path) -> str:
    """URL of a fresh copy of a migrated SQLite file."""
    copy = folder / f"{uuid.uuid4().hex}.db"
    copyfile(template, copy)
    return f"sqlite:///{copy}"


@contextmanager
def copy_in(server: PostgresServer) -> Iterator[str]:
    """
    URL of a fresh copy of the migrated PostgreSQL database.

    It goes as soon as it is not needed: hundreds of copies take the last test minutes to remove.
    """
    name = f"copy_{uuid.uuid4().hex}"
    try:
        yield server.create_database(name, template="migrated")
    finally:
        server.drop_database(name)


@contextmanager
def airflow_uses(bind: Engine | Connection) -> Iterator[None]:
    """Let the sessions that Airflow's own functions open work on ``bind``, too; then on what they had."""
    from airflow import settings

    assert settings.Session is not None
    assert settings.NonScopedSession is not None
    settings.Session.remove()
    before = settings.NonScopedSession.kw["bind"], settings.NonScopedSession.kw.get("join_transaction_mode")
    settings.NonScopedSession.configure(bind=bind, join_transaction_mode="create_savepoint")
    try:
        yield
    finally:
        settings.Session.remove()
        settings.NonScopedSession.configure(
            bind=before[0], join_transaction_mode=before[1] or "conditional_savepoint"
        )


@contextmanager
def rolled_back(engine: Engine) -> Iterator[Session]:
    """A session whose commits are savepoints of one transaction, which is rolled back at the end."""
    with engine.connect() as connection:
        outer = connection.begin()
        with (
            airflow_uses(connection),
            Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session,
        ):
            yield session
        outer.rollback()


@contextmanager
def counted(bind: Engine | Connection) -> Iterator[list[str]]:
    """Statements that are sent while the block runs."""
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE")):
            statements.append(statement)

    event.listen(bind, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(bind, "before_cursor_execute", note)
