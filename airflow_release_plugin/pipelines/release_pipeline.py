"""The DAG that works on a release, one run for each attempt."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_release_plugin.operators.base import report_errored
from airflow_release_plugin.operators.check import CheckReleaseOperator
from airflow_release_plugin.operators.promote import (
    PromoteReleaseOperator,
    RunReleasedDagsOperator,
    VerifyReleaseOperator,
)
from airflow_release_plugin.sensors.release import ReleaseStateSensor
from airflow_release_plugin.sensors.soak import ReleaseSoakSensor

DOC = """
Works on one release. Airflow Release starts a run for each attempt; its conf is
`{"release_id": 7, "attempt": 1}`.

1. **check** parses the tree that the target would have, on a worker, and reports what is in it.
2. **await_approval** waits until people have decided; it holds no worker.
3. **promote** moves the target to the approved release, as one commit.
4. **verify** waits until Airflow serves that commit, and fails when it serves something else.
5. **run** starts the released DAGs, if the release asks for it.
6. **soak** waits for those first runs, if the release asks for that too; it holds no worker.

What fails in step 4 or 6 is rolled back by the server at once, unless that is switched off.

A task that said no leaves the reason with the release: retry it on its page, not by clearing tasks here.
Pipelines of your own use the same operators; see the example `release_with_integration_test`.
"""

with DAG(
    "release_pipeline",
    schedule=None,
    catchup=False,
    max_active_runs=100,
    is_paused_upon_creation=False,
    tags=["release"],
    doc_md=DOC,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
):
    check = CheckReleaseOperator(task_id="check")
    await_approval = ReleaseStateSensor(
        task_id="await_approval", end_from_trigger=True, on_failure_callback=report_errored
    )
    promote = PromoteReleaseOperator(task_id="promote")
    verify = VerifyReleaseOperator(task_id="verify")
    run = RunReleasedDagsOperator(task_id="run")
    soak = ReleaseSoakSensor(task_id="soak", on_failure_callback=report_errored)

    check >> await_approval >> promote >> verify >> run >> soak
