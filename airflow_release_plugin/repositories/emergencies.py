"""Queries on broken glass."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, case, not_, or_, select

from airflow_release_plugin.domain.states import EmergencyState
from airflow_release_plugin.models import Emergency, Release
from airflow_release_plugin.repositories.pages import Page, fetch_page
from airflow_release_plugin.repositories.release_lists import ReleaseScope, seen

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


def emergencies(
    session: Session,
    scope: ReleaseScope,
    state: EmergencyState | None,
    *,
    now: datetime,
    limit: int,
    offset: int,
) -> Page[Emergency]:
    """Those of releases in scope: to be reviewed first, then to be confirmed, then the rest, newest first."""
    states = _states(now)
    place = case((states[EmergencyState.TO_REVIEW], 0), (states[EmergencyState.ASKED], 1), else_=2)
    query = select(Emergency).order_by(place, Emergency.id.desc())
    if state is not None:
        query = query.where(states[state])
    if scope.unit_ids is not None:
        query = query.join(Release, Release.id == Emergency.release_id).where(seen(session, scope))
    return fetch_page(session, query, limit=limit, offset=offset)


def _states(now: datetime) -> dict[EmergencyState, ColumnElement[bool]]:
    """SQL twin of :meth:`Emergency.state`."""
    is_open, is_unbroken = Emergency.reviewed_at.is_(None), Emergency.broken_at.is_(None)
    is_over = and_(Emergency.confirm_until.is_not(None), Emergency.confirm_until <= now)
    return {
        EmergencyState.REVIEWED: Emergency.reviewed_at.is_not(None),
        EmergencyState.TO_REVIEW: and_(is_open, Emergency.broken_at.is_not(None)),
        EmergencyState.LAPSED: and_(is_open, is_unbroken, is_over),
        EmergencyState.ASKED: and_(is_open, is_unbroken, not_(is_over)),
    }
