"""Queries on claims of tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_release_plugin.domain.tasks import TaskKey, TaskRole
from airflow_release_plugin.models import TaskClaim

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def of_task(session: Session, task: TaskKey) -> TaskClaim | None:
    """The claim of one try, locked for a change."""
    query = select(TaskClaim).filter_by(**task.to_dict()).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def of_role(session: Session, release_id: int, attempt: int, role: TaskRole) -> TaskClaim | None:
    """The latest claim of a task of this role in an attempt."""
    query = select(TaskClaim).filter_by(release_id=release_id, attempt=attempt, role=role)
    return session.scalars(query.order_by(TaskClaim.claimed_at.desc(), TaskClaim.id.desc()).limit(1)).first()


def with_id(session: Session, claim_id: int) -> TaskClaim | None:
    """A claim by its id."""
    return session.get(TaskClaim, claim_id)
