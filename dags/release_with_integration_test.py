"""
A release pipeline with an integration test between check and approval.

Reviewers then decide on code that has run. Name this DAG in ``[release] pipeline_dag_id`` and every release
goes through it. The test loads orders with the candidate's own ``shop`` package, twice, into a new database.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import timedelta

from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from airflow_release_plugin.operators.base import report_errored
from airflow_release_plugin.operators.candidate import candidate_tree, report_test
from airflow_release_plugin.operators.check import CheckReleaseOperator
from airflow_release_plugin.operators.promote import (
    PromoteReleaseOperator,
    RequestApprovalOperator,
    VerifyReleaseOperator,
)
from airflow_release_plugin.sensors.release import ReleaseStateSensor

LOADS_TWICE = """
from shop.loading import extract, load
from shop.warehouse import connected

orders = extract("2026-01-01")
assert load(orders) == load(orders) == len(orders) > 0
with connected() as connection:
    (rows,) = connection.execute("SELECT count(*) FROM orders").fetchone()
assert rows == len(orders), f"{rows} rows after loading {len(orders)} orders twice"
print(f"{rows} orders, loaded twice, are there once")
"""


@dag(
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=100,
    tags=["release"],
    default_args={"owner": "platform-team", "retries": 1, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
)
def release_with_integration_test() -> None:
    @task(on_failure_callback=report_errored)
    def load_orders_twice() -> str:
        release_id = int(get_current_context()["dag_run"].conf["release_id"])
        with candidate_tree(release_id) as tree, tempfile.TemporaryDirectory() as scratch:
            if not (tree / "shop").is_dir():
                return "this release brings no shop package"
            # Nobody has approved this code yet: it gets a process without the worker's environment.
            done = subprocess.run(
                [sys.executable, "-c", LOADS_TWICE],
                cwd=scratch,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tree), "TMPDIR": scratch},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        passed, said = done.returncode == 0, (done.stdout + done.stderr).strip()
        report_test(release_id, name="orders load twice", passed=passed, detail=said)
        if not passed:
            raise AirflowFailException(f"The integration test failed:\n{said}")
        return said

    (
        CheckReleaseOperator(task_id="check", request_approval=False)
        >> load_orders_twice()
        >> RequestApprovalOperator(task_id="request_approval")
        >> ReleaseStateSensor(
            task_id="await_approval", end_from_trigger=True, on_failure_callback=report_errored
        )
        >> PromoteReleaseOperator(task_id="promote")
        >> VerifyReleaseOperator(task_id="verify")
    )


release_with_integration_test()
