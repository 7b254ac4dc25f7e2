"""Queries on the mirror."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_release_plugin.models import MirrorRecord

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def mirror(session: Session, *, lock: bool = False) -> MirrorRecord | None:
    """What was seen of the mirror last; ``None`` before the first look."""
    query = select(MirrorRecord).where(MirrorRecord.id == 1)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()
