"""Queries on the outbox, and on what has become due without anybody asking."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import JSON, select, type_coerce, update

from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.states import EXPIRING_RELEASE_STATES, GateState, NotificationState
from airflow_release_plugin.models import Gate, Notification, Release

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def put(session: Session, notification: Notification) -> None:
    """Put a notification into the outbox."""
    session.add(notification)


def next_due(session: Session, now: datetime) -> Notification | None:
    """
    What is to be sent next; ``None`` when nothing is due.

    Those that were tried least come first, so that a notifier that hangs does not hold up the others.
    """
    query = (
        select(Notification)
        .where(Notification.state == NotificationState.PENDING, Notification.next_attempt_at <= now)
        .order_by(Notification.attempts, Notification.id)
        .limit(1)
    )
    return session.scalars(query).one_or_none()


def notification(session: Session, notification_id: int) -> Notification | None:
    """A notification by id."""
    return session.get(Notification, notification_id)


def replace_words(session: Session, comment_id: int, words: str) -> None:
    """
    Say ``words`` in each message that repeats what a comment says, whatever became of it.

    Row versions stay: whoever sends one at this moment has what it said, and can write down that it went out.
    """
    is_about = type_coerce(Notification.notice, JSON)["comment_id"].as_integer() == comment_id
    query = select(Notification).where(Notification.event == NotificationEvent.MENTIONED, is_about)
    for row in session.scalars(query):
        changed = update(Notification).where(Notification.id == row.id)
        session.execute(changed.values(notice={**row.notice, "reason": words}))


def unsent(session: Session, subject_type: str, subject_id: int) -> list[Notification]:
    """What was tried and did not go out so far about one thing, oldest first."""
    query = (
        select(Notification)
        .where(
            Notification.subject_type == subject_type,
            Notification.subject_id == subject_id,
            Notification.state != NotificationState.SENT,
            Notification.error != "",
        )
        .order_by(Notification.id)
        .limit(100)
    )
    return list(session.scalars(query))


def expired_release_ids(session: Session, now: datetime) -> list[int]:
    """Releases whose window is over and where that is not written down yet, oldest first."""
    query = (
        select(Release.id)
        .where(Release.state.in_(EXPIRING_RELEASE_STATES), Release.expires_at <= now)
        .order_by(Release.expires_at)
        .limit(100)
    )
    return list(session.scalars(query))


def expired_gate_ids(session: Session, now: datetime) -> list[int]:
    """The same for gates."""
    query = (
        select(Gate.id)
        .where(Gate.state == GateState.OPEN, Gate.expires_at <= now)
        .order_by(Gate.expires_at)
        .limit(100)
    )
    return list(session.scalars(query))
