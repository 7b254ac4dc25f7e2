"""Queries on imports that are applied, or about to be."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select

from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.models import Import

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def by_bundle(session: Session, bundle_id: str) -> Import | None:
    """The import that applied a bundle."""
    query = select(Import).where(Import.applied_bundle_id == bundle_id, Import.state == ImportState.APPLIED)
    return session.scalars(query).one_or_none()


def with_bundle(session: Session, bundle_id: str) -> Import | None:
    """The import that applied a bundle, or is about to."""
    return session.scalars(select(Import).where(Import.applied_bundle_id == bundle_id)).one_or_none()


def by_id(session: Session, ids: Collection[int]) -> dict[int, Import]:
    """Imports by id."""
    return {row.id: row for row in session.scalars(select(Import).where(Import.id.in_(list(ids))))}


def next_to_apply(session: Session, lost_before: datetime) -> Import | None:
    """
    The oldest one that nobody applies, or whose server gave no sign since ``lost_before``.

    One that a server holds locked is being applied, however long that takes.
    """
    is_free = or_(Import.beat_at.is_(None), Import.beat_at < lost_before)
    query = (
        select(Import)
        .where(and_(Import.state == ImportState.APPLYING, is_free))
        .order_by(Import.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return session.scalars(query).one_or_none()
