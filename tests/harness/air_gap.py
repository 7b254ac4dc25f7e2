"""Two installations that only a folder connects: one where DAGs are written, one where they run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import airflow.example_dags
from playwright.sync_api import Page
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from airflow_release_plugin.store.database import database_store
from demo.instance import DemoInstance
from tests.harness.driver import API, Driver, press

DAG_COUNT = 50
_TOP = """from datetime import datetime

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset{more}

from plant.common import OWNER
"""
_DAG = """
with DAG("{dag_id}", schedule={schedule}, start_date=datetime(2026, 1, 1), catchup=False, tags=["plant"],
         default_args={{"owner": OWNER}}):
    {body}
"""
_CONNECTED = """@task(pool="narrow")
    def load():
        return BaseHook.get_connection("warehouse").conn_type

    load() >> EmptyOperator(task_id="done", outlets=[Asset("plant_orders")])"""


def plant_file(number: int, note: str = "") -> str:
    """Text of one DAG file: the first needs a connection and a pool, the second waits for its asset."""
    dag_id = f"plant_{number:02}"
    more = ", task\nfrom airflow.sdk.bases.hook import BaseHook" if number == 0 else ""
    schedule = '[Asset("plant_orders")]' if number == 1 else "None"
    body = _CONNECTED if number == 0 else 'EmptyOperator(task_id="only")'
    return _TOP.format(more=more) + _DAG.format(dag_id=dag_id, schedule=schedule, body=body) + note


_PLUGINS = """from airflow.example_dags.plugins.business_day_window import BusinessDayWindowPlugin
from airflow.example_dags.plugins.custom_partition_mapper import PrefixStripMapperPlugin
from airflow.example_dags.plugins.custom_partition_timetable import ScheduledRuntimePartitionTimetablePlugin
from airflow.example_dags.plugins.decreasing_priority_weight_strategy import (
    DecreasingPriorityWeightStrategyPlugin,
)
from airflow.example_dags.plugins.workday import WorkdayTimetablePlugin
"""


def prepare_home(home: Path) -> None:
    """An empty source, and the plugins that some of Airflow's example DAGs need."""
    (home / "dags").mkdir()
    (home / "plugins").mkdir()
    (home / "plugins" / "of_examples.py").write_text(_PLUGINS)


