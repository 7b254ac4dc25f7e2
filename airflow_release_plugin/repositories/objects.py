"""
Queries on git objects: one statement for each batch, whatever its length.

Ids travel as one parameter: ``id_sets``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from airflow_release_plugin.models import StoredObject
from airflow_release_plugin.repositories.id_sets import is_one_of, is_postgresql

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_IDS = 20_000
"""Ids in one statement: less than a megabyte."""
_TOUCH = timedelta(hours=1)
"""An object that is written again is marked as needed again, but no more often than this."""


@dataclass(frozen=True)
class NewObject:
    """An object to be stored; ``data`` is compressed already."""

    id: str
    kind: str
    size: int
    data: bytes
    parent: str | None


def load(session: Session, ids: Collection[str], kind: str) -> Iterator[tuple[str, bytes]]:
    """``(id, compressed data)`` of the objects of a kind that exist."""
    query = select(StoredObject.id, StoredObject.data).where(StoredObject.kind == kind)
    for condition in _among(session, ids):
        yield from ((row[0], row[1]) for row in session.execute(query.where(condition)))


def sizes(session: Session, blobs: Collection[str]) -> dict[str, int]:
    """Bytes of the blobs that exist."""
    query = select(StoredObject.id, StoredObject.size).where(StoredObject.kind == "blob")
    rows = (row for condition in _among(session, blobs) for row in session.execute(query.where(condition)))
    return {row[0]: row[1] for row in rows}


def existing(session: Session, ids: Collection[str], kind: str) -> set[str]:
    """Ids of the objects of a kind that exist."""
    query = select(StoredObject.id).where(StoredObject.kind == kind)
    return {row for condition in _among(session, ids) for row in session.scalars(query.where(condition))}


def written_before(session: Session, ids: Collection[str], before: datetime) -> set[str]:
    """Those of the objects that were written last before a moment."""
    query = select(StoredObject.id).where(StoredObject.written_at < before)
    return {row for condition in _among(session, ids) for row in session.scalars(query.where(condition))}


def mark_written(session: Session, ids: Collection[str], now: datetime) -> int:
    """Mark objects as written just now; return how many there are."""
    total = 0
    for condition in _among(session, sorted(ids)):
        # Locked in the order of their ids, as they are written: two never wait for each other crosswise
        query = select(StoredObject.id).where(condition).order_by(StoredObject.id).with_for_update()
        total += len(session.scalars(query).all())
        statement = update(StoredObject).where(condition).values(written_at=now)
        session.execute(statement, execution_options={"synchronize_session": False})
    return total


def chain(session: Session, commit: str, limit: int) -> list[tuple[str, bytes]]:
    """``(id, compressed data)`` of a commit and its first parents, newest first, in one query."""
    columns = (StoredObject.id, StoredObject.parent, StoredObject.data)
    newest = select(*columns, literal(1).label("depth")).where(
        StoredObject.id == commit, StoredObject.kind == "commit"
    )
    line = newest.cte("line", recursive=True)
    older = (
        select(*columns, line.c.depth + 1)
        .join(line, StoredObject.id == line.c.parent)
        .where(line.c.depth < limit, StoredObject.kind == "commit")
    )
    line = line.union_all(older)
    rows = session.execute(select(line.c.id, line.c.data).order_by(line.c.depth))
    return [(row[0], row[1]) for row in rows]


def add(session: Session, objects: Iterable[NewObject], now: datetime) -> None:
    """
    Store objects, in the order of their ids so that two writers never wait for each other crosswise.

    One that is there keeps its content; it is marked as written just now, for whoever clears out what is old.
    """
    rows = [
        {
            "id": each.id,
            "type": each.kind,
            "size": each.size,
            "data": each.data,
            "parent": each.parent,
            "written_at": now,
        }
        for each in sorted(objects, key=lambda each: each.id)
    ]
    if not rows:
        return
    table: Any = StoredObject.__table__
    statement: Any = (postgresql if is_postgresql(session) else sqlite).insert(table)
    statement = statement.on_conflict_do_update(
        index_elements=["id"],
        set_={"written_at": statement.excluded.written_at},
        where=table.c.written_at < now - _TOUCH,
    )
    session.execute(statement, rows)


def _among(session: Session, ids: Collection[str]) -> Iterator[ColumnElement[bool]]:
    """Conditions that together select ``ids``."""
    wanted = list(ids)
    for start in range(0, len(wanted), _IDS):
        yield is_one_of(session, StoredObject.id, wanted[start : start + _IDS])
