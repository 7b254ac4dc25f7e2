"""Queries on broken glass."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from airflow_release_plugin.models import Emergency

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MOST_OPEN = 200
"""Open ones that are looked at together, the oldest first."""


def emergency(session: Session, emergency_id: int) -> Emergency | None:
    """One by id, as it is stored now."""
    query = select(Emergency).where(Emergency.id == emergency_id)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def unconfirmed(session: Session, approval_id: int, now: datetime) -> Emergency | None:
    """The one of an approval that a second person may still confirm."""
    query = (
        select(Emergency)
        .where(
            Emergency.approval_id == approval_id,
            Emergency.broken_at.is_(None),
            Emergency.confirm_until > now,
        )
        .order_by(Emergency.id.desc())
        .limit(1)
    )
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def of_release(session: Session, release_id: int) -> list[Emergency]:
    """Those of a release, oldest first."""
    query = select(Emergency).where(Emergency.release_id == release_id).order_by(Emergency.id)
    return list(session.scalars(query))


def open_ones(session: Session, now: datetime) -> list[Emergency]:
    """Those that wait for a second person, or for the review afterwards, oldest first."""
    query = (
        select(Emergency)
        .where(
            Emergency.reviewed_at.is_(None),
            or_(Emergency.broken_at.is_not(None), Emergency.confirm_until > now),
        )
        .order_by(Emergency.id)
        .limit(MOST_OPEN)
    )
    return list(session.scalars(query))
