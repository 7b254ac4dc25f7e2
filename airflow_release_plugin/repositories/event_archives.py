"""Queries on parts of the audit trail that go into files, or went there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import CursorResult, delete, func, select

from airflow_release_plugin.models import Event, EventArchive

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Span(NamedTuple):
    """Events that follow one another, both ends included."""

    first: int
    last: int

    @property
    def number(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


def archives(session: Session) -> Sequence[EventArchive]:
    """What went into files, in the order of the trail."""
    return session.scalars(select(EventArchive).order_by(EventArchive.first_sequence)).all()


def newest(session: Session) -> EventArchive | None:
    """The file that has the newest of the events that went."""
    query = select(EventArchive).order_by(EventArchive.last_sequence.desc()).limit(1)
    return session.scalars(query.execution_options(populate_existing=True)).first()


def since(session: Session, moment: datetime) -> Sequence[EventArchive]:
    """Files with events of a moment and later."""
    query = select(EventArchive).where(EventArchive.last_at >= moment)
    return session.scalars(query.order_by(EventArchive.first_sequence)).all()


def oldest_event(session: Session) -> tuple[int, datetime] | None:
    """Number and time of the first event that is here."""
    row = session.execute(select(Event.sequence, Event.time).order_by(Event.sequence).limit(1)).first()
    return None if row is None else (row.sequence, row.time)


def events_before(session: Session, moment: datetime) -> Span | None:
    """Events from the first that is here to the last before any of that moment or later."""
    first = oldest_event(session)
    # Before the other question: what comes meanwhile is later than the moment, and is found by that
    newest_number = session.scalar(select(func.max(Event.sequence)))
    if first is None or newest_number is None or first[1] >= moment:
        return None
    later = session.scalar(select(func.min(Event.sequence)).where(Event.time >= moment))
    return Span(first[0], newest_number if later is None else later - 1)


def remove_events(session: Session, span: Span, limit: int) -> int:
    """Remove up to ``limit`` events, from the first on; return how many there were."""
    last = min(span.last, span.first + limit - 1)
    statement = delete(Event).where(Event.sequence.between(span.first, last))
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount
