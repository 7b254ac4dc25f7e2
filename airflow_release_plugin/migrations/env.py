"""Runs the migrations for alembic: on Airflow's own engine, with a version table of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow import settings
from alembic import context
from sqlalchemy import text

from airflow_release_plugin.db_manager import ReleaseDBManager

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_LOCK_TIMEOUT = "10s"
"""A migration that waits longer for a lock would hold up every reader behind it: give up and say so."""

_target = ReleaseDBManager.metadata


def _include_object(_object: Any, name: str | None, kind: str, *_: Any) -> bool:
    """Leave Airflow's tables, which share the database, out of comparisons."""
    return kind != "table" or name in _target.tables


_options: dict[str, Any] = {
    "target_metadata": _target,
    "version_table": ReleaseDBManager.version_table_name,
    "include_object": _include_object,
    "compare_type": True,
    "compare_server_default": True,
    "render_as_batch": True,  # SQLite cannot alter constraints in place
    "transaction_per_migration": True,
}


def _run(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET lock_timeout = '{_LOCK_TIMEOUT}'"))
        connection.commit()
    context.configure(connection=connection, **_options)
    with context.begin_transaction():
        context.run_migrations()


def _online() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        _run(given)
        return
    engine = settings.engine
    if engine is None:
        msg = "Airflow's database engine is not configured: run migrations through `airflow db migrate`"
        raise RuntimeError(msg)
    with engine.connect() as connection:
        _run(connection)


def _offline() -> None:
    context.configure(url=settings.SQL_ALCHEMY_CONN, literal_binds=True, **_options)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    _offline()
else:
    _online()
