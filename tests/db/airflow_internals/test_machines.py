"""How Airflow knows that a machine is at work, read from its own tables."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from airflow.sdk import DAG
from sqlalchemy.orm import Session

from airflow_release_plugin.airflow_internals.serving import AirflowServing
from airflow_release_plugin.domain.tasks import TaskKey
from airflow_release_plugin.sensors.gate import ApprovalGateSensor
from tests.conftest import BACKENDS
from tests.harness.airflow_tasks import start_task, store_dag
from tests.harness.databases import counted

pytestmark = [pytest.mark.req("R76"), pytest.mark.parametrize("db_backend", BACKENDS)]
KEY = TaskKey("etl", "run", "sign_off", -1, 1)
NOW = datetime.now(timezone.utc)
HEARD = NOW - timedelta(hours=1)


def task(session: Session, state: str = "running", bundle: str = "prod", **columns: Any) -> None:
    with DAG("etl") as dag:
        ApprovalGateSensor(task_id="sign_off", title="?")
    store_dag(session, dag, bundle=bundle)
    start_task(session, KEY, state, **{"last_heartbeat_at": NOW, "queued_dttm": NOW, **columns})


def processor(session: Session, state: str | None, host: str = "worker") -> None:
    from airflow.jobs.job import Job

    job = Job()
    job.job_type, job.state, job.hostname, job.latest_heartbeat = "DagProcessorJob", state, host, HEARD
    session.add(job)
    session.flush()


def at_work(session: Session) -> dict[str, str]:
    return dict(AirflowServing(session).machines_at_work("prod", {"worker": HEARD, "other": HEARD}))


@pytest.mark.parametrize("state", ["running", "success"])
def test_a_worker_is_that_took_up_a_task_since(session: Session, state: str) -> None:
    task(session, state)

    assert at_work(session) == {"worker": f"It took up a task that was queued at {NOW:%Y-%m-%d %H:%M} UTC."}


@pytest.mark.parametrize(
    "columns",
    [
        {"queued_dttm": HEARD - timedelta(seconds=1)},
        {"queued_dttm": None},
        {"hostname": "elsewhere"},
        {"bundle": "dev"},
        # Its host is still that of an earlier start.
        {"state": "queued"},
        {"state": "failed"},
    ],
)
def test_a_worker_is_not_by_what_says_nothing_of_it(session: Session, columns: dict[str, Any]) -> None:
    task(session, **columns)

    assert at_work(session) == {}


def test_a_dag_processor_is_whose_job_has_not_ended(session: Session) -> None:
    processor(session, "running")
    processor(session, "success", "other")
    processor(session, "running", "elsewhere")

    (reason,) = [at_work(session)["worker"]]
    assert reason == (
        f"Its dag processor has not ended; its last heartbeat was at {HEARD:%Y-%m-%d %H:%M} UTC."
    )
    assert list(at_work(session)) == ["worker"]


def test_it_is_two_queries(session: Session) -> None:
    task(session)
    processor(session, "running")

    with counted(session.connection()) as statements:
        at_work(session)

    assert len(statements) == 2
