from __future__ import annotations

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_release_plugin.messages import Message, restored
from airflow_release_plugin.operators.base import report_errored
from airflow_release_plugin.operators.promote import PromoteReleaseOperator
from tests.unit.client.context import TaskInstance, context
from tests.unit.client.server import PREFIX, Answer, release

CLAIMS = f"{PREFIX}/releases/7/claims"
ERRORED = f"{PREFIX}/releases/7/errored"


def fail(server, state, attempt=1):
    server.script("GET", "/releases/7", release(state=state, attempt=attempt))
    server.script("POST", "/releases/7/errored", release(state="errored"))
    task = PromoteReleaseOperator(task_id="promote", release_id="7")
    report_errored(context(task=task, exception=RuntimeError("worker lost")))


@pytest.mark.parametrize("state", ["checking", "awaiting_approval", "approved"])
def test_release_that_nobody_works_on_any_more_becomes_errored(server, state):
    fail(server, state)
    assert restored(server.called(ERRORED)[0].body) == {"reason": "Task 'promote' failed: worker lost"}


@pytest.mark.parametrize("state", ["failed", "rejected", "revoked", "expired", "stale", "released"])
def test_release_that_has_ended_stays_as_it_is(server, state):
    fail(server, state)
    assert not server.called(ERRORED)


def test_any_task_of_a_pipeline_may_use_the_callback(server):
    server.script("GET", "/releases/7", release(state="checking"))
    server.script("POST", "/releases/7/errored", release(state="errored"))
    report_errored(context(task=BaseOperator(task_id="mine")))
    assert "without saying why" in restored(server.called(ERRORED)[0].body)["reason"]


def test_the_reason_of_a_failure_travels_as_what_it_was_made_of(server):
    why = Message("Release %(number)s is held.", number=7)
    server.script("GET", "/releases/7", release(state="checking"))
    server.script("POST", "/releases/7/errored", release(state="errored"))
    report_errored(context(task=BaseOperator(task_id="mine"), exception=AirflowFailException(why)))

    reason = restored(server.called(ERRORED)[0].body)["reason"]
    assert reason == "Task 'mine' failed: Release 7 is held."
    assert reason.values["reason"].template == why.template


def test_failure_of_an_earlier_attempt_does_not_touch_the_present_one(server):
    fail(server, "checking", attempt=2)
    assert not server.called(ERRORED)


@pytest.mark.req("R88")
def test_a_step_makes_itself_known_as_its_task_before_it_says_anything(server):
    server.script("POST", "/releases/7/promote", {"release_id": 7, "state": "released", "commit": "c"})
    ti = TaskInstance(run_id="r77", task_id="promote", map_index=2, try_number=3)
    PromoteReleaseOperator(task_id="promote", release_id="7").execute(context(ti))

    claim, promote = server.requests[-2:]
    secret = claim.body.pop("secret")
    assert claim.path == CLAIMS
    assert claim.body == {
        "dag_id": "pay",
        "run_id": "r77",
        "task_id": "promote",
        "map_index": 2,
        "try_number": 3,
    }
    assert (promote.path, promote.claim) == (f"{PREFIX}/releases/7/promote", f"5.{secret}")


@pytest.mark.req("R88")
def test_a_process_that_is_one_task_has_one_secret_for_it_and_another_for_each_other(server):
    server.script("POST", "/releases/7/promote", {"release_id": 7, "state": "released", "commit": "c"})
    for try_number in (1, 1, 2):
        ti = TaskInstance(run_id="secrets", try_number=try_number)
        PromoteReleaseOperator(task_id="promote", release_id="7").execute(context(ti))

    first, again, other = [request.body["secret"] for request in server.called(CLAIMS)]
    assert first == again != other
    assert len(first) >= 32


@pytest.mark.req("R88")
def test_a_task_that_somebody_else_claims_to_be_fails_for_good_and_says_nothing(server):
    refusal = {"error": "task_claimed", "detail": "Two callers said that they are this task."}
    server.script("POST", "/releases/7/claims", Answer(409, refusal))
    with pytest.raises(AirflowFailException, match="Two callers"):
        PromoteReleaseOperator(task_id="promote", release_id="7").execute(context())
    assert not server.called(f"{PREFIX}/releases/7/promote")


def test_callbacks_of_the_user_are_kept():
    def mine(context):
        pass

    def other(context):
        pass

    with DAG("d", default_args={"on_failure_callback": other}):
        assert PromoteReleaseOperator(task_id="a").on_failure_callback == [other, report_errored]
        task = PromoteReleaseOperator(task_id="b", on_failure_callback=[mine, other])
    assert task.on_failure_callback == [mine, other, report_errored]
    assert PromoteReleaseOperator(task_id="c").on_failure_callback == [report_errored]
