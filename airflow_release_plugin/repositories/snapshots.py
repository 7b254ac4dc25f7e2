"""Queries on snapshots."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm.attributes import set_committed_value

from airflow_release_plugin.models import Snapshot, Submission

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def by_digest(session: Session, source: str, digest: str) -> Snapshot | None:
    """The snapshot of a source with that digest."""
    return session.scalars(
        select(Snapshot).where(Snapshot.source == source, Snapshot.digest == digest)
    ).one_or_none()


def tree_ids(session: Session, snapshot_ids: Collection[int]) -> dict[int, str]:
    """Tree of each snapshot by its id; one query."""
    if not snapshot_ids:
        return {}
    query = select(Snapshot.id, Snapshot.tree_id).where(Snapshot.id.in_(snapshot_ids))
    return {row.id: row.tree_id for row in session.execute(query)}


def is_stored(session: Session, source: str, digest: str) -> bool:
    """Whether there is a snapshot of a source with that digest."""
    query = select(Snapshot.id).where(Snapshot.source == source, Snapshot.digest == digest)
    return session.scalar(query) is not None


def create(session: Session, values: dict[str, Any]) -> None:
    """Add a snapshot, unless somebody else adds the same one."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    table: Any = Snapshot.__table__
    statement: Any = dialect.insert(table).values(**values)
    session.execute(statement.on_conflict_do_nothing(index_elements=["source", "digest"]))


def give(session: Session, snapshot: Snapshot, submissions: Collection[Submission]) -> None:
    """Note that these versions, which the session made, were copied from this snapshot; one statement."""
    ids = [submission.id for submission in submissions]
    session.execute(
        update(Submission).where(Submission.id.in_(ids)).values(snapshot_id=snapshot.id),
        execution_options={"synchronize_session": False},
    )
    for submission in submissions:
        set_committed_value(submission, "snapshot_id", snapshot.id)
        set_committed_value(submission, "snapshot", snapshot)
