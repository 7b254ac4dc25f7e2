"""Queries on what pages remember for a user."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_release_plugin.models import Preference

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def preference(session: Session, actor_id: str, page: str) -> Preference | None:
    """What a page remembers for a user."""
    return session.get(Preference, (actor_id, page))


def queries(session: Session, actor_ids: Collection[str], page: str) -> dict[str, str]:
    """What a page remembers for several users, by their ids; those for whom it does are in it."""
    wanted = select(Preference.actor_id, Preference.query).where(
        Preference.actor_id.in_(actor_ids), Preference.page == page
    )
    return {row.actor_id: row.query for row in session.execute(wanted)}
