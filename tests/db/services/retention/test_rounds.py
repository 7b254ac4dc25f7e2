"""When an API server removes what is kept no longer."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from airflow_release_plugin.domain.states import NotificationState
from airflow_release_plugin.models import Notification
from airflow_release_plugin.services.retention import rounds
from airflow_release_plugin.services.server import startup
from tests.db.services.retention.test_rules import notification
from tests.harness.clock import FrozenClock
from tests.harness.context import World, steps_of

pytestmark = pytest.mark.req("R93")
DAY = 86400.0


def look(world: World, by: str = "a:1") -> bool:
    done = rounds.run_once(interval=DAY, work=steps_of(world), by=by)
    world.ctx.session.commit()
    return done


def left(world: World) -> int:
    return world.ctx.session.scalar(select(func.count()).select_from(Notification)) or 0


def test_a_round_is_made_once_an_interval_by_one_server(world: World, clock: FrozenClock) -> None:
    assert (look(world), look(world), look(world, by="b:2")) == (True, False, False)
    notification(world, NotificationState.SENT)
    clock.advance(hours=23)
    assert not look(world, by="b:2")
    clock.advance(hours=1)

    assert (look(world, by="b:2"), look(world)) == (True, False)
    assert left(world) == 1


def test_it_removes_what_the_settings_say(world: World, clock: FrozenClock) -> None:
    notification(world, NotificationState.SENT)
    clock.advance(days=181)

    assert look(world)

    assert left(world) == 0


def test_it_is_switched_off_by_its_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {task.name: task.pause for task in startup.periodic_tasks()}["retention"] == 600

    monkeypatch.setenv("AIRFLOW__RELEASE__CLEAN_INTERVAL", "0")
    assert {task.name: task.pause for task in startup.periodic_tasks()}["retention"] == 0
