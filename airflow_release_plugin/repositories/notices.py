"""Queries on what people are told in person."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import JSON, func, insert, select, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite

from airflow_release_plugin.domain.flow.notice import NoticeWay
from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.models import Notice, NoticeChoice
from airflow_release_plugin.repositories.pages import Page, fetch_page

if TYPE_CHECKING:
    from sqlalchemy import CursorResult
    from sqlalchemy.orm import Session

MOST_COUNTED = 100
"""Unread ones are counted up to here: nobody needs to know more, on every page."""
_IS_UNREAD = Notice.read_at.is_(None)


def notices(session: Session, person_id: str, *, unread_only: bool, limit: int, offset: int) -> Page[Notice]:
    """What a person was told, the newest first."""
    query = select(Notice).where(Notice.person_id == person_id).order_by(Notice.id.desc())
    if unread_only:
        query = query.where(_IS_UNREAD)
    return fetch_page(session, query, limit=limit, offset=offset)


def count_unread(session: Session, person_id: str) -> int:
    """How many a person has not read, at most :data:`MOST_COUNTED`."""
    unread = select(Notice.id).where(Notice.person_id == person_id, _IS_UNREAD).limit(MOST_COUNTED)
    return session.scalar(select(func.count()).select_from(unread.subquery())) or 0


def add(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write notices in one statement; each row has the columns of :class:`Notice`."""
    if rows:
        session.execute(insert(Notice), list(rows))


def replace_words(session: Session, comment_id: int, words: str) -> None:
    """Say ``words`` in each notice that repeats what a comment says."""
    is_about = type_coerce(Notice.facts, JSON)["comment_id"].as_integer() == comment_id
    query = select(Notice).where(Notice.event == NotificationEvent.MENTIONED, is_about)
    for row in session.scalars(query):
        row.facts = {**row.facts, "reason": words}


def mark_read(session: Session, person_id: str, now: datetime, ids: Collection[int] | None) -> None:
    """Write down that a person read those of ``ids`` that are theirs, or all of theirs."""
    query = update(Notice).where(Notice.person_id == person_id, _IS_UNREAD).values(read_at=now)
    session.execute(query if ids is None else query.where(Notice.id.in_(list(ids))))


def ways(
    session: Session, person_ids: Collection[str], event: NotificationEvent | None = None
) -> dict[tuple[str, NotificationEvent], NoticeWay]:
    """What people chose, by person and kind of event."""
    query = select(NoticeChoice.person_id, NoticeChoice.event, NoticeChoice.way)
    query = query.where(NoticeChoice.person_id.in_(list(person_ids)))
    if event is not None:
        query = query.where(NoticeChoice.event == event)
    return {(row.person_id, row.event): row.way for row in session.execute(query)}


def choose(session: Session, person_id: str, chosen: Mapping[NotificationEvent, NoticeWay]) -> None:
    """Keep what a person chose for some kinds of events, in one statement."""
    if not chosen:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    table: Any = NoticeChoice.__table__
    # By kind, so that two of them at once never wait for each other crosswise.
    rows = [
        {"person_id": person_id, "event": event, "way": way}
        for event, way in sorted(chosen.items(), key=lambda pair: pair[0].value)
    ]
    statement: Any = dialect.insert(table).values(rows)
    statement = statement.on_conflict_do_update(
        index_elements=["person_id", "event"], set_={"way": statement.excluded.way}
    )
    session.execute(statement)


def due_in_digest(session: Session, before: datetime, limit: int) -> list[Notice]:
    """What waits for a digest since before a moment, the oldest first."""
    query = (
        select(Notice)
        .where(Notice.in_next_digest, Notice.made_at < before)
        .order_by(Notice.id)
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(query))


def take_into_digest(session: Session, ids: Collection[int]) -> bool:
    """Let notices wait no more; say whether all of them still did, so that nobody else took one."""
    query = (
        update(Notice)
        .where(Notice.id.in_(list(ids)), Notice.in_next_digest)
        .values(in_next_digest=False)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", session.execute(query)).rowcount == len(ids)
