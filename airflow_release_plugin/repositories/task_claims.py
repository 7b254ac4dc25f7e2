"""Queries on claims of tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_release_plugin.domain.tasks import TaskKey
from airflow_release_plugin.models import TaskClaim

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def of_task(session: Session, task: TaskKey) -> TaskClaim | None:
    """The claim of one try, locked for a change."""
    query = select(TaskClaim).filter_by(**task.to_dict()).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def with_id(session: Session, claim_id: int) -> TaskClaim | None:
    """A claim by its id."""
    return session.get(TaskClaim, claim_id)
