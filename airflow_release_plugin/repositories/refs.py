"""Queries on refs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ColumnElement, CursorResult, bindparam, exists, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from airflow_release_plugin.models import BranchHead, StoredRef

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

_COMMIT_OF = select(StoredRef.commit).where(StoredRef.name == bindparam("name"))
"""Made once: to make it costs as much as to send it."""


def commit_of(session: Session, name: str) -> str | None:
    """Commit that a ref points at."""
    return session.scalar(select(StoredRef.commit).where(StoredRef.name == name))


def read_commit_of(connection: Connection, name: str) -> str | None:
    """The same without a session."""
    found: str | None = connection.execute(_COMMIT_OF, {"name": name}).scalar()
    return found


def with_prefix(session: Session, prefix: str) -> dict[str, str]:
    """Commits by name of the refs that start with ``prefix``, sorted."""
    query = select(StoredRef.name, StoredRef.commit).where(_starts_with(prefix)).order_by(StoredRef.name)
    return {row[0]: row[1] for row in session.execute(query)}


def clashing(session: Session, name: str, folders: Collection[str]) -> bool:
    """Whether a ref is named like one of ``folders``, or lies below ``name``."""
    return session.scalar(select(_clash(name, folders))) is True


def create(session: Session, name: str, commit: str, now: datetime, *, folders: Collection[str]) -> bool:
    """Make a ref; ``False`` if there is one of that name, or :func:`clashing` is true."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    table: Any = StoredRef.__table__
    columns = (table.c.name, table.c.commit, table.c.version, table.c.moved_at)
    row = (literal(value, column.type) for value, column in zip((name, commit, 1, now), columns, strict=True))
    statement: Any = dialect.insert(table).from_select(columns, select(*row).where(~_clash(name, folders)))
    return _changed(session, statement.on_conflict_do_nothing(index_elements=["name"]))


def move(session: Session, name: str, *, expected: str, new: str, now: datetime) -> bool:
    """Move a ref; ``False`` if it is not where it was expected. Holds it until the transaction ends."""
    statement = (
        update(StoredRef)
        .where(StoredRef.name == name, StoredRef.commit == expected)
        .values(commit=new, version=StoredRef.version + 1, moved_at=now)
        .execution_options(synchronize_session=False)
    )
    return _changed(session, statement)


def note_heads(session: Session, commits: Collection[str], now: datetime) -> None:
    """Remember commits that a branch pointed at; those that are known stay as they are."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    table: Any = BranchHead.__table__
    statement: Any = dialect.insert(table).on_conflict_do_nothing(index_elements=["commit"])
    session.execute(statement, [{"commit": commit, "first_at": now} for commit in sorted(commits)])


def was_head(session: Session, commit: str) -> bool:
    """Whether a branch points at a commit, or once did."""
    return session.scalar(select(BranchHead.commit).where(BranchHead.commit == commit)) is not None


def _clash(name: str, folders: Collection[str]) -> ColumnElement[bool]:
    return exists().where(or_(StoredRef.name.in_(folders), _starts_with(f"{name}/")))


def _starts_with(prefix: str) -> ColumnElement[bool]:
    # A range, which an index answers; "\U0010ffff" sorts behind all that can follow
    return (StoredRef.name >= prefix) & (StoredRef.name < f"{prefix}\U0010ffff")


def _changed(session: Session, statement: Any) -> bool:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount == 1
