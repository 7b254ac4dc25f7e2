"""Notifications that did not go out: who may see them, and sending them again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import NotificationState
from airflow_release_plugin.exceptions import ConflictError, NotAllowedError, NotFoundError
from airflow_release_plugin.models import Gate, Notification, Release
from airflow_release_plugin.repositories import notifications as queries
from airflow_release_plugin.services.drift import alarms
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class Unsent:
    """
    A notification that did not go out so far.

    :param error: what the notifier said, without secrets that Airflow knows of; its kind only for people who
        do not administer releases
    :param next_attempt_at: ``None`` when it was given up
    """

    id: int
    event: NotificationEvent
    notifier: str
    attempts: int
    error: str
    next_attempt_at: datetime | None


@dataclass(frozen=True)
class UnsentNotifications:
    """What did not go out about one thing, as ``actor`` sees it."""

    items: list[Unsent]
    may_retry: bool


def unsent(ctx: Context, *, actor: Actor, subject: Release | Gate | None) -> UnsentNotifications:
    """
    What did not go out about a release or gate: for who requested it and for admins; one query.

    :param subject: ``None`` for what the drift guard had to tell
    """
    is_admin = access.is_admin(ctx, actor)
    if not is_admin and (subject is None or actor.id != subject.requested_by_id):
        return UnsentNotifications([], may_retry=False)
    kind = "release" if isinstance(subject, Release) else "gate" if subject else alarms.SUBJECT
    rows = queries.unsent(ctx.session, kind, subject.id if subject else 0)
    return UnsentNotifications([_unsent(row, whole=is_admin) for row in rows], may_retry=is_admin)


def _unsent(row: Notification, *, whole: bool) -> Unsent:
    return Unsent(
        id=row.id,
        event=row.event,
        notifier=row.notifier_json["notifier"],
        attempts=row.attempts,
        error=row.error if whole else row.error.partition(":")[0],
        next_attempt_at=row.next_attempt_at if row.state is NotificationState.PENDING else None,
    )


def try_again(ctx: Context, *, actor: Actor, notification_id: int) -> Notification:
    """
    Put a notification that was given up back into the outbox, with all of its attempts.

    :raises NotAllowedError: the actor does not administer releases
    :raises ConflictError: it was not given up
    """
    if not access.is_admin(ctx, actor):
        raise NotAllowedError(
            "%(actor)r may not send notifications again. Ask a release admin.", actor=actor.name
        )
    row = queries.notification(ctx.session, notification_id)
    if row is None:
        raise NotFoundError(
            "There is no notification %(notification_id)s. Reload the page.", notification_id=notification_id
        )
    if row.state is not NotificationState.FAILED:
        raise ConflictError(
            "%(subject)s is %(state)r; only one that was given up is sent again. Reload it.",
            subject=row.subject,
            state=row.state.value,
        )
    row.move_to(NotificationState.PENDING)
    row.attempts = 0
    row.next_attempt_at = ctx.clock()
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.NOTIFICATION_RETRIED,
        subject=row.about,
        notification=row.id,
        event=row.event.value,
        notifier=row.notifier_json["notifier"],
    )
    return row
