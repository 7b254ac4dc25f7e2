"""Health says what is wrong, what that means and what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from airflow_release_plugin.models import MachineLook
from airflow_release_plugin.services.server import health, health_reasons
from airflow_release_plugin.services.server.health import Health
from tests.harness.clock import FrozenClock
from tests.harness.context import World
from tests.harness.databases import counted

NAMES = sorted(
    value for name, value in vars(health_reasons).items() if name.isupper() and isinstance(value, str)
)


@pytest.mark.req("R94")
def test_a_problem_comes_with_its_reason_and_next_step(world: World, clock: FrozenClock) -> None:
    look = MachineLook(environment="prod", host="one", looked_at=clock(), changed_at=clock(), total=1)
    look.findings_json = []
    world.ctx.session.add(look)
    world.ctx.session.flush()

    (drift,) = health.look_in(world.ctx).reasons
    assert drift.problem == health.DRIFT
    assert drift.reason == "Something runs that nobody approved, or what was approved does not run."
    assert drift.next_step.startswith("The page Environment says what and where")


def test_a_setting_is_named(world: World) -> None:
    ctx = replace(world.ctx, settings=replace(world.ctx.settings, role="banana"))
    (reason,) = health.look_in(ctx).reasons
    assert reason.reason.startswith("[release] role has a value that makes no sense")


@pytest.mark.parametrize("problem", NAMES)
def test_every_problem_has_words_of_its_own(problem: str) -> None:
    problem = f"{problem}role" if problem == health_reasons.SETTING else problem
    (reason,) = Health((problem,)).reasons
    assert reason.reason.endswith(".")
    assert reason.next_step.endswith(".")
    assert reason.reason != problem


def test_a_look_that_finds_nothing_is_six_queries(world: World, engine: Engine) -> None:
    health.look_in(world.ctx)  # the store reads the head of the branch once, and keeps it
    world.ctx.session.commit()
    with counted(engine) as statements:
        assert health.look_in(world.ctx).status == "healthy"
    assert len(statements) <= 6
