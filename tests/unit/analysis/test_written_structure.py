from __future__ import annotations

import pytest

from airflow_release_plugin.analysis.written_structure import WrittenStructure, read_structure

CLASSIC = b"""
with DAG("etl", schedule="@daily"):
    BashOperator(task_id="load", bash_command="true")
    for name in names:
        BashOperator(task_id=f"check_{name}", bash_command="true")
    PythonOperator.partial(task_id="each", python_callable=f).expand(op_args=[])
    xcom_pull(task_id="not_one")
"""
FLOW = b"""
@dag(schedule=timedelta(hours=1))
def etl():
    @task
    def load(): ...
    @task.bash(task_id="named")
    def check(): ...
    @task
    def never_called(): ...
    load() >> check()
etl()
"""


def test_operators_and_their_schedule_are_read() -> None:
    assert read_structure(CLASSIC) == WrittenStructure(frozenset({"load", "each"}), {"etl": "@daily"})


def test_functions_count_as_tasks_where_they_are_called() -> None:
    assert read_structure(FLOW) == WrittenStructure(
        frozenset({"load", "named"}), {"etl": "timedelta(hours=1)"}
    )


@pytest.mark.parametrize(
    ("text", "schedules"),
    [
        (b"DAG('etl')", {"etl": ""}),
        (b"DAG(dag_id='etl', schedule=None)", {"etl": ""}),
        (b"DAG('etl', schedule=SCHEDULE)", {}),
        (b"DAG('etl', **options)", {}),
        (b"DAG(name, schedule='@daily')", {}),
        (b"@dag\ndef etl(): ...", {"etl": ""}),
    ],
)
def test_what_is_not_written_as_a_constant_is_not_guessed(text: bytes, schedules: dict[str, str]) -> None:
    found = read_structure(text)

    assert found is not None
    assert found.schedules == schedules


@pytest.mark.parametrize("text", [b"def", b"\0", b"(" * 5000])
def test_what_is_no_python_has_no_structure(text: bytes) -> None:
    assert read_structure(text) is None
