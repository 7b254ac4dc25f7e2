"""Queries on machines that follow an environment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from airflow_release_plugin.domain.release.machines import KEPT, MOST, MachineSign
from airflow_release_plugin.models import Follower

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_TOUCH = timedelta(seconds=30)
"""A sign that says nothing new is not written down again so soon."""


def note(session: Session, environment: str, sign: MachineSign, now: datetime) -> None:
    """Write down a sign of life that is news, and forget machines that gave none for long."""
    here = Follower.environment == environment
    if _is_known(session, environment, sign, now):
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    table: Any = Follower.__table__
    values = {"serves": sign.serves, "pause": sign.pause, "heard_at": now}
    insert: Any = dialect.insert(table).values(environment=environment, host=sign.host, **values)
    session.execute(insert.on_conflict_do_update(index_elements=["environment", "host"], set_=values))
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


def _is_known(session: Session, environment: str, sign: MachineSign, now: datetime) -> bool:
    """Whether the same was written down a moment ago; only read, since some ask every few seconds."""
    query = select(Follower.host).where(
        Follower.environment == environment,
        Follower.host == sign.host,
        Follower.serves == sign.serves,
        Follower.pause == sign.pause,
        Follower.heard_at > now - _TOUCH,
        Follower.heard_at <= now,
    )
    return session.scalar(query) is not None


def quiet(session: Session, environment: str, *, since: datetime, until: datetime) -> list[Follower]:
    """Machines that were heard from last between these moments, by name."""
    query = select(Follower).where(
        Follower.environment == environment, Follower.heard_at > since, Follower.heard_at < until
    )
    fresh = query.order_by(Follower.host).execution_options(populate_existing=True)
    return list(session.scalars(fresh))
