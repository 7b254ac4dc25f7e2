"""Queries for what the store needs: where everything that is needed begins, and what is old beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, union

from airflow_release_plugin.domain.states import OPEN_RELEASE_STATES, RETRYABLE_RELEASE_STATES
from airflow_release_plugin.models import (
    BranchHead,
    DiscussionThread,
    Environment,
    Import,
    Release,
    Report,
    Snapshot,
    StoredObject,
    StoredRef,
    Submission,
)
from airflow_release_plugin.repositories import old_snapshots

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_ROWS = 10_000
_NAMED = (
    BranchHead.commit,
    Environment.recorded_commit,
    Import.commit_id,
    Release.base_commit,
    Release.target_commit,
    Report.base_commit,
    Submission.commit_id,
)
"""Commits that records name. A run is pinned to one of the first, whatever became of the branch since."""


def ref_commits(session: Session, loose_before: datetime) -> Iterable[str]:
    """Commits of all refs, but for those that :func:`old_snapshots.loose_refs` has."""
    query = select(StoredRef.commit).distinct().where(~old_snapshots.loose_refs(loose_before))
    return session.scalars(query.execution_options(yield_per=_ROWS))


def named_commits(session: Session) -> Iterable[str]:
    """Commits that records name; not each need be there."""
    query = union(*(select(column).where(column.is_not(None)) for column in _NAMED))
    return session.scalars(query.execution_options(yield_per=_ROWS))


def named_trees(session: Session) -> Iterable[str]:
    """Trees of snapshots."""
    return session.scalars(select(Snapshot.tree_id).distinct())


def named_blobs(session: Session) -> Iterator[str]:
    """Contents that people talk about, and that releases bring which may yet go out."""
    yield from session.scalars(select(DiscussionThread.blob).distinct())
    states = OPEN_RELEASE_STATES | RETRYABLE_RELEASE_STATES
    query = select(Release.changes_json).where(Release.state.in_(states))
    for changes in session.scalars(query.execution_options(yield_per=100)):
        yield from (change["blob"] for change in changes if change["blob"])


def old_objects(session: Session, after: str, before: datetime) -> list[str]:
    """Ids of objects written before a moment, in their order, some thousands behind ``after``."""
    query = select(StoredObject.id).where(StoredObject.id > after, StoredObject.written_at < before)
    return list(session.scalars(query.order_by(StoredObject.id).limit(_ROWS)))


def size(session: Session, ids: Collection[str]) -> int:
    """Bytes that objects take."""
    query = select(func.sum(func.length(StoredObject.data))).where(StoredObject.id.in_(ids))
    return int(session.scalar(query) or 0)


def remove(session: Session, ids: Collection[str], before: datetime) -> tuple[int, int]:
    """Remove those of the objects that are still old and that nobody holds; how many, and their bytes."""
    query = select(StoredObject.id).where(StoredObject.id.in_(ids), StoredObject.written_at < before)
    free: Any = session.scalars(query.order_by(StoredObject.id).with_for_update(skip_locked=True)).all()
    freed = size(session, free)
    session.execute(
        delete(StoredObject).where(StoredObject.id.in_(free)),
        execution_options={"synchronize_session": False},
    )
    return len(free), freed
