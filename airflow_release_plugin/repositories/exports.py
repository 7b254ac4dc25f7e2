"""Queries on exports and on who we are in bundles."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, case, literal, or_, select
from sqlalchemy.orm import defer

from airflow_release_plugin.domain.states import ExportState
from airflow_release_plugin.models import Export, Installation
from airflow_release_plugin.repositories.pages import Page, fetch_page

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from sqlalchemy.sql.base import ExecutableOption


def _without_choice() -> ExecutableOption:
    """Of thousands of DAGs it is large, and a sign of life does not need it; imports configure no mapper."""
    return defer(Export.options)


def effective_state(now: datetime) -> ColumnElement[ExportState]:
    """SQL twin of :meth:`Export.effective_state`."""
    is_over = and_(Export.state == ExportState.READY, Export.expires_at <= now)
    return case((is_over, literal(ExportState.EXPIRED, Export.state.type)), else_=Export.state)


def installation(session: Session) -> Installation | None:
    """Who we are, once somebody asked."""
    return session.get(Installation, 1)


def export(session: Session, export_id: int, *, lock: bool = False) -> Export | None:
    """An export by id; who locks it has what was chosen loaded only when asking for it."""
    query = select(Export).where(Export.id == export_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True).options(_without_choice())
    return session.scalars(query).one_or_none()


def by_bundle(session: Session, bundle_id: str) -> Export | None:
    """The export that made a bundle."""
    return session.scalars(select(Export).where(Export.bundle_id == bundle_id)).one_or_none()


def list_exports(
    session: Session, *, requested_by: str | None = None, limit: int = 50, offset: int = 0
) -> Page[Export]:
    """Exports, newest first; ``requested_by=None`` means everybody's."""
    query = select(Export).order_by(Export.id.desc())
    if requested_by is not None:
        query = query.where(Export.requested_by_id == requested_by)
    return fetch_page(session, query, limit=limit, offset=offset)


def states(session: Session, ids: Collection[int], now: datetime) -> dict[int, ExportState]:
    """Effective states by id."""
    query = select(Export.id, effective_state(now)).where(Export.id.in_(list(ids)))
    return {row[0]: row[1] for row in session.execute(query)}


def next_to_make(session: Session, lost_before: datetime) -> Export | None:
    """The oldest one that waits, or whose server gave no sign since ``lost_before``."""
    is_lost = and_(
        Export.state == ExportState.RUNNING, or_(Export.beat_at.is_(None), Export.beat_at < lost_before)
    )
    query = (
        select(Export)
        .options(_without_choice())
        .where(or_(Export.state == ExportState.QUEUED, is_lost))
        .order_by(Export.id)
        .limit(1)
    )
    return session.scalars(query).one_or_none()


def over(session: Session, now: datetime) -> list[Export]:
    """Exports whose file is kept no longer."""
    query = select(Export).where(Export.state == ExportState.READY, Export.expires_at <= now)
    return list(session.scalars(query))
