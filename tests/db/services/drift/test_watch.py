"""The guard looks by itself: what it finds is known, told once, and on record; so is its end (R77)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.states import NotificationState
from airflow_release_plugin.exceptions import NotAllowedError, NotFoundError
from airflow_release_plugin.models import Notification
from airflow_release_plugin.services.drift import drift
from airflow_release_plugin.services.drift import watch as drift_watch
from airflow_release_plugin.services.notifications import delivery, outbox
from airflow_release_plugin.services.server import startup
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, PIPELINE, World, steps_of, with_settings
from tests.harness.manual_edits import through_the_link

pytestmark = pytest.mark.req("R77", "R40")
NOTIFIERS = (
    '[{"notifier": "airflow.providers.smtp.notifications.smtp.SmtpNotifier", "kwargs": {"to": "a@b"}}]'
)


class Meanwhile(Event):
    """What happens between the two looks."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act = act

    def wait(self, timeout: float | None = None) -> bool:
        self._act()
        return self.is_set()


def watch(world: World, meanwhile: Callable[[], object] = lambda: None) -> bool:
    return drift_watch.run_once(interval=600, work=steps_of(world), stop=Meanwhile(meanwhile))


def told(world: World) -> list[str]:
    rows = world.ctx.session.scalars(select(Notification).order_by(Notification.id))
    return [row.event.value for row in rows if row.subject_type == "environment"]


def edit(served: Path, text: str = "rows = 2\n") -> None:
    through_the_link(served / "shop/load.py", text)


def test_an_edit_is_found_and_no_round_after_it_adds_to_the_trail(
    world: World, served: Path, clock: FrozenClock
) -> None:
    edit(served)
    for _ in range(3):
        assert watch(world)
        clock.advance(minutes=10)

    (event,) = world.trail(EventTag.ENVIRONMENT_VERIFIED)
    assert (event.actor_name, event.data["total"]) == ("system", 1)
    assert drift.is_alarmed(world.ctx, "prod")
    (look,) = drift.looks(world.ctx, "prod")
    assert (clock() - look.looked_at).total_seconds() == 600
    assert (clock() - look.changed_at).total_seconds() == 1800


def test_its_end_is_found_as_well(world: World, served: Path, clock: FrozenClock) -> None:
    edit(served)
    watch(world)
    clock.advance(minutes=10)
    edit(served, "rows = 1\n")
    watch(world)

    assert [event.data["total"] for event in world.trail(EventTag.ENVIRONMENT_VERIFIED)] == [0, 1]
    assert not drift.is_alarmed(world.ctx, "prod")


def test_what_is_gone_at_the_second_look_was_nothing(world: World, served: Path) -> None:
    edit(served)

    assert watch(world, meanwhile=lambda: edit(served, "rows = 1\n"))
    assert world.trail(EventTag.ENVIRONMENT_VERIFIED) == []


def test_the_servers_of_one_machine_take_turns(world: World, served: Path, clock: FrozenClock) -> None:
    assert watch(world)
    assert not watch(world)

    clock.advance(minutes=6)
    assert watch(world)


def test_an_installation_without_a_target_has_nothing_to_guard(world: World, served: Path) -> None:
    assert not watch(with_settings(world, role="source"))


def test_a_server_that_stops_says_nothing_new(world: World, served: Path) -> None:
    edit(served)
    stopping = Event()
    stopping.set()

    assert not drift_watch.run_once(interval=600, work=steps_of(world), stop=stopping)
    assert not drift.is_alarmed(world.ctx, "prod")


