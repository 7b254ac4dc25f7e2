"""Queries on comments and threads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import Select, func, select, update

from airflow_release_plugin.domain.states import ReleaseState, ThreadState
from airflow_release_plugin.models import Comment, DiscussionThread, Release, ReleaseItem
from airflow_release_plugin.repositories.pages import count

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def thread(session: Session, release_id: int, thread_id: int) -> DiscussionThread | None:
    """A thread of a release, as it is at this moment; whoever changes it holds the lock on its release."""
    query = select(DiscussionThread).where(
        DiscussionThread.id == thread_id, DiscussionThread.release_id == release_id
    )
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def comment(session: Session, release_id: int, comment_id: int) -> Comment | None:
    """A comment on a release or in one of its threads, likewise."""
    query = select(Comment).where(Comment.id == comment_id, Comment.release_id == release_id)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def threads(session: Session, release_id: int) -> list[DiscussionThread]:
    """All threads of a release, oldest first."""
    query = select(DiscussionThread).where(DiscussionThread.release_id == release_id)
    return list(session.scalars(query.order_by(DiscussionThread.id)))


def talked_about(session: Session, unit_ids: Collection[int], states: Collection[ReleaseState]) -> list[int]:
    """Ids of releases of these units, in these states, with threads that are not resolved; ascending."""
    query = _unresolved_of_units(unit_ids, states).with_only_columns(DiscussionThread.release_id)
    return sorted(set(session.scalars(query)))


def left_unresolved(
    session: Session, unit_ids: Collection[int], states: Collection[ReleaseState], paths: Collection[str]
) -> list[DiscussionThread]:
    """Threads of these releases that are not resolved, on these files."""
    query = _unresolved_of_units(unit_ids, states).order_by(DiscussionThread.id)
    rows = session.scalars(query.execution_options(populate_existing=True))
    return [row for row in rows if row.path in paths]


def _unresolved_of_units(
    unit_ids: Collection[int], states: Collection[ReleaseState]
) -> Select[DiscussionThread]:
    of_units = select(ReleaseItem.release_id).where(ReleaseItem.unit_id.in_(list(unit_ids)))
    ended = select(Release.id).where(Release.id.in_(of_units), Release.state.in_(list(states)))
    return select(DiscussionThread).where(
        DiscussionThread.state == ThreadState.UNRESOLVED, DiscussionThread.release_id.in_(ended)
    )


def move_threads(session: Session, ids: Collection[int], release_id: int) -> None:
    """Let threads and what was said in them be about another release."""
    wanted = list(ids)
    for row in session.scalars(select(DiscussionThread).where(DiscussionThread.id.in_(wanted))):
        row.release_id = release_id
    said = update(Comment).where(Comment.thread_id.in_(wanted)).values(release_id=release_id)
    session.execute(said, execution_options={"synchronize_session": "fetch"})


def threads_by_id(session: Session, release_ids: Collection[int]) -> dict[int, DiscussionThread]:
    """All threads of these releases by id."""
    query = select(DiscussionThread).where(DiscussionThread.release_id.in_(list(release_ids)))
    return {row.id: row for row in session.scalars(query)}


def comments(session: Session, release_ids: Collection[int]) -> dict[int, list[Comment]]:
    """All comments by release, those in threads included, oldest first, each with what it said before."""
    query = select(Comment).where(Comment.release_id.in_(list(release_ids))).order_by(Comment.id)
    found: dict[int, list[Comment]] = defaultdict(list)
    for row in session.scalars(query):
        found[row.release_id].append(row)
    return found


def comment_count(session: Session, release_id: int) -> int:
    """How many comments a release has, deleted ones included."""
    return count(session, select(Comment.id).where(Comment.release_id == release_id))


def words_left(session: Session, thread_id: int) -> int:
    """How many comments of a thread are not deleted."""
    return count(
        session, select(Comment.id).where(Comment.thread_id == thread_id, Comment.deleted_at.is_(None))
    )


def first_unresolved(session: Session, release_id: int) -> int | None:
    """Id of the oldest thread of a release that is not resolved."""
    query = select(func.min(DiscussionThread.id)).where(
        DiscussionThread.release_id == release_id, DiscussionThread.state == ThreadState.UNRESOLVED
    )
    return session.scalar(query)


def unresolved(session: Session, release_id: int) -> int:
    """How many threads of a release are not resolved."""
    query = select(func.count()).where(
        DiscussionThread.release_id == release_id, DiscussionThread.state == ThreadState.UNRESOLVED
    )
    return session.scalar(query) or 0
