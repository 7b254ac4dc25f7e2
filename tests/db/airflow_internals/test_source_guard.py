"""Tasks of released DAGs that open files of the source, as real task processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.harness.real_tasks import Worker

pytestmark = pytest.mark.req("R83")
LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"
ETL = """
from pathlib import Path
from airflow.sdk import dag, task

@dag(schedule=None)
def etl():
    @task
    def load():
        Path(__file__).read_text()
        try:
            return open("{rates}").read()
        except OSError:
            return ""

    load()

etl()
"""


@pytest.fixture
def rates(tmp_path: Path) -> Path:
    """A file of the source."""
    file = tmp_path / "dev" / "rates.csv"
    file.parent.mkdir()
    file.write_text("1,2\n")
    return file


@pytest.fixture
def worker(
    session_factory: sessionmaker[Session], rates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Worker:
    """One that runs released DAGs, of which one reads that file."""
    served = tmp_path / "bundles" / "prod" / "served"
    served.mkdir(parents=True)
    (served / "etl.py").write_text(ETL.format(rates=rates))
    folders = {"dev": rates.parent, "prod": served}
    configured = [
        {"name": name, "classpath": LOCAL, "kwargs": {"path": str(path)}} for name, path in folders.items()
    ]
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(configured))
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "bundles"))
    return Worker(session_factory, "prod", served, tmp_path)


def test_their_log_tells_the_file_and_the_line(worker: Worker, rates: Path) -> None:
    assert worker.run("etl", "load") == "success"

    (line,) = [line for line in worker.log.splitlines() if "it would go on using" in line]
    assert json.loads(line)["level"] == "warning"
    assert f"opens '{rates}' of the source bundle 'dev' (etl.py line 11)" in line


def test_they_fail_without_another_try_where_that_is_configured(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__SOURCE_READS", "fail")

    assert worker.run("etl", "load") == "failed"
    assert "SourceReadError" in worker.log


def test_nothing_is_said_where_it_is_off(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__SOURCE_READS", "off")

    assert worker.run("etl", "load") == "success"
    assert "it would go on using" not in worker.log
