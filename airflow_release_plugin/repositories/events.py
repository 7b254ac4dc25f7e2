"""Queries on the audit trail."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from airflow_release_plugin.domain.events import GENESIS
from airflow_release_plugin.models import Event, EventHead
from airflow_release_plugin.repositories.pages import Page, count, fetch_page

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

HEAD_ID = 1


def lock_head(session: Session) -> EventHead:
    """The end of the chain, locked until the transaction ends; made on first use."""
    if session.get_bind().dialect.name == "sqlite":
        # It has no FOR UPDATE. A write that changes nothing takes its one lock, before the head is read: else
        # two would go on from one head, and the second be told of a conflict where there is none.
        same = update(EventHead).where(EventHead.id == HEAD_ID).values(id=HEAD_ID)
        session.execute(same.execution_options(synchronize_session=False))
    query = select(EventHead).where(EventHead.id == HEAD_ID).with_for_update()
    head = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if head is None:
        head = EventHead(id=HEAD_ID, sequence=0, hash=GENESIS)
        session.add(head)
    return head


def last_sequence(session: Session) -> int:
    """The number of the last event; 0 without any."""
    return session.scalar(select(EventHead.sequence).where(EventHead.id == HEAD_ID)) or 0


def list_events(session: Session, *, after: int = 0, limit: int = 100, offset: int = 0) -> Page[Event]:
    """Events of the whole trail with a sequence number above ``after``, in order."""
    query = select(Event).where(Event.sequence > after).order_by(Event.sequence)
    return fetch_page(session, query, limit=limit, offset=offset)


def events_of(session: Session, subject: str, *, limit: int = 100, offset: int = 0) -> Page[Event]:
    """Events that tell of one subject, in order."""
    query = select(Event).where(Event.subject == subject).order_by(Event.sequence)
    return fetch_page(session, query, limit=limit, offset=offset)


def following(session: Session, after: int, limit: int) -> list[Event]:
    """Events above a number in order; nothing is counted."""
    query = select(Event).where(Event.sequence > after).order_by(Event.sequence).limit(limit)
    return list(session.scalars(query))


def newest_events(session: Session, subject: str, *, before: int = 0, limit: int) -> list[Event]:
    """
    Events that tell of one subject, the newest first.

    :param before: only those with a lower sequence number; 0 for all
    """
    query = select(Event).where(Event.subject == subject).order_by(Event.sequence.desc())
    if before:
        query = query.where(Event.sequence < before)
    return list(session.scalars(query.limit(limit)))


def newest_of_many(session: Session, subjects: Collection[str], *, limit: int) -> list[Event]:
    """Events that tell of any of ``subjects``, the newest first."""
    # By the bare column the database would walk the whole trail back until it has met enough of them.
    order = (Event.sequence + 0).desc()
    return list(
        session.scalars(select(Event).where(Event.subject.in_(subjects)).order_by(order).limit(limit))
    )


def count_events(session: Session, subject: str) -> int:
    """How many events tell of one subject."""
    return count(session, select(Event.sequence).where(Event.subject == subject))
