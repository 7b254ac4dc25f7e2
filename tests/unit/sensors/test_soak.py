from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_release_plugin.sensors.soak import ReleaseSoakSensor
from tests.unit.client.context import context

pytestmark = pytest.mark.req("R18")


def answer(status, *problems, outcome=""):
    return {"status": status, "problems": list(problems), "outcome": outcome}


def poke(server, body):
    server.script("POST", "/releases/7/soak", body)
    return ReleaseSoakSensor(task_id="t", release_id=7).poke(context())


def test_runs_that_succeeded_end_the_wait(server):
    assert poke(server, answer("passed")).is_done


def test_runs_that_are_under_way_are_waited_for_without_a_worker(server):
    assert not poke(server, answer("pending", "a: its first run is 'running'")).is_done
    assert ReleaseSoakSensor(task_id="t").mode == "reschedule"


def test_a_run_that_failed_fails_the_task_and_says_what_became_of_the_release(server):
    body = answer("failed", "a: its first run is 'failed'", outcome="Rolled back by R-000008.")

    with pytest.raises(AirflowFailException, match=r"Rolled back by R-000008.\n- a: its first run"):
        poke(server, body)