@dataclass(frozen=True)
class AirGap:
    """
    The two sides and what lies between.

    :param folder: the only thing that both can reach; files are carried by hand
    :param far_database: URL of Airflow's metadata database there; that of the near side is a file in its home
    """

    near: Driver
    far: Driver
    folder: Path
    far_database: str

    def exchange_keys(self) -> None:
        """Trust on the far side what the near one signs."""
        rows = json.loads(run_airflow(self.near.demo, "release", "keys", "show", "--output", "json"))
        own = {row["property"]: row["value"] for row in rows}
        run_airflow(self.far.demo, "release", "keys", "trust", "near side", own["public_key"])

    def write_plant(self, numbers: Sequence[int] = range(DAG_COUNT)) -> list[str]:
        """DAG files and the module that they share, in the near source; their paths."""
        self.near.write("plant/__init__.py", "")
        self.near.write("plant/common.py", 'OWNER = "plant"\n')
        paths = [f"plant_{number:02}.py" for number in numbers]
        for number, path in zip(numbers, paths, strict=True):
            self.near.write(path, plant_file(number))
        self.wait_for_rows(paths)
        return paths

    def wait_for_rows(self, paths: Sequence[str]) -> None:
        """Wait until all these files may be submitted on the near side."""

        def look() -> bool:
            rows = self.near.get(f"{API}/candidates", limit=1000)["items"]
            return set(paths) <= {row["path"] for row in rows if row["may_submit"]}

        self.near.until(f"{len(paths)} files being in the list", look)

    def write_examples(self) -> list[dict[str, Any]]:
        """Airflow's own example DAGs in the near source; rows of those that may be released."""
        shutil.copytree(
            Path(airflow.example_dags.__file__).parent,
            self.near.demo.settings.source / "examples",
            ignore=shutil.ignore_patterns("__pycache__"),
        )

        counts: list[int] = []

        def look() -> list[dict[str, Any]] | None:
            items = self.near.get(f"{API}/candidates", limit=1000)["items"]
            rows = [row for row in items if row["path"].startswith("examples/") and row["may_submit"]]
            counts.append(len(rows))
            # Parsed, when for some seconds no further one may be submitted.
            return rows if len(rows) > 40 and counts[-15:] == [len(rows)] * 15 else None

        found: list[dict[str, Any]] = self.near.until("the examples being parsed", look, seconds=180)
        return found

    def ship_near(self, paths: Sequence[str], title: str) -> dict[str, Any]:
        """Release files on the near side; the release."""
        release_id = self.near.request(*paths, title=title)
        self.near.decide(self.near.wait_for(release_id, "awaiting_approval"))
        return self.near.wait_for(release_id, "released")

    def export(self, names: Sequence[str], *, since_last: bool = False) -> Path:
        """Export in the browser of the near side and carry the file into the folder."""
        with self.near.page("admin", "/transfers/") as page:
            page.get_by_label("Dag ids, one on each line").fill("\n".join(names))
            if since_last:
                page.get_by_label("How much").select_option(index=1)
            page.get_by_role("button", name="Generate").click()
            link = page.locator("#last").get_by_role("link", name="Download")
            link.wait_for()
            with page.expect_download() as fetched, page.expect_popup():
                link.click()
            target = self.folder / fetched.value.suggested_filename
            fetched.value.save_as(target)
        return target

    def tree(self, side: str) -> dict[str, str]:
        """Blob ids by path of what a side has released."""
        own = f"sqlite:///{self.near.demo.settings.home / 'airflow.db'}"
        engine = create_engine(own if side == "near" else self.far_database)
        with Session(engine) as session:
            store = database_store(session)
            found = {path: entry.blob for path, entry in store.files(store.head("prod")).items()}
        engine.dispose()
        return found

    def upload(self, page: Page, file: Path) -> None:
        """Bring a file in, on the page of imports; the page of the import shows then, looked at."""
        page.set_input_files("input[name=file]", file)
        page.get_by_role("button", name="Upload and check").click()
        page.locator("[data-verdict]").wait_for()

    def make_placeholders(self, page: Page) -> None:
        """Let placeholders stand for all that is missing; then nothing blocks any more."""
        page.get_by_label("Select everything that a placeholder can stand for").check()
        press(page, "Create placeholders", "Create placeholders")
        page.locator("[data-verdict=ready]").wait_for()

    def unpause(self, *dag_ids: str) -> None:
        """Let DAGs of the far side run."""
        for dag_id in dag_ids:
            answer = self.far.client("admin").patch(f"/api/v2/dags/{dag_id}", json={"is_paused": False})
            assert answer.is_success, answer.text

    def apply(self, page: Page, title: str) -> int:
        """Ask for a release of the import whose page shows; id of the release."""
        page.get_by_role("link", name="Release", exact=True).click()
        page.get_by_label("Title").fill(title)
        page.locator("#reviewers").get_by_label("reviewer").check()
        press(page, "Apply", "Apply")
        page.locator("[data-verdict=applied]").wait_for(timeout=90_000)
        link = page.locator("[data-verdict=applied] a").get_attribute("href") or ""
        return int(link.rstrip("/").rpartition("/")[2])

    def approve(self, release_id: int) -> dict[str, Any]:
        """Let the far reviewer agree in the browser; the release once it is served there."""
        self.far.wait_for(release_id, "awaiting_approval")
        with self.far.page("reviewer", f"/releases/{release_id}") as page:
            page.get_by_text("near side").first.wait_for()
            press(page, "Approve", "Approve")
        released = self.far.wait_for(release_id, "released")
        for dag_id in released["dag_ids"]:
            self.far.until(f"{dag_id} being served", lambda i=dag_id: self.far.is_served(i, released))
        return released


def run_airflow(demo: DemoInstance, *command: str) -> str:
    """Output of an ``airflow`` command of one side, which must succeed."""
    name = "command"
    demo.processes.log(name).unlink(missing_ok=True)
    code = demo.processes.run(*command, name=name)
    output = demo.processes.log(name).read_text()
    assert code == 0, output
    return output[output.find("[{") :] if "json" in command else output
