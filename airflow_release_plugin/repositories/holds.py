"""Queries on holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_release_plugin.models import Hold

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def hold(session: Session, environment: str) -> Hold | None:
    """The hold of an environment as it is stored now, also one whose end has come."""
    query = select(Hold).where(Hold.environment == environment)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def holds(session: Session) -> dict[str, Hold]:
    """All of them, by environment."""
    return {row.environment: row for row in session.scalars(select(Hold))}
