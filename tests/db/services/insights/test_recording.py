"""What is noted for insights while things happen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from airflow_release_plugin.domain.insights.distribution import Spread
from airflow_release_plugin.domain.insights.period import last_days
from airflow_release_plugin.domain.insights.question import Breakdown, InsightQuestion
from airflow_release_plugin.domain.ports import ServedState
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.release.rollback_scope import DagTarget, Retire, Scope
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.insights.insights import InsightDetail, get_insights
from airflow_release_plugin.services.rollbacks import planning, rollbacks
from airflow_release_plugin.services.verification import verification
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, REVIEWER, World

pytestmark = pytest.mark.req("R78")


def found(world: World, **narrowed: Any) -> InsightDetail:
    question = InsightQuestion(last_days(30, world.ctx.clock().date()), **narrowed)
    return get_insights(world.ctx, actor=ADMIN, question=question)


def undo(world: World, scope: Scope) -> Release:
    plan = planning.plan(world.ctx, actor=DEV, scope=scope)
    rollback = rollbacks.request(
        world.ctx,
        actor=DEV,
        scope=scope,
        digest=plan.digest,
        release_request=ReleaseRequest("", ["reviewer"]),
    )
    return world.promote(world.decide(world.report(rollback)))


def test_a_release_counts_once_and_each_of_its_versions_has_a_lead_time(
    world: World, clock: FrozenClock
) -> None:
    early = world.submit(world.dag("early"))
    clock.advance(hours=5)
    late = world.submit(world.dag("late"))
    waiting = world.report(world.request(early, late))
    clock.advance(hours=1)
    world.promote(world.decide(waiting))

    now = found(world).now

    assert (now.released, now.lead.counts) == (1, {6 * 3600: 1, 3600: 1})


def test_a_release_that_never_reached_the_target_does_not_count(world: World) -> None:
    world.waiting(world.dag("etl"))

    assert found(world).now.released == 0
    assert found(world).waiting == 1


def test_a_rollback_is_no_change_and_makes_one_fail(world: World, clock: FrozenClock) -> None:
    world.released(world.dag("etl"))
    world.dag("etl", lines="x = 2")
    world.released("etl.py")
    clock.advance(hours=2)

    undo(world, DagTarget("etl", 1))

    now = found(world).now
    assert (now.released, now.failed, now.restore.counts) == (2, 1, {0: 1})


def test_a_rollback_of_one_dag_of_a_release_makes_the_release_fail(world: World) -> None:
    world.released(world.dag("one"), world.dag("two"))
    world.dag("one", lines="x = 2")
    world.dag("two", lines="x = 2")
    world.released("one.py", "two.py")

    undo(world, DagTarget("one", 1))

    assert (found(world).now.released, found(world).now.failed) == (2, 1)


def test_taking_a_dag_out_of_service_is_a_change(world: World) -> None:
    world.released(world.dag("etl"))

    undo(world, Retire(("etl",)))

    assert (found(world).now.released, found(world).now.failed) == (2, 0)


def test_breaking_the_glass_is_counted_and_nobody_was_waited_for(world: World) -> None:
    world.promote(world.break_glass(world.waiting(world.dag("etl")), ADMIN))

    assert found(world).now.glass_broken == 1
    assert found(world).people == ()


def test_a_bad_release_that_is_left_is_put_right_by_the_next_good_one_of_its_dag(
    world: World, clock: FrozenClock
) -> None:
    by_hand = replace(world.ctx, settings=replace(world.ctx.settings, auto_rollback=False))
    bad = world.released(world.dag("etl"), world.dag("other"))
    world.twin.serve(world.store, "prod", str(world.head))
    world.twin.serving["etl.py"] = ServedState("etl.py", import_errors=("Traceback\nKeyError: 1\n",))
    clock.advance(seconds=31)
    verification.verify(by_hand, actor=world.task(bad, TaskRole.VERIFY), release_id=bad.id)
    assert (found(world).now.unrestored, found(world).now.failed) == (1, 1)

    clock.advance(minutes=40)
    world.released(world.dag("third"))
    assert found(world).now.unrestored == 1

    clock.advance(minutes=5)
    world.dag("etl", lines="x = 2")
    world.released("etl.py")
    assert (found(world).now.unrestored, found(world).now.restore.counts) == (0, {45 * 60: 1})


def test_what_a_release_put_right_is_open_again_when_that_fails_itself(
    world: World, clock: FrozenClock
) -> None:
    by_hand = replace(world.ctx, settings=replace(world.ctx.settings, auto_rollback=False))

    def bad(lines: str) -> None:
        release = world.released(world.dag("etl", lines=lines))
        world.twin.serving["etl.py"] = ServedState("etl.py", import_errors=("Traceback\nKeyError: 1\n",))
        clock.advance(minutes=1)
        verification.verify(by_hand, actor=world.task(release, TaskRole.VERIFY), release_id=release.id)

    bad("x = 1")
    clock.advance(minutes=9)
    bad("x = 2")
    assert (found(world).now.unrestored, found(world).now.restore.total) == (2, 0)

    clock.advance(minutes=9)
    world.released(world.dag("etl", lines="x = 3"))
    assert (found(world).now.unrestored, found(world).now.restore.counts) == (0, {19 * 60: 1, 9 * 60: 1})


def test_waits_count_from_when_the_step_was_reached(world: World, clock: FrozenClock) -> None:
    waiting = world.waiting(world.dag("etl"))
    clock.advance(minutes=25)
    world.decide(waiting, REVIEWER)

    (step,) = found(world).steps
    (person,) = found(world).people

    assert (step.step, step.now) == ("Release approval", Spread(1, 25 * 60, 25 * 60))
    assert (person.name, person.now) == ("reviewer", Spread(1, 25 * 60, 25 * 60))


def test_who_was_asked_and_has_not_answered_is_named(world: World, clock: FrozenClock) -> None:
    first = clock.now
    world.waiting(world.dag("one"))
    clock.advance(hours=3)
    world.waiting(world.dag("two"))

    detail = found(world)

    assert (detail.waiting, detail.waiting_since) == (2, first)
    assert [(p.name, p.asked, p.asked_since) for p in detail.people] == [("reviewer", 2, first)]


def test_units_are_found_by_their_dags_tags_and_owners_as_last_released(world: World) -> None:
    world.write(
        "tagged.py", 'from airflow.sdk import DAG\nwith DAG(dag_id="tagged", tags=["pii"]):\n    pass\n'
    )
    world.released("tagged.py")
    world.released(world.dag("plain"))

    def counts(**narrowed: str) -> int:
        return found(world, **narrowed).now.released

    assert counts(tag="pii") == 1
    assert counts(owner="airflow") == 2
    assert counts(dag_id="dev.plain") == counts(dag_id="plain") == 1
    assert counts(flow="default") == 2
    assert counts(flow="default", tag="pii", dag_id="plain") == 0
    assert names(found(world, by=Breakdown.TAG)) == ["pii"]
    choices = found(world).choices
    assert (choices.dags, choices.tags, choices.owners) == (["plain", "tagged"], ["pii"], ["airflow"])
    assert choices.flows == ["default"]


def names(detail: InsightDetail) -> Iterable[str]:
    return [row.name for row in detail.breakdown]
