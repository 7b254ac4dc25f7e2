"""Queries on the pieces of bundle files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, delete, insert, select

from airflow_release_plugin.models import FileChunk
from airflow_release_plugin.models.file_chunk import TransferKind

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def add(session: Session, kind: TransferKind, transfer_id: int, position: int, data: bytes) -> None:
    """Add a piece. It is sent at once, so that only one is in memory."""
    row = {"kind": kind, "transfer_id": transfer_id, "position": position, "size": len(data), "data": data}
    session.execute(insert(FileChunk.__table__), [row])  # type: ignore[arg-type]


def size(session: Session, kind: TransferKind, transfer_id: int) -> int:
    """Bytes that are here of a file."""
    query = select(FileChunk.position + FileChunk.size).where(*_of(kind, transfer_id))
    return session.scalar(query.order_by(FileChunk.position.desc()).limit(1)) or 0


def containing(
    session: Session, kind: TransferKind, transfer_id: int, position: int
) -> tuple[int, bytes] | None:
    """The piece with a byte, and where it begins; ``None`` if the byte is not here."""
    query = select(FileChunk.position, FileChunk.size, FileChunk.data).where(
        *_of(kind, transfer_id), FileChunk.position <= position
    )
    row = session.execute(query.order_by(FileChunk.position.desc()).limit(1)).one_or_none()
    return (row[0], row[2]) if row is not None and position < row[0] + row[1] else None


def remove(session: Session, kind: TransferKind, transfer_id: int) -> None:
    """Remove the file of an export or import."""
    session.execute(delete(FileChunk.__table__).where(*_of(kind, transfer_id)))  # type: ignore[arg-type]


def _of(kind: TransferKind, transfer_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return FileChunk.kind == kind, FileChunk.transfer_id == transfer_id
