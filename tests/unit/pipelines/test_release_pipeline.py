from __future__ import annotations

import subprocess
import sys

from airflow.serialization.serialized_objects import DagSerialization

from airflow_release_plugin.config import pipeline_dag_id
from airflow_release_plugin.operators.base import report_errored
from airflow_release_plugin.pipelines.release_pipeline import check

PIPELINE = check.dag


def test_pipeline_is_the_one_that_the_configuration_names_by_default():
    assert PIPELINE.dag_id == pipeline_dag_id()


def test_steps_follow_each_other():
    order = [task.task_id for task in PIPELINE.topological_sort()]
    assert order == ["check", "await_approval", "promote", "verify", "run", "soak"]


def test_pipeline_runs_by_order_only_and_is_never_paused_by_default():
    assert PIPELINE.schedule is None
    assert PIPELINE.catchup is False
    assert PIPELINE.is_paused_upon_creation is False


def test_every_step_that_dies_tells_the_release():
    for task in PIPELINE.tasks:
        assert report_errored in task.on_failure_callback


def test_pipeline_survives_serialisation_with_its_links():
    again = DagSerialization.from_dict(DagSerialization.to_dict(PIPELINE))
    keys = {}
    for name, task in again.task_dict.items():
        (link,) = task.operator_extra_links
        assert link.name == "Release"
        keys[name] = link.xcom_key
    assert keys.pop("await_approval") == "_link_ReleaseLink"
    assert keys == {name: f"_link_ReleaseLink_{name}" for name in keys}


def test_parsing_loads_neither_the_web_side_nor_what_runs_dag_files():
    code = (
        "import airflow.sdk, sys; before = set(sys.modules)\n"
        "import airflow_release_plugin.pipelines.release_pipeline\n"
        "added = {name for name in set(sys.modules) - before if name.startswith('airflow_release_plugin.')}\n"
        "heavy = {'services', 'models', 'store', 'api', 'views', 'analysis', 'proof'}\n"
        "print({name.split('.')[1] for name in added} & heavy)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[-1] == "set()"
