"""Queries on imports and on what is remembered of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import defer
from sqlalchemy.orm.attributes import flag_modified

from airflow_release_plugin.domain.states import WAITING_IMPORT_STATES, ImportState
from airflow_release_plugin.models import Import, NameMapping
from airflow_release_plugin.repositories.pages import Page, fetch_page

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WITH_FILE = (ImportState.UPLOADING, ImportState.UPLOADED, ImportState.CHECKED, ImportState.APPLYING)
"""States in which the bundle file is needed."""
_WHOLE = (*WAITING_IMPORT_STATES, ImportState.APPLYING, ImportState.APPLIED)


def get(session: Session, import_id: int, *, lock: bool = False) -> Import | None:
    """An import by id."""
    query = select(Import).where(Import.id == import_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def hold(session: Session, row: Import) -> None:
    """Let nobody else change the row before this transaction ends, on databases without row locks too."""
    flag_modified(row, "received")
    # The write locks the row (SQLite: the database), and finds out whether somebody else was faster.
    session.flush()


def list_imports(
    session: Session, *, ids: Collection[int] | None = None, limit: int = 50, offset: int = 0
) -> Page[Import]:
    """Imports, newest first, without their manifests; ``ids=None`` means all."""
    query = select(Import).options(defer(Import.manifest)).order_by(Import.id.desc())
    if ids is not None:
        query = query.where(Import.id.in_(list(ids)))
    return fetch_page(session, query, limit=limit, offset=offset)


def waiting(session: Session) -> list[Import]:
    """Imports that somebody has to decide on, oldest first, without their manifests."""
    query = select(Import).options(defer(Import.manifest)).where(Import.state.in_(WAITING_IMPORT_STATES))
    return list(session.scalars(query.order_by(Import.id)))


def count_waiting(session: Session) -> int:
    """How many imports somebody has to decide on."""
    return session.scalar(select(func.count()).where(Import.state.in_(WAITING_IMPORT_STATES))) or 0


def dag_ids(session: Session) -> dict[int, list[str]]:
    """Ids of the DAGs of each import, by its id."""
    return {row[0]: row[1] for row in session.execute(select(Import.id, Import.dag_ids))}


def same_file(session: Session, sha256: str, size: int, uploaded_by: str) -> Import | None:
    """An import of the same file that did not fail: whole, or begun by the same person."""
    query = (
        select(Import)
        .where(
            Import.file_sha256 == sha256,
            Import.file_size == size,
            Import.state.in_(_WHOLE)
            | ((Import.state == ImportState.UPLOADING) & (Import.uploaded_by_id == uploaded_by)),
        )
        .order_by(Import.id.desc())
        .limit(1)
    )
    return session.scalars(query).one_or_none()


def states(session: Session, ids: Collection[int]) -> dict[int, ImportState]:
    """States by id."""
    query = select(Import.id, Import.state).where(Import.id.in_(list(ids)))
    return {row[0]: row[1] for row in session.execute(query)}


def abandoned(session: Session, before: datetime) -> list[Import]:
    """Uploads to which nothing has come since ``before``."""
    last_sign = func.coalesce(Import.beat_at, Import.uploaded_at)
    query = select(Import).where(Import.state == ImportState.UPLOADING, last_sign < before)
    return list(session.scalars(query))


def over(session: Session, now: datetime) -> list[Import]:
    """Imports that nobody applied while their bundle was valid."""
    query = select(Import).where(Import.state.in_(WAITING_IMPORT_STATES), Import.expires_at <= now)
    return list(session.scalars(query))


def name_mappings(session: Session, source_uid: str) -> list[NameMapping]:
    """What names of another installation are called here."""
    return list(session.scalars(select(NameMapping).where(NameMapping.source_uid == source_uid)))


def places(session: Session) -> dict[str, dict[str, str]]:
    """Where imports put the DAG file of each unit: by its id, path there by path here, the latest last."""
    query = select(Import.placed).where(Import.state == ImportState.APPLIED).order_by(Import.id)
    found: dict[str, dict[str, str]] = {}
    for placed in session.scalars(query):
        for unit, path in placed.items():
            known = found.setdefault(unit, {})
            known.pop(path["here"], None)
            known[path["here"]] = path["there"]
    return found
