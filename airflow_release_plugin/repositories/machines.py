"""Queries on what machines found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_release_plugin.models import MachineLook

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def looks(session: Session, environment: str, *, lock: bool = False) -> list[MachineLook]:
    """What each machine found last, by its name."""
    query = select(MachineLook).where(MachineLook.environment == environment).order_by(MachineLook.host)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return list(session.scalars(query))


def is_alarmed(session: Session, environment: str) -> bool:
    """Whether a machine found something that is not known to be gone."""
    query = select(MachineLook.host).where(MachineLook.environment == environment, MachineLook.total > 0)
    return session.scalar(query.limit(1)) is not None