def test_it_is_switched_off_by_its_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {task.name: task.pause for task in startup.periodic_tasks()}["drift"] == 600

    monkeypatch.setenv("AIRFLOW__RELEASE__DRIFT_INTERVAL", "0")
    assert {task.name: task.pause for task in startup.periodic_tasks()}["drift"] == 0


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_new_drift_and_its_end_are_told_once(world: World, served: Path, clock: FrozenClock) -> None:
    world = with_settings(world, drift_notifiers=NOTIFIERS, base_url="https://airflow.example.org")
    edit(served)
    for text in ("rows = 2\n", "rows = 2\n", "rows = 1\n", "rows = 1\n"):
        edit(served, text)
        watch(world)
        clock.advance(minutes=10)

    assert told(world) == ["drifted", "drift_ended"]
    notice = world.ctx.session.scalars(select(Notification)).first().notice  # type: ignore[union-attr]
    assert notice["summary"].startswith("prod runs what was not approved, found on ")
    assert notice["reason"].endswith("shop/load.py is not as it was released")
    assert notice["url"] == "https://airflow.example.org/release/ui/environment/"


def test_machines_that_find_the_same_tell_it_once(
    world: World, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = with_settings(world, drift_notifiers=NOTIFIERS)
    world.twin.machine = None
    world.move_by_hand()
    for host in ("one", "two"):
        monkeypatch.setattr("socket.gethostname", lambda host=host: host)
        watch(world)
    assert [look.total for look in drift.looks(world.ctx, "prod")] == [2, 2]
    assert told(world) == ["drifted"]

    drift.repair(world.ctx, actor=ADMIN, name="prod")
    assert told(world) == ["drifted"]
    monkeypatch.setattr("socket.gethostname", lambda: "one")
    drift.verify(world.ctx, actor=ADMIN, name="prod")
    assert told(world) == ["drifted", "drift_ended"]


def test_notifiers_are_chosen_by_event(world: World, served: Path) -> None:
    only_the_end = NOTIFIERS.replace("}}]", '}, "events": ["drift_ended"]}]')
    edit(served)
    watch(with_settings(world, drift_notifiers=only_the_end))

    assert told(world) == []


@pytest.mark.parametrize("text", ["[{", "{}", '[{"notifier": "x.Y", "events": ["released"]}]'])
def test_notifiers_that_make_no_sense_are_logged_and_a_problem_of_the_settings(
    world: World, served: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    world = with_settings(world, drift_notifiers=text)
    edit(served)
    with caplog.at_level(logging.ERROR):
        watch(world)

    assert "drift_notifiers tells nobody" in caplog.text
    assert drift.is_alarmed(world.ctx, "prod")
    assert world.ctx.settings.problems() == ["drift_notifiers"]


def test_a_notification_that_was_given_up_is_shown_to_admins_and_sent_again(
    world: World, served: Path
) -> None:
    world = with_settings(world, drift_notifiers=NOTIFIERS)
    edit(served)
    watch(world)
    row = world.ctx.session.scalars(select(Notification)).one()
    delivery.give_up(world.ctx, row, delivery.DeliveryProblem("SMTPError", "no route"))

    (shown,) = outbox.unsent(world.ctx, actor=ADMIN, subject=None).items
    assert shown.error == "SMTPError: no route"
    assert outbox.unsent(world.ctx, actor=DEV, subject=None).items == []
    assert len(world.trail(EventTag.NOTIFICATION_FAILED)) == 1
    assert outbox.try_again(world.ctx, actor=ADMIN, notification_id=row.id).state is NotificationState.PENDING


def test_a_machine_that_is_gone_is_forgotten_by_an_admin(
    world: World, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "gone")
    edit(served)
    watch(world)

    for actor in (DEV, PIPELINE):
        with pytest.raises(NotAllowedError):
            drift.forget(world.ctx, actor=actor, name="prod", host="gone")
    drift.forget(world.ctx, actor=ADMIN, name="prod", host="gone")

    assert not drift.is_alarmed(world.ctx, "prod")
    (event,) = world.trail(EventTag.ENVIRONMENT_MACHINE_FORGOTTEN)
    assert event.data == {"host": "gone", "total": 1}
    with pytest.raises(NotFoundError, match="Reload the page"):
        drift.forget(world.ctx, actor=ADMIN, name="prod", host="gone")
