"""Queries on what pages remember for a user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.models import Preference

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def preference(session: Session, actor_id: str, page: str) -> Preference | None:
    """What a page remembers for a user."""
    return session.get(Preference, (actor_id, page))
