"""A whole Airflow that serves DAGs from releases, and the same from git: when each edition is served."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from benchmarks.frame.stages import committed, git, postgres

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.harness.driver import Driver

DEFAULTS: Mapping[str, str] = {
    "dag_processor.refresh_interval": "300",
    "dag_processor.bundle_refresh_check_interval": "5",
    "dag_processor.min_file_process_interval": "30",
    "core.min_serialized_dag_update_interval": "30",
    "core.min_serialized_dag_fetch_interval": "10",
    "scheduler.scheduler_heartbeat_sec": "5",
    "scheduler.scheduler_health_check_threshold": "30",
    "scheduler.orphaned_tasks_check_interval": "300",
    "triggerer.job_heartbeat_sec": "5",
    "triggerer.triggerer_health_check_threshold": "30",
    "workers.min_heartbeat_interval": "5",
}
"""Those of Airflow itself, which the demo changes."""
TIGHTEST: Mapping[str, str] = {
    **DEFAULTS,
    "dag_processor.refresh_interval": "1",
    "dag_processor.bundle_refresh_check_interval": "1",
    "core.min_serialized_dag_update_interval": "0",
}
"""
What serves a push soonest.

``min_file_process_interval`` stays: a file that was edited does not wait for it, and where it is shorter, the
dag processor is busy with files that nobody has edited.
"""
PATIENCE = 420
SETTLE = 4
"""Seconds until people decide, after the check: by then the task that waits for them has deferred."""
_GIT = "from_git"
_DAG = """
from datetime import datetime
from airflow.sdk import DAG, task

with DAG("{dag_id}", schedule=None, start_date=datetime(2026, 1, 1), tags=["edition {edition}"]):

    @task
    def extract(): ...

    @task
    def load(rows): ...

    load(extract())
"""


@dataclass(frozen=True)
class Way:
    """The moments of one release, from before its approval on."""

    release_id: int
    begun: float
    decided: float
    heard: float
    served: float


@dataclass
class Race:
    """
    One installation, with ``dag_0`` and so on in the source, and ``from_git_0`` and so on in a repository.

    :param origin: the work tree from which is pushed
    """

    driver: Driver
    engine: Engine
    origin: Path
    edition: int = 0
    way: Way = Way(0, 0, 0, 0, 0)

    def write(self, numbers: Sequence[int]) -> list[str]:
        """Edit these DAGs in the source; their paths."""
        self.edition += 1
        for number in numbers:
            path = self.driver.demo.settings.source / f"dag_{number}.py"
            path.write_text(_DAG.format(dag_id=path.stem, edition=self.edition))
        return [f"dag_{number}.py" for number in numbers]

    def request(self, numbers: Sequence[int]) -> int:
        """Ask for a release of these DAGs as they are after an edit; its id."""
        return self.driver.request(*self.write(numbers), title=f"Edition {self.edition}")

    def checked(self, release_id: int) -> dict[str, object]:
        """The release as soon as people may decide."""
        return self.driver.wait_for(release_id, "awaiting_approval")

    def released(self, numbers: Sequence[int]) -> float:
        """Seconds from the approval of a release of these DAGs until all of them are served."""
        release_id = self.request(numbers)
        release = self.checked(release_id)
        with ThreadPoolExecutor(1) as threads:
            heard = threads.submit(self._hear, release_id)
            time.sleep(SETTLE)
            begun = time.time()
            self.driver.decide(release)
            decided = time.time()
            self.served("prod", [f"dag_{number}" for number in numbers])
            self.way = Way(release_id, begun, decided, heard.result(), time.time())
        return self.way.served - begun

    def _hear(self, release_id: int) -> float:
        """When a request is answered that waits for the approval as the trigger's does."""
        body = {"known": {f"release:{release_id}": "awaiting_approval"}, "wait": 25}
        self.driver.post("/release/api/v1/watch", body, "admin")
        return time.time()

    def steps(self) -> dict[str, float]:
        """
        What the way from the last approval until it was served consists of: seconds by name.

        By what Airflow and our tables say of the moments. What loads in the task is Airflow's for the most
        part, yet counts as ours.
        """
        tasks, released = self._moments(self.way.release_id)
        (_, _, ended), (queued, started, _) = tasks["await_approval"], tasks["promote"]
        ends = {
            "the decision is recorded": self.way.decided,
            "the trigger hears of it": max(self.way.decided, self.way.heard),
            "Airflow's triggerer ends the task that waited": ended,
            "Airflow's scheduler queues the task that promotes": queued,
            "Airflow starts a process for it": started,
            "the task loads, logs in and asks, and the target moves": released,
            "Airflow's dag processor parses, and serves": self.way.served,
        }
        moments = [self.way.begun, *ends.values()]
        return {name: end - begun for name, begun, end in zip(ends, moments, ends.values(), strict=False)}

    def our_share(self) -> float:
        """Seconds of :meth:`steps` that are not Airflow's."""
        steps = self.steps()
        for name, seconds in steps.items():
            print(f"    {name:<60}{seconds:>6.2f} s", flush=True)
        return sum(seconds for name, seconds in steps.items() if not name.startswith("Airflow"))

    def _moments(self, release_id: int) -> tuple[dict[str, list[float]], float]:
        """When each task of its run was queued, started and ended; and when the release was released."""
        of_tasks = text(
            "SELECT task_id, queued_dttm, start_date, end_date FROM task_instance JOIN release "
            "ON run_id = pipeline_run_id WHERE release.id = :id AND start_date IS NOT NULL"
        )
        with self.engine.connect() as connection:
            rows = connection.execute(of_tasks, {"id": release_id}).all()
            released = connection.scalar(
                text("SELECT released_at FROM release WHERE id = :id"), {"id": release_id}
            )
        return {row[0]: [moment.timestamp() if moment else 0.0 for moment in row[1:]] for row in rows}, (
            released.timestamp()
        )

    def checks(self, release_ids: Sequence[int]) -> int:
        """How many checks were made for these releases."""
        query = text("SELECT count(*) FROM release_report WHERE kind = 'check' AND release_id = ANY(:ids)")
        with self.engine.connect() as connection:
            return int(connection.scalar(query, {"ids": list(release_ids)}) or 0)

    def pushed(self, numbers: Sequence[int]) -> float:
        """Seconds from a push of these DAGs, edited, until all of them are served."""
        self.commit(numbers)
        begun = time.time()
        git(self.origin, "push", "-q", "origin", "HEAD:main")
        self.served(_GIT, [f"{_GIT}_{number}" for number in numbers])
        return time.time() - begun

    def commit(self, numbers: Sequence[int]) -> None:
        """Edit them in the work tree of git, and commit."""
        self.edition += 1
        for number in numbers:
            dag_id = f"{_GIT}_{number}"
            (self.origin / f"{dag_id}.py").write_text(_DAG.format(dag_id=dag_id, edition=self.edition))
        git(self.origin, "commit", "-qam", f"Edition {self.edition}")

    def served(self, bundle: str, dag_ids: Sequence[str], *, least: int | None = None) -> None:
        """
        Wait until Airflow has parsed this edition of each; looks at its own tables, ten times a second.

        :param least: so many of them are enough
        """
        query = text(
            "SELECT count(*) FROM dag JOIN dag_tag USING (dag_id) WHERE bundle_name = :bundle "
            "AND dag_id = ANY(:dag_ids) AND NOT is_stale AND name = :edition"
        )
        values = {"bundle": bundle, "dag_ids": list(dag_ids), "edition": f"edition {self.edition}"}
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with self.engine.connect() as connection:
                if (connection.scalar(query, values) or 0) >= (least or len(dag_ids)):
                    return
            self.driver.demo.check()
            time.sleep(0.1)
        raise AssertionError(f"{bundle} does not serve edition {self.edition} after {PATIENCE} s")

    def until_refresh(self) -> None:
        """Wait until the dag processor has just fetched from git."""
        query = text("SELECT last_refreshed FROM dag_bundle WHERE name = :name")

        def looked() -> object:
            with self.engine.connect() as connection:
                return connection.scalar(query, {"name": _GIT})

        before = looked()
        self.driver.until("a refresh of the git bundle", lambda: looked() != before, PATIENCE)


