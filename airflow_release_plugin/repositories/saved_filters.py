"""Queries on saved filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_release_plugin.domain.list_pages import ListPage
from airflow_release_plugin.models import SavedFilter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def of_actor(session: Session, actor_id: str, page: ListPage) -> list[SavedFilter]:
    """Filters of somebody for a list, by name."""
    query = select(SavedFilter).where(SavedFilter.actor_id == actor_id, SavedFilter.page == page)
    return list(session.scalars(query.order_by(SavedFilter.name)))


def saved_filter(session: Session, filter_id: int) -> SavedFilter | None:
    """A filter by id."""
    return session.get(SavedFilter, filter_id)
