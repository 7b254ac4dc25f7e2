"""The runs that a release asked for, and the soak that watches them."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import RunFacts
from airflow_release_plugin.domain.release.checks import CheckStatus
from airflow_release_plugin.domain.release.runs import StartStatus, StartSummary, summary
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    ReleaseError,
)
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.read_models import release_page
from airflow_release_plugin.services.verification import runs
from airflow_release_plugin.services.verification.verification import Verification
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, PIPELINE, REVIEWER, World, dag_text


def to_run(world: World) -> Release:
    world.write("regions.py", dag_text("north", "south"))
    release = world.request(world.submit("regions.py"), run_after_release=True)
    return world.promote(world.decide(world.report(release)))


@pytest.mark.req("R11")
def test_every_dag_of_the_release_runs_if_that_was_asked_for(world: World) -> None:
    release = to_run(world)

    started = runs.start_runs(world.ctx, actor=world.task(release, TaskRole.RUN), release_id=release.id)

    assert [(run.dag_id, run.run_id, run.state) for run in started] == [
        ("north", "release__R-000001__1", "queued"),
        ("south", "release__R-000001__1", "queued"),
    ]
    assert [unpause for _, _, unpause in world.twin.triggers[-2:]] == [True, True]


@pytest.mark.req("R11")
def test_asking_for_the_runs_again_starts_none(world: World) -> None:
    release = to_run(world)
    first = runs.start_runs(world.ctx, actor=world.task(release, TaskRole.RUN), release_id=release.id)
    count = len(world.twin.triggers)

    assert runs.start_runs(world.ctx, actor=world.task(release, TaskRole.RUN), release_id=release.id) == first
    assert len(world.twin.triggers) == count


@pytest.mark.req("R11")
def test_the_page_shows_the_state_of_the_runs(world: World) -> None:
    release = to_run(world)
    runs.start_runs(world.ctx, actor=world.task(release, TaskRole.RUN), release_id=release.id)
    del world.twin.started["south", "release__R-000001__1"]
    world.twin.started["north", "release__R-000001__1"] = RunFacts(
        "north", "release__R-000001__1", "success", ended=True
    )

    shown = release_page.get_release(world.ctx, actor=DEV, release_id=release.id).runs

    assert [(run.dag_id, run.state) for run in shown] == [("north", "success"), ("south", "missing")]


@pytest.mark.req("R11")
def test_a_dag_that_cannot_be_started_does_not_stand_in_the_way_of_the_others(world: World) -> None:
    release = to_run(world)
    world.twin.unstartable["north"] = NotFoundError("Airflow does not know the DAG 'north'.")

    started = runs.start_runs(world.ctx, actor=world.task(release, TaskRole.RUN), release_id=release.id)

    assert started == (
        StartStatus("north", "", "not_started", True, "Airflow does not know the DAG 'north'."),
        StartStatus("south", "release__R-000001__1", "queued"),
    )
    assert summary(started) == StartSummary(total=2, succeeded=0, failed=0, not_started=1, deleted=0)


@pytest.mark.req("R11")
@pytest.mark.parametrize("actor", [DEV, ADMIN, PIPELINE], ids=["requester", "admin", "pipeline"])
def test_what_could_not_be_started_is_started_later_and_nothing_else(world: World, actor: Actor) -> None:
    release = to_run(world)
    world.twin.unstartable["north"] = InvalidRequestError("It takes no manual runs.")
    runs.start_runs(world.ctx, actor=world.task(release, TaskRole.RUN), release_id=release.id)
    world.twin.unstartable.clear()
    count = len(world.twin.triggers)

    by = world.task(release, TaskRole.RUN) if actor is PIPELINE else actor
    started = runs.start_runs(world.ctx, actor=by, release_id=release.id)

    assert [(run.state, run.problem) for run in started] == [("queued", ""), ("queued", "")]
    assert len(world.twin.triggers) == count + 1
    assert "start_runs" not in release_page.get_release(world.ctx, actor=DEV, release_id=release.id).actions


@pytest.mark.req("R11")
def test_only_the_requester_and_admins_are_offered_to_start_what_was_not(world: World) -> None:
    release = to_run(world)
    world.twin.unstartable["north"] = NotFoundError("Airflow does not know the DAG 'north'.")
    runs.start_runs(world.ctx, actor=world.task(release, TaskRole.RUN), release_id=release.id)

    offered = {
        actor.name: "start_runs"
        in release_page.get_release(world.ctx, actor=actor, release_id=release.id).actions
        for actor in (DEV, DEV2, REVIEWER, ADMIN)
    }

    assert offered == {"dev": True, "dev2": False, "reviewer": False, "admin": True}
    with pytest.raises(NotAllowedError):
        runs.start_runs(world.ctx, actor=DEV2, release_id=release.id)


@pytest.mark.req("R11")
def test_the_requester_does_not_start_runs_before_the_pipeline(world: World) -> None:
    release = to_run(world)

    shown = release_page.get_release(world.ctx, actor=DEV, release_id=release.id)

    assert [(run.dag_id, run.state, run.ended) for run in shown.runs] == [
        ("north", "waiting", False),
        ("south", "waiting", False),
    ]
    with pytest.raises(NotAllowedError):
        runs.start_runs(world.ctx, actor=DEV, release_id=release.id)


@pytest.mark.req("R11")
def test_what_the_pipeline_never_came_to_is_not_started_and_says_why(world: World) -> None:
    release = to_run(world)
    run_id = str(release.pipeline_run_id)
    world.twin.started["release_pipeline", run_id] = RunFacts(
        "release_pipeline", run_id, "failed", ended=True
    )

    (north, _) = release_page.get_release(world.ctx, actor=DEV, release_id=release.id).runs

    assert (north.state, north.problem) == (
        "not_started",
        "The run of the pipeline 'release_pipeline' is failed; it did not start it.",
    )
    assert len(runs.start_runs(world.ctx, actor=DEV, release_id=release.id)) == 2


def test_a_soak_does_not_pass_with_a_run_that_could_not_be_started(world: World) -> None:
    release = soaking(world, unstartable=NotFoundError("Airflow does not know the DAG 'etl'."))

    assert soak(world, release).problems == ["etl: Airflow does not know the DAG 'etl'."]


def test_nothing_runs_if_nobody_asked(world: World) -> None:
    release = world.released(world.dag("etl"))

    assert runs.start_runs(world.ctx, actor=world.task(release, TaskRole.RUN), release_id=release.id) == ()


def test_nothing_runs_before_it_is_released(world: World) -> None:
    release = world.request(world.submit(world.dag("etl")), run_after_release=True)

    with pytest.raises(ConflictError, match="its Dags run once it is released"):
        runs.start_runs(world.ctx, actor=ADMIN, release_id=release.id)


def test_a_removed_dag_does_not_run(world: World) -> None:
    world.released(world.dag("etl"))
    world.delete("etl.py")
    release = world.request(world.submit("etl.py"), run_after_release=True)
    world.promote(world.decide(world.report(release)))

    assert runs.start_runs(world.ctx, actor=world.task(release, TaskRole.RUN), release_id=release.id) == ()
    assert release.state is ReleaseState.RELEASED


# soak


def soaking(world: World, minutes: int = 10, unstartable: ReleaseError | None = None) -> Release:
    """A second version of ``etl.py`` in the target, whose first run was started."""
    world.released(world.dag("etl"))
    world.dag("etl", lines="x = 2")
    release = world.request(world.submit("etl.py"), run_after_release=True, soak_minutes=minutes)
    world.promote(world.decide(world.report(release)))
    if unstartable is not None:
        world.twin.unstartable["etl"] = unstartable
    runs.start_runs(world.ctx, actor=world.task(release, TaskRole.RUN), release_id=release.id)
    return release


def first_run_is(world: World, release: Release, state: str) -> None:
    run_id = f"release__{release.number}__1"
    ended = state in {"success", "failed"}
    world.twin.started["etl", run_id] = RunFacts("etl", run_id, state, ended=ended)


def soak(world: World, release: Release) -> Verification:
    return runs.soak(world.ctx, actor=world.task(release, TaskRole.SOAK), release_id=release.id)


@pytest.mark.req("R18")
def test_while_the_first_run_runs_the_soak_is_pending(world: World) -> None:
    release = soaking(world)

    assert soak(world, release) == Verification(CheckStatus.PENDING, ["etl: its first run is 'queued'"])


@pytest.mark.req("R18")
def test_a_first_run_that_succeeds_ends_the_soak(world: World, clock: FrozenClock) -> None:
    release = soaking(world)
    first_run_is(world, release, "success")

    assert soak(world, release).status == "passed"
    clock.advance(hours=1)
    assert soak(world, release).status == "passed"
    assert release.state is ReleaseState.RELEASED


@pytest.mark.req("R18")
def test_a_first_run_that_fails_takes_the_release_back(world: World) -> None:
    release = soaking(world)
    first_run_is(world, release, "failed")

    result = soak(world, release)

    assert (result.status, release.state) == ("failed", ReleaseState.FAILED)
    assert "x = 2" not in world.target()["etl.py"]
    assert release.state_reason.startswith(
        f"Soak of {release.number} failed: etl: its first run is 'failed'. Rolled back by R-"
    )


@pytest.mark.req("R18")
def test_a_first_run_that_is_not_done_in_time_takes_the_release_back(
    world: World, clock: FrozenClock
) -> None:
    release = soaking(world, minutes=10)
    first_run_is(world, release, "running")
    clock.advance(minutes=10)

    assert soak(world, release).problems == ["etl: its first run is 'running' after 10 minutes"]
    assert release.state is ReleaseState.FAILED


def test_a_release_without_a_soak_passes_at_once(world: World) -> None:
    assert soak(world, world.waiting(world.dag("etl"))) == Verification(CheckStatus.PASSED, [])


def test_a_soak_needs_runs(world: World) -> None:
    release = world.request(world.submit(world.dag("etl")), run_after_release=True, soak_minutes=5)
    world.promote(world.decide(world.report(release)))

    with pytest.raises(ConflictError, match="were not started yet"):
        soak(world, release)


def test_people_do_not_end_a_soak(world: World) -> None:
    with pytest.raises(NotAllowedError):
        runs.soak(world.ctx, actor=DEV, release_id=soaking(world).id)
