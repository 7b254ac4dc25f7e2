"""Queries on what reviewers have ticked off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_release_plugin.models import ViewedFile

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def of_reader(session: Session, actor_id: str, release_id: int) -> frozenset[str]:
    """What the reader has ticked off in a release, as :attr:`ViewedFile.content`."""
    query = select(ViewedFile.content).where(
        ViewedFile.release_id == release_id, ViewedFile.actor_id == actor_id
    )
    return frozenset(session.scalars(query))


def viewed_file(session: Session, actor_id: str, release_id: int, content: str) -> ViewedFile | None:
    """The tick of one change."""
    return session.get(ViewedFile, (release_id, actor_id, content))
