"""Queries on flows, their revisions, and deputies."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from airflow_release_plugin.models.flow import Deputy, Flow, FlowRevision

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def flows(session: Session) -> list[Flow]:
    """All flows, the one that is tried first in front."""
    return list(session.scalars(select(Flow).order_by(Flow.priority, Flow.id)))


def flow(session: Session, flow_id: int, *, lock: bool = False) -> Flow | None:
    """A flow by id."""
    query = select(Flow).where(Flow.id == flow_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def locked_flows(session: Session, flow_ids: Collection[int]) -> list[Flow]:
    """Those of these flows that exist, locked in the order of their ids."""
    query = select(Flow).where(Flow.id.in_(list(flow_ids))).order_by(Flow.id)
    return list(session.scalars(query.with_for_update().execution_options(populate_existing=True)))


def flow_by_name(session: Session, name: str) -> Flow | None:
    """A flow by name."""
    return session.scalars(select(Flow).where(Flow.name == name)).one_or_none()


def last_priority(session: Session) -> int:
    """The priority of the flow that is tried last; 0 when there is none."""
    return session.scalar(select(func.max(Flow.priority))) or 0


def last_flow_id(session: Session) -> int:
    """The highest id that a flow ever had, deleted ones included; 0 when there was none."""
    return session.scalar(select(func.max(FlowRevision.flow_id))) or 0


def revisions(session: Session, flow_id: int) -> list[FlowRevision]:
    """Revisions of a flow, newest first."""
    query = select(FlowRevision).where(FlowRevision.flow_id == flow_id)
    return list(session.scalars(query.order_by(FlowRevision.revision.desc())))


def deputies(session: Session) -> list[Deputy]:
    """All deputies, latest end first."""
    return list(session.scalars(select(Deputy).order_by(Deputy.ends_at.desc(), Deputy.id)))


def active_deputies(
    session: Session, now: datetime, deputy_ids: Collection[str] | None = None
) -> list[Deputy]:
    """Who may take whose place at ``now``."""
    query = select(Deputy).where(Deputy.starts_at <= now, Deputy.ends_at > now)
    if deputy_ids is not None:
        query = query.where(Deputy.deputy_id.in_(list(deputy_ids)))
    return list(session.scalars(query))


def deputy(session: Session, deputy_row_id: int) -> Deputy | None:
    """One deputy row by id."""
    return session.get(Deputy, deputy_row_id)
