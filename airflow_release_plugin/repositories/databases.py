"""Which databases can hold our tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.messages import Message

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SUPPORTED = frozenset({"postgresql", "sqlite"})


def why_unsupported(session: Session) -> str:
    """Why a database cannot hold our tables, and what to do; empty if it can."""
    dialect = session.get_bind().dialect.name
    if dialect in SUPPORTED:
        return ""
    if dialect in {"mysql", "mariadb"}:
        return Message(
            "Airflow Release cannot work on %(dialect)s: there, times lose the fractions that the audit "
            "trail is chained by, and names that differ only in case are one. Use PostgreSQL (or SQLite, to "
            "try it) as Airflow's metadata database, or uninstall airflow-release-plugin.",
            dialect=dialect,
        )
    return Message(
        "Airflow Release cannot work on %(dialect)s. Use PostgreSQL (or SQLite, to try it) as Airflow's "
        "metadata database, or uninstall airflow-release-plugin.",
        dialect=dialect,
    )
