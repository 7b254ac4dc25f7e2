from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred

from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.operators.promote import (
    PromoteReleaseOperator,
    RequestApprovalOperator,
    RunReleasedDagsOperator,
    VerifyReleaseOperator,
)
from tests.unit.client.context import context
from tests.unit.client.server import PREFIX, Answer, release

RUN = {"dag_id": "a", "run_id": "r", "state": "queued", "problem": ""}


def test_promotion_gives_the_commit(server):
    server.script("POST", "/releases/7/promote", {"release_id": 7, "state": "released", "commit": "c0ffee"})
    assert PromoteReleaseOperator(task_id="t", release_id=7).execute(context()) == "c0ffee"


def test_promotion_that_needs_another_check_leaves_the_rest_to_that_run(server):
    server.script("POST", "/releases/7/promote", {"release_id": 7, "state": "checking", "commit": ""})
    with pytest.raises(AirflowSkipException, match="another run"):
        PromoteReleaseOperator(task_id="t", release_id=7).execute(context())


def test_promotion_of_a_stale_release_fails_with_the_reason(server):
    server.script("POST", "/releases/7/promote", {"release_id": 7, "state": "stale", "commit": ""})
    server.script("GET", "/releases/7", release(state="stale", state_reason="a.py changed."))
    with pytest.raises(AirflowFailException, match=r"'stale': a\.py changed\."):
        PromoteReleaseOperator(task_id="t", release_id=7).execute(context())


def test_what_the_server_refuses_fails_for_good_with_its_words(server):
    server.script(
        "POST",
        "/releases/7/promote",
        Answer(409, {"error": "invalid_transition", "detail": "It is 'rejected'."}),
    )
    with pytest.raises(AirflowFailException, match="It is 'rejected'"):
        PromoteReleaseOperator(task_id="t", release_id=7).execute(context())


FROZEN = Answer(409, {"error": "frozen", "detail": "R-000007 is approved but frozen by Friday."})


def test_promotion_in_a_freeze_waits_in_the_triggerer(server):
    server.script("POST", "/releases/7/promote", FROZEN)
    with pytest.raises(TaskDeferred) as waiting:
        PromoteReleaseOperator(task_id="t", release_id=7).execute(context())
    assert waiting.value.trigger.subject == "release:7"
    assert "approved_held" not in waiting.value.trigger.targets


def test_promotion_goes_on_when_the_freeze_is_over(server):
    server.script("POST", "/releases/7/promote", {"release_id": 7, "state": "released", "commit": "c0ffee"})
    event = {"status": "success", "state": "approved", "error_type": "", "message": ""}
    assert PromoteReleaseOperator(task_id="t", release_id=7).resume(context(), event) == "c0ffee"


def test_what_a_retry_may_mend_leaves_the_task_its_retries(server):
    server.script(
        "POST", "/releases/7/request-approval", Answer(503, {"error": "store_unavailable", "detail": "x"})
    )
    with pytest.raises(UnavailableError):
        RequestApprovalOperator(task_id="t", release_id=7).execute(context())


def test_requested_approval_gives_the_state(server):
    server.script("POST", "/releases/7/request-approval", release(state="awaiting_approval"))
    assert RequestApprovalOperator(task_id="t", release_id=7).execute(context()) == "awaiting_approval"


def verify(**arguments):
    VerifyReleaseOperator(task_id="t", release_id=7, poll_interval=0.01, **arguments).execute(context())


def test_verification_waits_until_airflow_serves_the_release(server):
    pending = {"status": "pending", "problems": []}
    server.script("POST", "/releases/7/verify", pending, pending, {"status": "passed", "problems": []})
    verify()
    assert len(server.called(f"{PREFIX}/releases/7/verify")) == 3


def test_verification_that_says_no_lists_the_problems(server):
    problems = [f"file{number}.py: import error" for number in range(25)]
    server.script("POST", "/releases/7/verify", {"status": "failed", "problems": problems})
    with pytest.raises(AirflowFailException) as caught:
        verify()
    assert "- file0.py: import error" in str(caught.value)
    assert "and 5 more" in str(caught.value)


def test_verification_without_an_answer_ends(server):
    server.script("POST", "/releases/7/verify", {"status": "pending", "problems": ["a.py: not parsed"]})
    with pytest.raises(AirflowFailException, match=r"after 0\.05 s.*\n- a\.py: not parsed"):
        verify(timeout=0.05)


@pytest.mark.req("R11")
def test_started_runs_are_the_result(server):
    server.script("POST", "/releases/7/run", [RUN])
    assert RunReleasedDagsOperator(task_id="t", release_id=7).execute(context()) == [RUN]


@pytest.mark.req("R11")
def test_release_that_asks_for_no_runs_skips_the_task(server):
    server.script("POST", "/releases/7/run", [])
    with pytest.raises(AirflowSkipException):
        RunReleasedDagsOperator(task_id="t", release_id=7).execute(context())


def test_dag_that_cannot_be_started_is_named_and_tried_again(server):
    refused = RUN | {"dag_id": "b", "run_id": "", "state": "not_started", "problem": "It is gone."}
    server.script("POST", "/releases/7/run", [RUN, refused])
    with pytest.raises(UnavailableError, match=r"- b: It is gone\."):
        RunReleasedDagsOperator(task_id="t", release_id=7).execute(context())
