from __future__ import annotations

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_release_plugin.operators.base import report_errored
from airflow_release_plugin.operators.promote import PromoteReleaseOperator
from tests.unit.client.context import context
from tests.unit.client.server import PREFIX, release

ERRORED = f"{PREFIX}/releases/7/errored"


def fail(server, state, attempt=1):
    server.script("GET", "/releases/7", release(state=state, attempt=attempt))
    server.script("POST", "/releases/7/errored", release(state="errored"))
    task = PromoteReleaseOperator(task_id="promote", release_id="7")
    report_errored(context(task=task, exception=RuntimeError("worker lost")))


@pytest.mark.parametrize("state", ["checking", "awaiting_approval", "approved"])
def test_release_that_nobody_works_on_any_more_becomes_errored(server, state):
    fail(server, state)
    assert server.called(ERRORED)[0].body == {"reason": "Task 'promote' failed: worker lost"}


@pytest.mark.parametrize("state", ["failed", "rejected", "revoked", "expired", "stale", "released"])
def test_release_that_has_ended_stays_as_it_is(server, state):
    fail(server, state)
    assert not server.called(ERRORED)


def test_any_task_of_a_pipeline_may_use_the_callback(server):
    server.script("GET", "/releases/7", release(state="checking"))
    server.script("POST", "/releases/7/errored", release(state="errored"))
    report_errored(context(task=BaseOperator(task_id="mine")))
    assert "without saying why" in server.called(ERRORED)[0].body["reason"]


def test_failure_of_an_earlier_attempt_does_not_touch_the_present_one(server):
    fail(server, "checking", attempt=2)
    assert not server.called(ERRORED)


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
