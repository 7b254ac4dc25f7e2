"""Messages in the outbox: which notifiers a setting names, and a row for each that wants an event."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow_release_plugin.domain.flow.notification import NotificationEvent, read_notifiers, wants
from airflow_release_plugin.domain.states import NotificationState
from airflow_release_plugin.models import Notification
from airflow_release_plugin.repositories import notifications as outbox
from airflow_release_plugin.services.runtime.context import Context

log = logging.getLogger(__name__)


def configured(ctx: Context, setting: str, events: Sequence[NotificationEvent]) -> list[dict[str, Any]]:
    """The notifiers of a setting; what is wrong there is logged, and stands in nobody's way."""
    notifiers, problems = read_notifiers(getattr(ctx.settings, setting), events)
    for problem in problems:
        log.error("[release] %s tells nobody anything: %s", setting, problem)
    return notifiers


def put(
    ctx: Context,
    notifiers: Iterable[Mapping[str, Any]],
    event: NotificationEvent,
    *,
    subject_type: str,
    subject_id: int,
    notice: Mapping[str, Any],
) -> None:
    """
    Put one row for each notifier that wants ``event`` into the outbox, with what it is about.

    :param notice: what templates can use: no code, no secrets
    """
    for notifier in notifiers:
        if wants(notifier, event):
            outbox.put(
                ctx.session,
                Notification(
                    event=event,
                    subject_type=subject_type,
                    subject_id=subject_id,
                    notifier_json=dict(notifier),
                    notice=dict(notice),
                    state=NotificationState.PENDING,
                    next_attempt_at=ctx.clock(),
                    made_at=ctx.clock(),
                ),
            )
