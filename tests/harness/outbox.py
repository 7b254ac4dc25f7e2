"""A flow that tells somebody, and what waits to be told."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from airflow_release_plugin.models import Notification
from airflow_release_plugin.services.approvals import flow_admin
from tests.harness.context import ADMIN, World

SMTP = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"
NOTIFIER = {"notifier": SMTP, "kwargs": {"to": "team@example.org", "subject": "{{ notice.summary }}"}}


def configure(world: World, *notifiers: dict[str, Any], kind: str = "promotion", **options: Any) -> None:
    """A flow for everything whose one step the reviewer decides."""
    raw = {
        "name": f"Told {kind}",
        "kind": kind,
        "levels": [{"name": "One", "steps": [{"name": "Reviewers", "roles": ["op"]}]}],
        "notifiers": list(notifiers or [NOTIFIER]),
        **options,
    }
    flow_admin.create(world.ctx, actor=ADMIN, raw=raw)


def outbox(world: World) -> list[Notification]:
    return list(world.ctx.session.scalars(select(Notification).order_by(Notification.id)))


def told(world: World) -> list[str]:
    return [row.event.value for row in outbox(world)]
