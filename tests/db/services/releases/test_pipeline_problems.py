from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from airflow_release_plugin.domain.ports import LiveDag, RunFacts
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import InvalidRequestError, NotFoundError, UnavailableError
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.read_models import release_page
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, World

OWN_PIPELINE = {
    "name": "Tested",
    "kind": "promotion",
    "pipeline_dag_id": "our_pipeline",
    "levels": [{"name": "All", "steps": [{"name": "Ops", "roles": ["op"]}]}],
}


def problem(world: World, release: Release) -> str:
    pipeline = release_page.get_release(world.ctx, actor=DEV, release_id=release.id).pipeline
    assert pipeline is not None
    return str(pipeline.problem)


@pytest.mark.req("R19")
@pytest.mark.parametrize("ago", [timedelta(0), timedelta(days=400)])
def test_a_time_that_is_past_is_refused(world: World, clock: FrozenClock, ago: timedelta) -> None:
    submitted = world.submit(world.dag("etl"))

    with pytest.raises(InvalidRequestError, match="is past"):
        world.request(submitted, scheduled_at=clock() - ago)


@pytest.mark.parametrize("moment", ["9999-12-31T23:00+00:00", "9000-01-01T00:01+00:00"])
def test_a_time_from_which_nothing_can_be_counted_is_refused(world: World, moment: str) -> None:
    """The time to execute is counted from there: approving it would leave the calendar."""
    submitted = world.submit(world.dag("etl"))

    with pytest.raises(InvalidRequestError, match="too far away"):
        world.request(submitted, scheduled_at=datetime.fromisoformat(moment))


@pytest.mark.req("R8")
def test_an_id_that_came_to_the_target_since_the_request_fails_the_check(world: World) -> None:
    release = world.request(world.submit(world.dag("two")))
    one = world.approved(world.dag("one"))
    one.items[0].submission.dag_ids = ["two"]
    world.promote(one)
    parsed = CheckItem("parse", CheckStatus.PASSED, "two.py", facts={"dags": [{"dag_id": "two"}]})

    world.report(release, [parsed])

    assert release.state is ReleaseState.FAILED
    assert "File 'one.py' of the target serves a DAG 'two' already" in release.state_reason


class TestPipelines:
    def test_ours_is_unpaused(self, world: World) -> None:
        world.request(world.submit(world.dag("etl")))

        assert world.twin.triggers[-1][2] is True

    def test_one_of_the_users_stays_paused_and_the_page_says_what_waits(self, world: World) -> None:
        flow_admin.create(world.ctx, actor=ADMIN, raw=OWN_PIPELINE)
        world.twin.live["our_pipeline"] = LiveDag("our_pipeline", is_paused=True)
        release = world.request(world.submit(world.dag("etl")))

        assert world.twin.triggers[-1][2] is False
        assert problem(world, release) == (
            "The pipeline 'our_pipeline' is paused. The check waits until somebody unpauses it in Airflow."
        )

    def test_one_that_went_away_is_said(self, world: World) -> None:
        flow_admin.create(world.ctx, actor=ADMIN, raw=OWN_PIPELINE)
        release = world.request(world.submit(world.dag("etl")))

        assert "does not know the pipeline 'our_pipeline' any more" in problem(world, release)

    def test_one_that_airflow_does_not_know_refuses_the_request(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unknown(dag_id: str, **_: object) -> RunFacts:
            raise NotFoundError(f"Airflow does not know the DAG {dag_id!r}.")

        monkeypatch.setattr(world.twin, "trigger", unknown)

        with pytest.raises(UnavailableError, match="nothing would work on the release"):
            world.request(world.submit(world.dag("etl")))

    @pytest.mark.parametrize("state", ["failed", "missing"])
    def test_a_run_that_failed_or_was_deleted_is_said_with_the_next_step(
        self, world: World, state: str
    ) -> None:
        release = world.approved(world.dag("etl"))
        run = world.twin.started.pop((release.pipeline_dag_id, str(release.pipeline_run_id)))
        if state == "failed":
            failed = replace(run, state="failed", ended=True)
            world.twin.started[run.dag_id, run.run_id] = failed

        assert problem(world, release) == (
            f"The pipeline run is {state}. Within a minute the release becomes errored; then retry it."
        )

    def test_a_dag_processor_that_is_down_keeps_the_verification_waiting(self, world: World) -> None:
        release = world.released(world.dag("etl"))
        world.twin.ages = {"dag_processor": None, "scheduler": 1.0}

        assert problem(world, release) == (
            "Not running: dag_processor. The verification waits until they are back."
        )
        run = world.twin.started[release.pipeline_dag_id, str(release.pipeline_run_id)]
        world.twin.started[run.dag_id, run.run_id] = replace(run, state="success", ended=True)
        assert problem(world, release) == "None"

    def test_a_scheduler_that_is_down_is_said_with_what_waits_for_it(self, world: World) -> None:
        release = world.approved(world.dag("etl"))
        world.twin.ages = {"scheduler": 600.0}

        assert problem(world, release) == ("Not running: scheduler. The promotion waits until they are back.")
