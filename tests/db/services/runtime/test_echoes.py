"""What the trail is told is counted, and deeds are in Airflow's audit log."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.domain import metrics
from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.metrics import Metric
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import ConflictError, NotAllowedError
from airflow_release_plugin.services.releases import decisions, holds
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, FAILED, World
from tests.harness.databases import counted


def sent(world: World, metric: Metric) -> list[tuple[float, dict[str, str]]]:
    return [(value, tags) for each, value, tags in world.twin.sent if each is metric]


def logged(world: World) -> list[tuple[str, str, str | None]]:
    return [(line.event, line.actor_name, line.dag_id) for line in world.twin.logged]


@pytest.mark.req("R94")
def test_a_release_is_counted_on_its_way(world: World, clock: FrozenClock) -> None:
    release = world.request(world.submit(world.dag("etl")))
    clock.advance(minutes=2)
    world.report(release)
    clock.advance(hours=3)
    world.decide(release)
    world.promote(release)

    states = [tags["state"] for _, tags in sent(world, metrics.MOVES)]
    assert states == ["checking", "awaiting_approval", "approved", "released"]
    assert sent(world, metrics.CHECKS) == [(1, {"result": "passed"})]
    assert sent(world, metrics.CHECK_DURATION) == [(120, {"result": "passed"})]
    assert sent(world, metrics.DECISIONS) == [(1, {"subject": "release", "verdict": "approve"})]
    assert sent(world, metrics.STATE_DURATION)[2] == (3 * 3600, {"state": "awaiting_approval"})
    ((took, _),) = sent(world, metrics.PROMOTION_DURATION)
    assert 0 < took < 60


def test_a_failed_check_is_counted_as_one(world: World) -> None:
    release = world.report(world.request(world.submit(world.dag("etl"))), FAILED)

    assert release.state is ReleaseState.FAILED
    assert sent(world, metrics.CHECKS) == [(1, {"result": "failed"})]


@pytest.mark.req("R94")
def test_deeds_are_lines_of_every_dag_of_the_release(world: World) -> None:
    release = world.waiting(world.dag("etl"), world.dag("report"))
    world.decide(release)
    world.promote(release)

    assert logged(world) == [
        ("release_approve", "reviewer", "etl"),
        ("release_approve", "reviewer", "report"),
        ("release_promote", "pipeline", "etl"),
        ("release_promote", "pipeline", "report"),
    ]
    assert world.twin.logged[0].extra == {"release": "R-000001"}


def test_broken_glass_is_one(world: World) -> None:
    world.break_glass(world.waiting(world.dag("etl")), ADMIN, reason="Orders are not being shipped.")

    assert ("release_break_glass", "admin", "etl") in logged(world)
    assert sent(world, metrics.GLASS_BROKEN) == [(1, {})]
    assert all("Orders" not in json.dumps(line.extra) for line in world.twin.logged), "reasons stay here"


def test_a_hold_is_a_line_without_a_dag(world: World) -> None:
    holds.set_hold(world.ctx, actor=ADMIN, environment="prod", reason="Audit")

    assert logged(world) == [("release_hold", "admin", None)]
    assert world.twin.logged[0].extra == {"environment": "prod"}


def test_the_sign_off_of_a_gate_is_a_line_of_its_task(world: World) -> None:
    gate = world.gate("etl")
    decisions.decide_gate(
        world.ctx, actor=ADMIN, gate_id=gate.id, verdict=Verdict.REJECT, change_digest=gate.change_digest
    )

    (line,) = world.twin.logged
    assert (line.event, line.dag_id, line.run_id, line.task_id) == ("release_reject", "etl", "run", "task")


def test_what_is_told_costs_the_same_for_many_dags(world: World, engine: Engine) -> None:
    def cost(*names: str) -> int:
        release = world.waiting(*[world.dag(name) for name in names])
        world.ctx.session.commit()
        with counted(engine) as statements:
            world.decide(release)
        return len(statements)

    assert cost("one") == cost(*[f"dag{number}" for number in range(20)])


@pytest.mark.req("R94")
@pytest.mark.parametrize("db_backend", BACKENDS)
def test_airflow_has_the_line_with_the_deed_or_not_at_all(session_factory: sessionmaker[Session]) -> None:
    from airflow.models.log import Log

    def work(reason: str) -> None:
        with unit_of_work() as (ctx, _):
            end = ctx.clock() + timedelta(hours=1)
            holds.set_hold(ctx, actor=ADMIN, environment="prod", reason=reason, ends_at=end)
            if reason == "lost":
                raise ConflictError("too late")

    with pytest.raises(ConflictError):
        work("lost")
    work("kept")

    with session_factory() as session:
        (line,) = session.scalars(select(Log).where(Log.event.like("release%")))
        assert (line.event, line.owner, line.dag_id) == ("release_hold", "admin", None)
        assert json.loads(str(line.extra)) == {"environment": "prod"}
        assert line.dttm is not None


def test_who_may_not_leaves_no_line(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    with pytest.raises(NotAllowedError):
        world.decide(release, DEV)

    assert logged(world) == []
    assert sent(world, metrics.DECISIONS) == []
