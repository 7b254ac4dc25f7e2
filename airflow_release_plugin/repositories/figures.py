"""How much there is of what waits, as numbers: one query for each, whatever the number of rows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, or_, select

from airflow_release_plugin.domain.states import (
    OPEN_RELEASE_STATES,
    ApprovalState,
    NotificationState,
    ReleaseState,
    SubmissionState,
)
from airflow_release_plugin.models import Approval, MachineLook, Notification, Release, Submission

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Figure(NamedTuple):
    """How many there are, and since when the oldest of them waits."""

    number: int = 0
    since: datetime | None = None

    def age(self, now: datetime) -> float:
        """Seconds that the oldest one has waited; 0 for none."""
        return max(0.0, (now - self.since).total_seconds()) if self.since else 0.0


def open_releases(session: Session, now: datetime) -> dict[ReleaseState, Figure]:
    """Releases under way; one whose window is over is none of them, whether or not that is written down."""
    query = (
        select(Release.state, func.count(), func.min(Release.state_since))
        .where(Release.state.in_(list(OPEN_RELEASE_STATES)))
        .where(or_(Release.expires_at.is_(None), Release.expires_at > now))
        .group_by(Release.state)
    )
    return {state: Figure(number, since) for state, number, since in session.execute(query)}


def approved_releases(session: Session, now: datetime) -> dict[int, datetime]:
    """Releases that are approved and not over, each with since when."""
    query = (
        select(Release.id, Release.state_since)
        .where(Release.state == ReleaseState.APPROVED)
        .where(or_(Release.expires_at.is_(None), Release.expires_at > now))
    )
    return {row.id: row.state_since for row in session.execute(query)}


def open_approvals(session: Session, now: datetime) -> dict[str, Figure]:
    """Approvals that people may still decide, by what they are of: ``release``, ``gate``."""
    query = (
        select(Approval.subject_type, func.count(), func.min(Approval.opened_at))
        .where(Approval.state == ApprovalState.OPEN, Approval.expires_at > now)
        .group_by(Approval.subject_type)
    )
    return {subject: Figure(number, since) for subject, number, since in session.execute(query)}


def candidates(session: Session) -> int:
    """Versions in the to-be-released list."""
    query = select(func.count()).select_from(Submission).where(Submission.state == SubmissionState.PENDING)
    return session.scalar(query) or 0


def unsent(session: Session) -> dict[NotificationState, int]:
    """Notifications that are to be sent, or were given up."""
    query = (
        select(Notification.state, func.count())
        .where(Notification.state.in_([NotificationState.PENDING, NotificationState.FAILED]))
        .group_by(Notification.state)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def drift(session: Session, environment: str) -> int:
    """Findings of all machines."""
    query = select(func.sum(MachineLook.total)).where(MachineLook.environment == environment)
    return int(session.scalar(query) or 0)
