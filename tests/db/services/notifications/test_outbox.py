"""Notifications that did not go out: who sees them, and sending them again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import NotificationState
from airflow_release_plugin.exceptions import ConflictError, NotAllowedError, NotFoundError
from airflow_release_plugin.models import Notification, Release
from airflow_release_plugin.services.notifications import outbox
from airflow_release_plugin.services.runtime import audit
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, PIPELINE, REVIEWER, World
from tests.harness.outbox import SMTP

pytestmark = pytest.mark.req("R40")


def told(world: World, release: Release, state: NotificationState, error: str = "") -> Notification:
    """A notification of the release that has come so far."""
    now = world.ctx.clock()
    row = Notification(
        event=NotificationEvent.REQUESTED,
        subject_type="release",
        subject_id=release.id,
        notifier_json={"notifier": SMTP},
        notice={},
        state=state,
        attempts=5,
        error=error,
        next_attempt_at=now + timedelta(minutes=5),
        made_at=now,
    )
    world.ctx.session.add(row)
    world.ctx.session.flush()
    return row


@pytest.fixture
def release(world: World) -> Release:
    return world.waiting(world.dag("etl"))


def seen(world: World, release: Release, actor: Actor) -> list[str]:
    return [row.error for row in outbox.unsent(world.ctx, actor=actor, subject=release).items]


@pytest.mark.parametrize(
    ("actor", "errors"),
    [
        (ADMIN, ["Timeout: mail.bank.example is slow", "Crash: exit 1"]),
        (DEV, ["Timeout", "Crash"]),
        (DEV2, []),
        (REVIEWER, []),
        (PIPELINE, []),
    ],
    ids=lambda value: value.name if isinstance(value, Actor) else "",
)
def test_what_did_not_go_out_is_for_who_asked_and_for_admins(
    world: World, release: Release, actor: Actor, errors: list[str]
) -> None:
    told(world, release, NotificationState.FAILED, "Timeout: mail.bank.example is slow")
    told(world, release, NotificationState.PENDING, "Crash: exit 1")
    told(world, release, NotificationState.PENDING)
    told(world, release, NotificationState.SENT)
    told(world, world.waiting(world.dag("other")), NotificationState.FAILED, "Timeout: another")

    assert seen(world, release, actor) == errors


def test_an_admin_has_it_sent_again_and_the_trail_tells(
    world: World, release: Release, clock: FrozenClock
) -> None:
    row = told(world, release, NotificationState.FAILED, "Timeout: slow")
    clock.advance(hours=1)

    outbox.try_again(world.ctx, actor=ADMIN, notification_id=row.id)

    assert (row.state, row.attempts, row.next_attempt_at) == (NotificationState.PENDING, 0, clock.now)
    event = audit.list_events(world.ctx, actor=ADMIN, limit=1000).items[-1]
    assert (event.tag, event.actor_name, event.subject) == (
        EventTag.NOTIFICATION_RETRIED,
        "admin",
        f"release:{release.id}",
    )


@pytest.mark.parametrize("actor", [DEV, REVIEWER, PIPELINE], ids=lambda actor: actor.name)
def test_nobody_else_sends_it_again(world: World, release: Release, actor: Actor) -> None:
    row = told(world, release, NotificationState.FAILED, "Timeout: slow")

    with pytest.raises(NotAllowedError, match="Ask a release admin"):
        outbox.try_again(world.ctx, actor=actor, notification_id=row.id)
    assert row.state is NotificationState.FAILED


@pytest.mark.parametrize("state", [NotificationState.PENDING, NotificationState.SENT])
def test_only_what_was_given_up_is_sent_again(
    world: World, release: Release, state: NotificationState
) -> None:
    row = told(world, release, state)

    with pytest.raises(ConflictError, match="only one that was given up"):
        outbox.try_again(world.ctx, actor=ADMIN, notification_id=row.id)
    with pytest.raises(NotFoundError):
        outbox.try_again(world.ctx, actor=ADMIN, notification_id=row.id + 1)
