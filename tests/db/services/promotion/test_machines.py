"""Machines that serve an environment and fall silent are named, for as long as they go on."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, func, select

from airflow_release_plugin.domain.release import machines as rules
from airflow_release_plugin.domain.release.machines import MachineSign
from airflow_release_plugin.exceptions import NotAllowedError
from airflow_release_plugin.models import Follower
from airflow_release_plugin.services.promotion import delivery, machines
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, PIPELINE, World
from tests.harness.databases import counted

pytestmark = [pytest.mark.req("R76"), pytest.mark.parametrize("db_backend", BACKENDS)]
COMMIT, NEWER = "a" * 40, "b" * 40


def asks(world: World, host: str = "worker-1", serves: str = COMMIT, pause: int = rules.SIGN_PAUSE) -> None:
    sign = MachineSign(host, serves, pause)
    delivery.follow(world.ctx, actor=PIPELINE, environment="prod", sign=sign)


def silent(world: World) -> list[tuple[str, str]]:
    return [(each.host, each.serves) for each in machines.silent(world.ctx, "prod")]


@pytest.fixture
def busy(world: World) -> World:
    """Airflow says that two machines are at work."""
    world.twin.at_work = {"worker-1": "It took up a task.", "worker-2": "It took up a task."}
    return world


def test_one_that_goes_on_without_asking_is_named_with_what_it_served(
    busy: World, clock: FrozenClock
) -> None:
    asks(busy)
    heard = clock()
    clock.advance(seconds=rules.patience(0).total_seconds())
    assert silent(busy) == []

    clock.advance(seconds=1)

    (found,) = machines.silent(busy.ctx, "prod")
    assert (found.host, found.serves, found.heard_at) == ("worker-1", COMMIT, heard)
    assert found.reason == "It took up a task."
    assert machines.silent(busy.ctx, "staging") == ()


def test_one_that_asks_again_disappears_and_the_newest_counts(busy: World, clock: FrozenClock) -> None:
    asks(busy)
    asks(busy, "worker-2")
    clock.advance(hours=1)
    asks(busy, serves=NEWER)
    assert silent(busy) == [("worker-2", COMMIT)]

    clock.advance(hours=1)

    assert silent(busy) == [("worker-1", NEWER), ("worker-2", COMMIT)]


def test_one_that_asks_every_few_seconds_writes_twice_a_minute(
    busy: World, clock: FrozenClock, engine: Engine
) -> None:
    written = 0
    for _ in range(20):
        with counted(engine) as statements:
            asks(busy, pause=3)
        written += any(statement.startswith("INSERT") for statement in statements)
        clock.advance(seconds=3)

    assert written == 2


def test_one_that_has_nothing_to_do_or_is_gone_is_not_named(world: World, clock: FrozenClock) -> None:
    asks(world)
    clock.advance(hours=1)

    assert silent(world) == []


def test_one_that_asks_seldom_is_waited_for(busy: World, clock: FrozenClock) -> None:
    asks(busy, pause=3600)
    clock.advance(hours=3)
    assert silent(busy) == []

    clock.advance(seconds=1)

    assert silent(busy) == [("worker-1", COMMIT)]


def test_one_that_was_not_heard_from_for_a_day_is_forgotten(busy: World, clock: FrozenClock) -> None:
    asks(busy)
    clock.advance(hours=24)
    assert silent(busy) == []
    clock.advance(seconds=1)

    asks(busy, "worker-2")

    assert hosts(busy) == ["worker-2"]


def test_however_many_pods_come_and_go_the_list_has_an_end(
    busy: World, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_release_plugin.repositories.followers.MOST", 5)
    for number in range(20):
        asks(busy, f"pod-{number:02}")
        clock.advance(seconds=1)

    assert hosts(busy) == [f"pod-{number:02}" for number in range(15, 20)]


def hosts(world: World) -> list[str]:
    return list(world.ctx.session.scalars(select(Follower.host).order_by(Follower.host)))


def test_who_may_not_fetch_versions_is_not_heard(world: World) -> None:
    with pytest.raises(NotAllowedError):
        delivery.follow(world.ctx, actor=DEV, environment="prod", sign=MachineSign("desk", COMMIT))

    assert world.ctx.session.scalar(select(func.count()).select_from(Follower)) == 0


def test_a_machine_gets_its_answer_with_the_sign(world: World) -> None:
    release = world.released(world.dag("etl"))
    sign = MachineSign("worker-1", "")

    answer = delivery.follow(world.ctx, actor=ADMIN, environment="prod", sign=sign)

    assert answer == release.target_commit


def test_looking_costs_the_same_however_many_there_are(
    busy: World, clock: FrozenClock, engine: Engine
) -> None:
    def cost() -> int:
        busy.ctx.session.flush()
        with counted(engine) as statements:
            machines.silent(busy.ctx, "prod")
        return len(statements)

    asks(busy)
    assert cost() == 1
    for number in range(30):
        asks(busy, f"worker-{number}")
    clock.advance(hours=1)

    assert cost() == 1  # and two of Airflow's tables