@contextmanager
def racing(folder: Path, dags: int, options: Mapping[str, str]) -> Iterator[Race]:
    """A whole Airflow on PostgreSQL that knows all of these DAGs in the source, and serves those of git."""
    from demo.instance import running_demo
    from tests.harness.databases import connect
    from tests.harness.driver import Driver

    source, origin, bare = (folder / name for name in ("source", "origin", "bare.git"))
    _write(source, "dag", dags)
    _write(origin, _GIT, dags)
    committed(origin)
    git(folder, "init", "-q", "--bare", str(bare))
    git(origin, "remote", "add", "origin", str(bare))
    git(origin, "push", "-q", "origin", "HEAD:main")
    with postgres() as server:
        url = server.create_database("airflow")
        told = {**options, "database.sql_alchemy_conn": url, _BUNDLES: _bundles(source, bare)}
        with (
            running_demo(folder / "home", dags=source, options=told) as demo,
            closing(Driver(demo)) as driver,
        ):
            engine = connect(url)
            race = Race(driver, engine, origin)
            driver.until("the pipeline is parsed", lambda: driver.client("admin").get(_PIPELINE).is_success)
            race.served("dev", [f"dev.dag_{number}" for number in range(dags)])
            race.served(_GIT, [f"{_GIT}_{number}" for number in range(dags)])
            yield race
            engine.dispose()


_BUNDLES = "dag_processor.dag_bundle_config_list"
_PIPELINE = "/api/v2/dags/release_pipeline"


def _write(folder: Path, prefix: str, dags: int) -> None:
    folder.mkdir()
    for number in range(dags):
        dag_id = f"{prefix}_{number}"
        (folder / f"{dag_id}.py").write_text(_DAG.format(dag_id=dag_id, edition=0))


def _bundles(source: Path, bare: Path) -> str:
    classes = {
        "dev": ("airflow.dag_processing.bundles.local.LocalDagBundle", {"path": str(source)}),
        "prod": ("airflow_release_plugin.bundles.release.ReleaseDagBundle", {}),
        "release_pipelines": ("airflow_release_plugin.bundles.pipelines.ReleasePipelinesBundle", {}),
        _GIT: (
            "airflow.providers.git.bundles.git.GitDagBundle",
            {"tracking_ref": "main", "repo_url": str(bare)},
        ),
    }
    return json.dumps(
        [{"name": name, "classpath": path, "kwargs": kwargs} for name, (path, kwargs) in classes.items()]
    )
