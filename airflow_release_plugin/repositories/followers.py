"""Queries on machines that follow an environment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from airflow_release_plugin.domain.release.machines import KEPT, MOST, MachineSign
from airflow_release_plugin.models import Follower

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_TOUCH = timedelta(seconds=30)
"""A sign that says nothing new is not written down again so soon."""


def note(session: Session, environment: str, sign: MachineSign, now: datetime) -> None:
    """Write down a sign of life, and forget machines that gave none for long."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    table: Any = Follower.__table__
    values = {"serves": sign.serves, "pause": sign.pause, "heard_at": now}
    insert: Any = dialect.insert(table).values(environment=environment, host=sign.host, **values)
    is_news = or_(table.c.serves != sign.serves, table.c.pause != sign.pause, table.c.heard_at < now - _TOUCH)
    session.execute(
        insert.on_conflict_do_update(index_elements=["environment", "host"], set_=values, where=is_news)
    )
    here = Follower.environment == environment
    session.execute(
        delete(Follower).where(here, Follower.heard_at < now - KEPT),
        execution_options={"synchronize_session": False},
    )
    if (session.scalar(select(func.count()).select_from(Follower).where(here)) or 0) > MOST:
        newest = select(Follower.host).where(here).order_by(Follower.heard_at.desc()).limit(MOST)
        session.execute(
            delete(Follower).where(here, Follower.host.not_in(newest)),
            execution_options={"synchronize_session": False},
        )


def quiet(session: Session, environment: str, *, since: datetime, until: datetime) -> list[Follower]:
    """Machines that were heard from last between these moments, by name."""
    query = select(Follower).where(
        Follower.environment == environment, Follower.heard_at > since, Follower.heard_at < until
    )
    return list(session.scalars(query.order_by(Follower.host)))
