"""An Airflow that ran a plain folder is adopted, switched over and taken back; nothing runs again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.instance import DemoInstance, running_demo
from demo.processes import wait_until

pytestmark = [pytest.mark.req("R21"), pytest.mark.timeout(400)]
OLD = "dags-folder"
LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"
RELEASES = "airflow_release_plugin.bundles.release.ReleaseDagBundle"
WAITS = "waits"
RESTARTED = ("scheduler", "dag-processor")
DAG_FILE = """
import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task
from shared.tables import NAME

with DAG("{dag_id}", schedule={schedule!r}, start_date=pendulum.datetime(2026, 1, 1), catchup=False,
         is_paused_upon_creation={paused}):
    EmptyOperator(task_id="one")
"""
WAITING_FILE = """
from pathlib import Path
from airflow.sdk import DAG, task

with DAG("waits", schedule=None):
    @task(pool="closed")
    def where():
        return str(Path(__file__).resolve())
    where()
"""


def write_folder(root: Path) -> None:
    """Three dozen DAGs, daily and hourly ones, some paused; one that does not import, one that waits."""
    (root / "shared").mkdir(parents=True)
    (root / "shared" / "__init__.py").write_text("")
    (root / "shared" / "tables.py").write_text("NAME = 'orders'\n")
    for number in range(36):
        dag_id = f"etl_{number:02}"
        schedule = ("@daily", "@hourly", None)[number % 3]
        text = DAG_FILE.format(dag_id=dag_id, schedule=schedule, paused=number % 4 == 0)
        (root / f"{dag_id}.py").write_text(text)
    (root / "waits.py").write_text(WAITING_FILE)
    (root / "broken.py").write_text("from airflow.sdk import DAG\nimport no_such_module\n")


def bundles(name: str, classpath: str, **kwargs: str) -> str:
    """A configuration of one bundle."""
    return json.dumps([{"name": name, "classpath": classpath, "kwargs": kwargs}])


class Live:
    """The installation: an old folder, and what Airflow says of it."""

    def __init__(self, demo: DemoInstance, root: Path, client: httpx.Client) -> None:
        self.demo = demo
        self.root = root
        self.client = client

    def get(self, path: str) -> list[dict[str, Any]]:
        answer = self.client.get(f"/api/v2/{path}", params={"limit": 100})
        answer.raise_for_status()
        return next(list(value) for value in answer.json().values() if isinstance(value, list))

    def state(self) -> dict[str, Any]:
        """Everything that a switch must leave alone."""
        dags = ("dag_id", "is_paused", "is_stale", "timetable_summary", "next_dagrun_logical_date")
        runs = ("dag_id", "dag_run_id", "state", "start_date", "end_date", "run_type")
        tasks = ("id", "dag_id", "dag_run_id", "state", "try_number", "start_date")
        return {
            "dags": sorted([row[key] for key in dags] for row in self.get("dags")),
            "runs": sorted([row[key] for key in runs] for row in self.get("dags/~/dagRuns")),
            "tasks": sorted(
                [row[key] for key in tasks] for row in self.get("dags/~/dagRuns/~/taskInstances")
            ),
            "errors": sorted(row["filename"] for row in self.get("importErrors")),
        }

    def settle(self) -> None:
        """Wait until everything was parsed and all runs but the waiting one have ended."""

        def is_quiet() -> bool:
            runs = [row for row in self.get("dags/~/dagRuns") if row["dag_id"] != WAITS]
            return (
                len(self.get("dags")) == 37
                and len(runs) >= 18
                and all(row["state"] == "success" for row in runs)
                and bool(self.get("importErrors"))
            )

        assert wait_until(is_quiet, seconds=90, pause=1), self.state()

    def switch(self, configured: str) -> None:
        """Change the configuration and restart what serves DAGs; wait until all are served again."""
        self.demo.processes.environment["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = configured
        for component in RESTARTED:
            self.demo.processes.kill(component)
        for component in RESTARTED:
            self.demo.processes.start_again(component)
        name = json.loads(configured)[0]["name"]

        def is_served() -> bool:
            rows = self.get("dags")
            return len(rows) == 37 and all(
                (row["bundle_name"], row["is_stale"]) == (name, False)
                and (row["bundle_version"] is None) == (configured == self.old)
                for row in rows
            )

        assert wait_until(is_served, seconds=90, pause=1), self.demo.processes.tail("dag-processor")

    @property
    def old(self) -> str:
        """The configuration that it had."""
        return bundles(OLD, LOCAL, path=str(self.root))

    def finish_waiting_run(self) -> str:
        """Let the task run that waited since before the switch; return the file that ran."""
        open_pool = {"pool": "closed", "slots": 1, "include_deferred": False}
        self.client.patch("/api/v2/pools/closed", json=open_pool).raise_for_status()
        (run,) = self.get(f"dags/{WAITS}/dagRuns")
        path = f"/api/v2/dags/{WAITS}/dagRuns/{run['dag_run_id']}"
        assert wait_until(lambda: bool(self.client.get(path).json()["state"] == "success"), seconds=60)
        return str(self.client.get(f"{path}/taskInstances/where/xcomEntries/return_value").json()["value"])

    def release(self, *arguments: str) -> list[dict[str, Any]]:
        """Rows that ``airflow release …`` prints."""
        log = self.demo.processes.log("command")
        log.unlink(missing_ok=True)
        code = self.demo.processes.run("release", *arguments, "--output", "json", name="command")
        text = log.read_text()
        assert code == 0, text
        found: list[dict[str, Any]] = json.loads(text[text.index("[{") :])
        return found


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """An Airflow that has run a plain folder for a while."""
    root = tmp_path / "live"
    write_folder(root)
    options = {"dag_processor.dag_bundle_config_list": bundles(OLD, LOCAL, path=str(root))}
    with (
        running_demo(tmp_path / "home", options=options, say=print) as demo,
        demo.client("admin") as client,
    ):
        made = Live(demo, root, client)
        closed = {"name": "closed", "slots": 0, "include_deferred": False}
        made.client.post("/api/v2/pools", json=closed).raise_for_status()
        run = made.client.post(f"/api/v2/dags/{WAITS}/dagRuns", json={"logical_date": None})
        run.raise_for_status()
        made.settle()
        yield made


def test_a_live_folder_is_adopted_and_given_back(live: Live) -> None:
    before = live.state()

    preview = {row["property"]: row["value"] for row in live.release("adopt", str(live.root), "--dry-run")}
    assert (preview["bundle"], preview["files"], preview["dags"]) == (OLD, "40", "37")
    assert "broken.py: ModuleNotFoundError" in str(preview["does not import"])
    (adopted,) = live.release("adopt", OLD)
    assert (adopted["state"], adopted["files"], adopted["dag files"]) == ("released", "40", "37")
    assert live.state() == before

    live.switch(bundles(OLD, RELEASES, environment="prod"))
    assert live.state() == before
    assert {row["bundle_version"] for row in live.get("dags")} == {adopted["commit"]}

    live.switch(live.old)
    assert live.state() == before
    assert live.release("adopt", "--verify")[0]["detail"] == f"37 of 37 Dags by {OLD}"
    assert live.release("adopt", OLD) == [adopted]

    live.switch(bundles("prod", RELEASES))
    assert live.state() == before
    assert live.release("adopt", "--verify")[0]["detail"] == "37 of 37 Dags by prod"
    assert live.finish_waiting_run().endswith(f"/{adopted['commit']}/waits.py")
