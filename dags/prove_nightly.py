"""
Runs everything that production serves, each night, and says where Airflow serves something else.

A release is proven before it is approved. What changes a DAG later is not part of it: a package that was
upgraded, an option of Airflow, a file that somebody edited. See "Prove what runs" in the documentation.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG

from airflow_release_plugin.operators.prove import ProveEnvironmentOperator

with DAG(
    dag_id="prove_nightly",
    schedule="0 4 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["release"],
    default_args={"owner": "platform-team", "retries": 2},
    doc_md=__doc__,
):
    ProveEnvironmentOperator(task_id="prove")
