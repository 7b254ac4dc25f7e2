"""
Puts every DAG with the tag `sales` into one signed bundle file, each night.

Carry the files of that folder to the other network, in whatever way yours allows; see "Export DAGs for
another installation" in the documentation.
"""

from __future__ import annotations

import os
import tempfile

import pendulum
from airflow.sdk import DAG

from airflow_release_plugin.operators.export import ExportDagsOperator

FOLDER = os.environ.get("TRANSFER_FOLDER", tempfile.gettempdir())

with DAG(
    dag_id="export_nightly",
    schedule="0 3 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["release"],
    default_args={"owner": "platform-team", "retries": 2},
    doc_md=__doc__,
):
    ExportDagsOperator(
        task_id="export",
        tag="sales",
        with_upstream=True,
        file=FOLDER + "/sales-{{ dag_run.run_after | ts_nodash }}.dagbundle",
    )
