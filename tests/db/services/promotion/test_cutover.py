from __future__ import annotations

from typing import Any

import pytest

from airflow_release_plugin.domain.ports import DagAccess, LastRun, LiveDag, RunFacts
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.promotion import cutover
from airflow_release_plugin.services.promotion.cutover import DagCutover
from airflow_release_plugin.services.releases import work
from tests.harness.context import DEV, PIPELINE, REVIEWER, VIEWER, World

pytestmark = pytest.mark.req("R20")


def parsed(dag_id: str, *tasks: str, **facts: Any) -> CheckItem:
    """What a worker reports of a file with one DAG."""
    dag = {"dag_id": dag_id, "tasks": [{"task_id": task, "type": "EmptyOperator"} for task in tasks], **facts}
    return CheckItem("parse", CheckStatus.PASSED, f"{dag_id}.py", facts={"dags": [dag]})


def only(world: World, release: Release) -> DagCutover:
    (found,) = cutover.get_cutover(world.ctx, actor=REVIEWER, release_id=release.id)
    return found


def test_runs_under_way_and_the_tasks_that_they_lose_are_read_now(world: World) -> None:
    world.released(world.dag("etl"))
    world.dag("etl", lines="# new")
    release = world.report(world.request(world.submit("etl.py")), [parsed("etl", "extract", "load")])
    running = RunFacts("etl", "scheduled__1", "running")
    world.twin.live["etl"] = LiveDag(
        "etl", "prod", "etl.py", is_paused=True, runs=(running,), open_tasks=frozenset({"load", "archive"})
    )

    found = only(world, release)

    assert (found.is_live, found.is_paused, found.runs, found.lost_tasks) == (
        True,
        True,
        (running,),
        ("archive",),
    )


def test_what_the_scheduler_would_do_is_what_the_check_found(world: World) -> None:
    outlook = {"run_after": "2026-01-02T00:00:00+00:00", "interval_start": "x", "interval_end": "y", "due": 7}
    item = parsed("etl", "one", schedule="0 0 * * *", catchup=True, outlook=outlook)
    release = world.report(world.request(world.submit(world.dag("etl"))), [item])

    found = only(world, release)

    assert found.outlook is not None
    assert (found.outlook.due, found.catchup, found.schedule) == (7, True, "0 0 * * *")


def test_before_the_check_only_live_facts_are_known(world: World) -> None:
    world.twin.live["etl"] = LiveDag("etl", is_paused=True, open_tasks=frozenset({"load"}))
    found = only(world, world.request(world.submit(world.dag("etl"))))

    assert (found.is_paused, found.outlook, found.lost_tasks) == (True, None, ())


def test_a_paused_dag_that_the_release_runs_is_going_to_be_unpaused(world: World) -> None:
    world.twin.live["etl"] = LiveDag("etl", is_paused=True)
    submitted = world.submit(world.dag("etl"))

    assert only(world, world.request(submitted, run_after_release=True)).is_unpaused


def test_a_new_dag_is_as_paused_as_its_file_says(world: World) -> None:
    item = parsed("etl", "one", paused_at_creation=True)
    release = world.report(world.request(world.submit(world.dag("etl"))), [item])

    found = only(world, release)

    assert (found.is_live, found.is_paused) == (False, True)


def test_a_removed_dag_loses_all_its_runs_and_no_single_tasks(world: World) -> None:
    world.released(world.dag("etl"))
    world.delete("etl.py")
    release = world.waiting("etl.py")
    running = RunFacts("etl", "scheduled__1", "running")
    world.twin.live["etl"] = LiveDag("etl", runs=(running,), open_tasks=frozenset({"load"}))

    found = only(world, release)

    assert (found.is_removed, found.runs, found.lost_tasks) == (True, (running,), ())


def test_the_worker_is_told_the_last_run_of_each_dag_of_the_release(world: World) -> None:
    world.twin.automated["etl"] = last = LastRun("2026-01-02T00:00:00+00:00")
    release = world.request(world.submit(world.dag("etl")), world.submit(world.dag("fresh")))

    task = work.work_of(world.ctx, actor=PIPELINE, release_id=release.id)

    assert task.last_runs == {"etl": last, "fresh": None}


def test_quiet_dags_need_no_care_and_those_with_a_backlog_do(world: World) -> None:
    due = {"run_after": "2026-01-02T00:00:00+00:00", "interval_start": "", "interval_end": "", "due": 2}
    items = [parsed("calm", "one", outlook=due | {"due": 1}), parsed("behind", "one", outlook=due)]
    release = world.request(world.submit(world.dag("calm")), world.submit(world.dag("behind")))
    world.report(release, items)

    found = cutover.get_cutover(world.ctx, actor=REVIEWER, release_id=release.id)

    assert {dag.dag_id: dag.needs_care for dag in found} == {"calm": False, "behind": True}


def test_who_may_not_see_the_release_does_not_see_what_it_meets(world: World) -> None:
    release = world.request(world.submit(world.dag("etl")), actor=DEV)
    world.twin.refused |= {(VIEWER.id, DagAccess.READ, "etl"), (VIEWER.id, DagAccess.READ, "dev.etl")}

    with pytest.raises(NotFoundError):
        cutover.get_cutover(world.ctx, actor=VIEWER, release_id=release.id)
