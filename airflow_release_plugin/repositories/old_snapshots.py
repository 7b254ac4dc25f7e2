"""Queries on snapshots that are needed no more, and on the refs that keep their trees."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import aliased

from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.models import Snapshot, StoredRef, Submission

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

REFS = "refs/snapshots/"
_IN_USE = (SubmissionState.PENDING, SubmissionState.IN_RELEASE, SubmissionState.RELEASED)
_UNSYNCHRONISED = {"synchronize_session": False}


def may_go(before: datetime) -> ColumnElement[bool]:
    """
    Old snapshots that no version names which is new, waits, is in an open release or in the target.

    One stays, too, that a version names which comes back when the submission of a waiting one is undone.
    """
    newer = aliased(Submission)
    comes_back = and_(
        Submission.state == SubmissionState.SUPERSEDED,
        exists().where(newer.id == Submission.superseded_by_id, newer.state == SubmissionState.PENDING),
    )
    is_needed = or_(Submission.submitted_at >= before, Submission.state.in_(_IN_USE), comes_back)
    return and_(Snapshot.taken_at < before, ~exists().where(Submission.snapshot_id == Snapshot.id, is_needed))


def count(session: Session, before: datetime) -> int:
    """How many may go."""
    return session.scalar(select(func.count()).select_from(Snapshot).where(may_go(before))) or 0


def remove(session: Session, before: datetime, limit: int, now: datetime) -> int:
    """
    Remove up to ``limit`` snapshots; return how many. Their versions forget them, their refs stay for now.

    Whoever has noted one with a version holds it, and it is passed over; whoever comes later is told by the
    foreign key that it is gone.
    """
    free = select(Snapshot.id).where(may_go(before)).order_by(Snapshot.id).limit(limit)
    held = session.scalars(free.with_for_update(skip_locked=True)).all()
    # Looked at once more: somebody may have used it until it was locked
    rows = session.execute(
        select(Snapshot.id, Snapshot.tree_id).where(Snapshot.id.in_(held), may_go(before))
    ).all()
    ids = [row.id for row in rows]
    if not ids:
        return 0
    forget = update(Submission).where(Submission.snapshot_id.in_(ids), Submission.state.not_in(_IN_USE))
    session.execute(
        forget.values(snapshot_id=None, snapshot_gone=True, row_version=Submission.row_version + 1),
        execution_options=_UNSYNCHRONISED,
    )
    session.execute(delete(Snapshot).where(Snapshot.id.in_(ids)), execution_options=_UNSYNCHRONISED)
    names = sorted({f"{REFS}{row.tree_id}" for row in rows})
    kept = update(StoredRef).where(StoredRef.name.in_(names))
    session.execute(kept.values(moved_at=now), execution_options=_UNSYNCHRONISED)
    return len(ids)


def loose_refs(before: datetime) -> ColumnElement[bool]:
    """Refs that keep the tree of no snapshot, and were not touched since."""
    is_one = (StoredRef.name >= REFS) & (StoredRef.name < f"{REFS}\U0010ffff")
    tree = func.substr(StoredRef.name, len(REFS) + 1)
    return and_(is_one, StoredRef.moved_at < before, ~exists().where(Snapshot.tree_id == tree))


def remove_refs(session: Session, before: datetime, limit: int) -> int:
    """Remove up to ``limit`` loose refs; return how many."""
    some = select(StoredRef.name).where(loose_refs(before)).limit(limit).correlate(None)
    statement = delete(StoredRef).where(loose_refs(before), StoredRef.name.in_(some))
    return cast("CursorResult[Any]", session.execute(statement, execution_options=_UNSYNCHRONISED)).rowcount


def trees(session: Session) -> Collection[str]:
    """The tree of each snapshot."""
    return session.scalars(select(Snapshot.tree_id).distinct()).all()
