from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.sensors.release import ReleaseStateSensor
from tests.unit.client.context import context
from tests.unit.client.server import approval, release


def sensor(**changes):
    return ReleaseStateSensor(**{"task_id": "wait", "release_id": 7} | changes)


def test_release_on_its_way_defers_with_all_that_follows_as_success(server):
    server.script("GET", "/releases/7", release(state="checking"))
    with pytest.raises(TaskDeferred) as caught:
        sensor(end_from_trigger=True).execute(context())
    _, arguments = caught.value.trigger.serialize()
    assert arguments["known"] == "checking"
    assert arguments["targets"] == ["approved", "released"]
    assert arguments["end_from_trigger"] is True


@pytest.mark.parametrize("state", ["approved", "released"])
def test_release_that_is_so_far_or_further_needs_no_wait(server, state):
    server.script("GET", "/releases/7", release(state=state))
    assert sensor().execute(context()) == state


@pytest.mark.parametrize(
    "state", ["rejected", "revoked", "expired", "failed", "errored", "stale", "rolled_back"]
)
def test_release_that_went_another_way_fails_the_task(server, state):
    server.script("GET", "/releases/7", release(state=state, state_reason="Because."))
    with pytest.raises(AirflowFailException, match=f"Release R7 is '{state}': Because."):
        sensor().execute(context())


def test_rejection_says_who_and_why(server):
    decided = approval("rejected", (("ann", "approve", ""), ("bob", "reject", "No tests.")))
    server.script("GET", "/releases/7", release(state="rejected", approval=decided))
    with pytest.raises(AirflowFailException, match=r"Rejected by bob: No tests\."):
        sensor().execute(context())


@pytest.mark.parametrize("target", list(ReleaseState))
def test_every_final_state_ends_every_wait(target):
    waiting = sensor(target_state=target.value)
    ends = {*waiting.targets(), *waiting.refusals()}
    assert target.value in waiting.targets()
    assert not set(waiting.targets()) & set(waiting.refusals())
    assert {state.value for state in ReleaseState if state.is_terminal} <= ends


def test_wait_for_a_failure_is_met_by_it(server):
    server.script("GET", "/releases/7", release(state="failed"))
    assert sensor(target_state="failed").execute(context()) == "failed"


def test_unknown_target_is_refused_when_the_dag_is_parsed():
    with pytest.raises(ValueError, match="done"):
        sensor(target_state="done")
