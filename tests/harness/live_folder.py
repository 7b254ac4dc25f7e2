"""An installation that has run a plain folder of DAGs for a while, and its switch to adopted releases."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from demo.instance import DemoInstance, running_demo
from demo.processes import wait_until
from tests.harness.driver import WAIT_SECONDS

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


def write_folder(root: Path, dags: int) -> None:
    """That many DAGs, daily and weekly ones, some paused; one that does not import, one that waits."""
    (root / "shared").mkdir(parents=True)
    (root / "shared" / "__init__.py").write_text("")
    (root / "shared" / "tables.py").write_text("NAME = 'orders'\n")
    for number in range(dags - 1):
        dag_id = f"etl_{number:03}"
        schedule = ("@daily", "@weekly", None)[number % 3]
        text = DAG_FILE.format(dag_id=dag_id, schedule=schedule, paused=number % 4 == 0)
        (root / f"{dag_id}.py").write_text(text)
    (root / "waits.py").write_text(WAITING_FILE)
    (root / "broken.py").write_text("from airflow.sdk import DAG\nimport no_such_module\n")


def bundles(name: str, classpath: str, **kwargs: str) -> str:
    """A configuration of one bundle."""
    return json.dumps([{"name": name, "classpath": classpath, "kwargs": kwargs}])


class Live:
    """The installation: an old folder with so many DAGs, and what Airflow says of it."""

    def __init__(self, demo: DemoInstance, root: Path, client: httpx.Client, dags: int) -> None:
        self.dags = dags
        self.settled_in = 0.0
        self.demo = demo
        self.root = root
        self.client = client

    def get(self, path: str) -> list[dict[str, Any]]:
        """All rows of a list of Airflow's API."""
        rows: list[dict[str, Any]] = []
        while True:
            answer = self.client.get(f"/api/v2/{path}", params={"limit": 100, "offset": len(rows)})
            answer.raise_for_status()
            page = next(value for value in answer.json().values() if isinstance(value, list))
            rows += page
            if len(page) < 100:
                return rows

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

    def is_known(self, dag_id: str) -> bool:
        """Whether Airflow has parsed a DAG."""
        return self.client.get(f"/api/v2/dags/{dag_id}").is_success

    def settle(self, seconds: float = WAIT_SECONDS) -> None:
        """Wait until everything was parsed and all runs but the waiting one have ended."""
        scheduled = sum(number % 3 != 2 and number % 4 != 0 for number in range(self.dags - 1))

        def is_quiet() -> bool:
            runs = [row for row in self.get("dags/~/dagRuns") if row["dag_id"] != WAITS]
            return (
                len(self.get("dags")) == self.dags
                and len(runs) >= scheduled
                and all(row["state"] == "success" for row in runs)
                and bool(self.get("importErrors"))
            )

        assert wait_until(is_quiet, seconds=seconds, pause=1), self.state()

    def switch(self, configured: str, seconds: float = WAIT_SECONDS) -> None:
        """Change the configuration and restart what serves DAGs; wait until all are served again."""
        self.demo.processes.environment["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = configured
        for component in RESTARTED:
            self.demo.processes.kill(component)
        for component in RESTARTED:
            self.demo.processes.start_again(component)
        name = json.loads(configured)[0]["name"]

        def is_served() -> bool:
            rows = self.get("dags")
            return len(rows) == self.dags and all(
                (row["bundle_name"], row["is_stale"]) == (name, False)
                and (row["bundle_version"] is None) == (configured == self.old)
                for row in rows
            )

        assert wait_until(is_served, seconds=seconds, pause=1), self.demo.processes.tail("dag-processor")

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
        assert wait_until(
            lambda: bool(self.client.get(path).json()["state"] == "success"), seconds=WAIT_SECONDS
        )
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


@contextmanager
def running_folder(home: Path, dags: int, *, seconds: float = WAIT_SECONDS) -> Iterator[Live]:
    """An Airflow that has run a plain folder for a while; each step of that within ``seconds``."""
    root = home.with_name("live")
    write_folder(root, dags)
    options = {"dag_processor.dag_bundle_config_list": bundles(OLD, LOCAL, path=str(root))}
    with running_demo(home, options=options, say=print) as demo, demo.client("admin") as client:
        made, begun = Live(demo, root, client, dags), time.monotonic()
        closed = {"name": "closed", "slots": 0, "include_deferred": False}
        made.client.post("/api/v2/pools", json=closed).raise_for_status()
        assert wait_until(lambda: made.is_known(WAITS), seconds=seconds, pause=1)
        run = made.client.post(f"/api/v2/dags/{WAITS}/dagRuns", json={"logical_date": None})
        run.raise_for_status()
        made.settle(seconds)
        made.settled_in = time.monotonic() - begun
        yield made
