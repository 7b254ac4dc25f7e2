"""What tasks of dev copies tell of what they read, by real task processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.airflow_internals.tasks import AirflowTasks
from airflow_release_plugin.domain.release.dev_runs import DevRun, TaskReads
from airflow_release_plugin.domain.tree.files import blob_id
from tests.harness.real_tasks import Worker

pytestmark = pytest.mark.req("R84")
LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"
ETL = """
from pathlib import Path
from airflow.sdk import dag, task
import helper

HERE = Path(__file__).parent

@dag(schedule=None)
def etl():
    @task
    def load():
        name = "rates"
        (HERE / "out.txt").write_text("made by the task")
        (HERE / "out.txt").read_text()
        return (HERE / "conf" / f"{name}.csv").read_text()

    load()

etl()
"""

DEFERS = """
from datetime import timedelta
from pathlib import Path
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import DAG, BaseOperator

HERE = Path(__file__).parent

class Wait(BaseOperator):
    end_from_trigger = True  # Airflow refuses such a DAG where a plugin listens

    def execute(self, context):
        (HERE / "first.csv").read_text()
        self.defer(trigger=TimeDeltaTrigger(timedelta(0)), method_name="resume")

    def resume(self, context, event=None):
        (HERE / "second.csv").read_text()

with DAG("etl", schedule=None):
    Wait(task_id="wait")
"""
TWO = """
from pathlib import Path
from airflow.sdk import dag, task

@dag(schedule=None)
def etl():
    @task
    def fails():
        Path(__file__).with_name("first.csv").read_text()
        raise ValueError("for a reason")

    @task
    def silent():
        pass

    fails()
    silent()

etl()
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dev"
    (folder / "conf").mkdir(parents=True)
    (folder / "etl.py").write_text(ETL)
    (folder / "helper.py").write_text("VALUE = 1\n")
    for name in ("first", "second"):
        (folder / f"{name}.csv").write_text(name)
    (folder / "conf" / "rates.csv").write_text("1,2\n")
    configured = [{"name": "dev", "classpath": LOCAL, "kwargs": {"path": str(folder)}}]
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(configured))
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def worker(session_factory: sessionmaker[Session], source: Path, tmp_path: Path) -> Worker:
    return Worker(session_factory, "dev", source, tmp_path)


def told(sessions: sessionmaker[Session]) -> tuple[DevRun, ...]:
    with sessions() as session:
        return AirflowTasks(session).observed_runs(["dev.etl", "dev.other"])


def blobs(source: Path, *paths: str) -> dict[str, str]:
    return {path: blob_id((source / path).read_bytes()) for path in paths}


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_it_is_every_file_of_the_source_with_its_bytes(
    worker: Worker, session_factory: sessionmaker[Session], source: Path
) -> None:
    assert worker.run("dev.etl", "load") == "success", worker.log
    worker.end_run("dev.etl")

    (run,) = told(session_factory)
    read = blobs(source, "conf/rates.csv", "etl.py", "helper.py")
    assert (run.dag_id, run.run_id, run.is_success, run.silent) == ("dev.etl", "manual", True, 0)
    assert run.tasks == (TaskReads("load", read),)
    assert run.tried("etl.py", {**read, "more.py": "0" * 40})


def test_it_is_of_all_processes_of_a_task_that_waits_without_one(
    worker: Worker, session_factory: sessionmaker[Session], source: Path
) -> None:
    (source / "etl.py").write_text(DEFERS)

    assert worker.run("dev.etl", "wait") == "deferred", worker.log
    assert worker.run("dev.etl", "wait") == "success", worker.log

    (run,) = told(session_factory)
    assert run.files == blobs(source, "etl.py", "first.csv", "second.csv")


def test_a_task_that_fails_tells_it_too_and_a_silent_one_is_counted(
    worker: Worker, session_factory: sessionmaker[Session], source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "etl.py").write_text(TWO)

    assert worker.run("dev.etl", "fails") == "failed"
    monkeypatch.setenv("AIRFLOW__RELEASE__OBSERVE_DEV_RUNS", "False")
    assert worker.run("dev.etl", "silent") == "success"

    (run,) = told(session_factory)
    assert (run.files, run.silent) == (blobs(source, "etl.py", "first.csv"), 1)
