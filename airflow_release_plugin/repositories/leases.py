"""Queries on leases."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_release_plugin.models import Lease

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def lease(session: Session, name: str) -> Lease | None:
    """A lease, locked; ``None`` while nobody ever had it."""
    query = (
        select(Lease).where(Lease.name == name).with_for_update().execution_options(populate_existing=True)
    )
    return session.scalars(query).one_or_none()


def first(session: Session, name: str, holder: str, until: datetime) -> Lease:
    """A lease that nobody ever had. Raises ``IntegrityError`` when somebody is faster."""
    row = Lease(name=name, holder=holder, until=until, notes={})
    session.add(row)
    # Two first ones at once: the second insert fails here, before anything was done.
    session.flush()
    return row
