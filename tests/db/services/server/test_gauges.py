"""How things stand, as one server tells it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.domain import metrics
from airflow_release_plugin.domain.identity import SYSTEM, Actor
from airflow_release_plugin.domain.metrics import METRICS, Metric, MetricKind
from airflow_release_plugin.models import MachineLook
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.releases import holds
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.server import gauges, health
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, World
from tests.harness.databases import counted
from tests.harness.flow_forms import form
from tests.harness.statsd import statsd_server


def told(world: World, metric: Metric) -> dict[str, float]:
    """Values of a gauge now, by its tag."""
    return {
        "".join(tags.values()): value for each, value, tags in gauges.readings(world.ctx) if each is metric
    }


@pytest.mark.req("R94")
@pytest.mark.parametrize("db_backend", BACKENDS)
def test_it_tells_what_waits_and_for_how_long(world: World, clock: FrozenClock) -> None:
    world.waiting(world.dag("etl"))
    clock.advance(hours=2)
    world.waiting(world.dag("report"))
    world.submit(world.dag("listed"))
    world.gate("gated")

    assert told(world, metrics.RELEASES)["awaiting_approval"] == 2
    assert told(world, metrics.STATE_AGE)["awaiting_approval"] == 7200
    assert told(world, metrics.APPROVALS) == {"release": 2, "gate": 1}
    assert told(world, metrics.APPROVAL_AGE) == {"release": 7200, "gate": 0}
    assert told(world, metrics.CANDIDATES) == {"": 1}


@pytest.mark.req("R94")
@pytest.mark.parametrize("db_backend", BACKENDS)
def test_it_tells_since_when_an_approved_release_could_go_out(world: World, clock: FrozenClock) -> None:
    at = clock() + timedelta(hours=5)
    later = world.report(world.request(world.submit(world.dag("later")), scheduled_at=at))
    world.decide(later)
    clock.advance(hours=4)
    assert told(world, metrics.STUCK_AGE) == {"": 0}  # its time has not come

    clock.advance(hours=2)
    assert told(world, metrics.STUCK_AGE) == {"": 3600}  # it had come an hour ago

    holds.set_hold(world.ctx, actor=ADMIN, environment="prod", reason="Audit")
    assert told(world, metrics.STUCK_AGE) == {"": 0}


@pytest.mark.req("R94")
def test_a_frozen_release_is_not_stuck_until_the_freeze_is_over(world: World, clock: FrozenClock) -> None:
    until_eleven = {"name": "monday", "kind": "deny", "cron": "0 8 * * MON", "minutes": 180}
    flow_admin.create(world.ctx, actor=ADMIN, raw=form("Frozen", calendar=[until_eleven]))
    world.approved(world.dag("etl"))
    clock.advance(hours=1, minutes=30)
    assert told(world, metrics.STUCK_AGE) == {"": 0}

    clock.advance(hours=1, minutes=30)
    assert told(world, metrics.STUCK_AGE) == {"": 3600}


def test_what_is_over_does_not_wait(world: World, clock: FrozenClock) -> None:
    world.waiting(world.dag("etl"))
    clock.advance(days=400)

    assert told(world, metrics.APPROVALS)["release"] == 0
    assert told(world, metrics.RELEASES)["awaiting_approval"] == 0


def test_it_tells_drift_holds_and_health(world: World, clock: FrozenClock) -> None:
    holds.set_hold(world.ctx, actor=ADMIN, environment="prod", reason="Audit")
    world.ctx.session.add(
        MachineLook(
            environment="prod", host="one", looked_at=clock(), changed_at=clock(), total=3, findings_json=[]
        )
    )
    world.ctx.session.flush()
    broken = World(replace(world.ctx, settings=replace(world.ctx.settings, role="banana")), world.twin)

    assert told(world, metrics.HELD) == {"": 1}
    assert told(world, metrics.DRIFT) == {"": 3}
    assert told(world, metrics.HEALTH_PROBLEMS) == {"degraded": 1, "unhealthy": 0}
    assert told(broken, metrics.HEALTH_PROBLEMS) == {"degraded": 1, "unhealthy": 1}


def test_every_gauge_is_told_though_there_is_nothing(world: World) -> None:
    told_of = {reading.metric for reading in gauges.readings(world.ctx)}
    assert told_of == {metric for metric in METRICS if metric.kind is MetricKind.GAUGE}
    assert all(set(reading.tags) == set(reading.metric.tags) for reading in gauges.readings(world.ctx))


@pytest.mark.parametrize("look", [lambda ctx: list(gauges.readings(ctx)), health.look_in])
def test_a_look_costs_the_same_however_much_there_is(world: World, engine: Engine, look: object) -> None:
    assert callable(look)

    def cost() -> int:
        world.ctx.session.commit()
        with counted(engine) as statements:
            look(world.ctx)
        return len(statements)

    world.released(world.dag("etl"))
    cost()  # the store reads the head of the branch once, and keeps it
    few = cost()
    for number in range(10):
        world.waiting(world.dag(f"dag{number}"))
        world.gate(f"gated{number}")

    assert cost() == few <= 12


def test_one_of_two_servers_tells(world: World) -> None:
    @contextmanager
    def work() -> Iterator[tuple[Context, Actor]]:
        yield world.ctx, SYSTEM

    assert gauges.run_once(work=work, by="one")
    world.twin.sent.clear()
    assert not gauges.run_once(work=work, by="two")
    assert not world.twin.sent


def test_nobody_looks_where_airflow_sends_nothing(
    session_factory: sessionmaker[Session], own_engine: Engine
) -> None:
    with counted(own_engine) as statements:
        assert not gauges.run_once()
    assert statements == []


def test_airflow_sends_them(session_factory: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch) -> None:
    with statsd_server(monkeypatch) as server:
        assert gauges.run_once()
        lines = server.lines("airflow.release.health.problems.unhealthy")
    assert {"airflow.release.releases.checking:0|g", "airflow.release.approvals.gate:0|g"} <= set(lines)
