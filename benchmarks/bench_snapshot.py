"""
What a submission costs with the snapshot of the whole source: 5,000 files, the use case on a SQLite file.

``python -m benchmarks snapshot``. Seconds of this process's CPU: the first submission of a process with an
empty store, one of one changed file, and one of 100 files. What Airflow knows of the DAGs is given; its
listing is the real one. Beside it: ``git add`` and ``git commit`` there.
"""

from __future__ import annotations

import json
import os
import random
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from sqlalchemy.orm import Session

DAGS = 3700
QUERIES = 1250
MODULES = 50
TEAMS = 40
ROUNDS = 7
SETTLED_SECONDS = 2.5
"""Until files are no longer so new that their stat says nothing."""
_DAG = (
    "from airflow.sdk import DAG\nfrom lib.module_{module} import x\n"
    'with DAG(dag_id="dag_{number}"):\n    pass\n# {noise}\n'
)


def run() -> dict[str, float]:
    """Write the files, submit, and commit them with git."""
    with tempfile.TemporaryDirectory(prefix="bench_snapshot_") as folder:
        root = Path(folder) / "dags"
        _write_source(root)
        found = {**_submissions(root, Path(folder)), **_git(root)}
    for what, seconds in found.items():
        print(f"{what}: {1000 * seconds:.0f} ms")
    return found


def _write_source(root: Path) -> None:
    noise = random.Random(7)  # noqa: S311 - the same files each time

    def write(path: str, text: str) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)

    for number in range(DAGS):
        text = _DAG.format(module=number % MODULES, number=number, noise=noise.randbytes(1500).hex())
        write(_path(number), text)
    for number in range(QUERIES):
        write(f"sql/area_{number % 60}/query_{number}.sql", f"select 1 -- {noise.randbytes(500).hex()}\n")
    write("lib/__init__.py", "")
    for number in range(MODULES - 1):
        write(f"lib/module_{number}.py", f"x = {number}\n# {noise.randbytes(1500).hex()}\n")
    write(f"lib/module_{MODULES - 1}.py", "x = 0\n")


def _path(number: int) -> str:
    return f"team_{number % TEAMS}/area_{number % 7}/dag_{number}.py"


def _submissions(root: Path, folder: Path) -> dict[str, float]:
    from airflow_release_plugin.services.submissions import submissions
    from tests.harness.context import DEV

    with Session(_database(folder), expire_on_commit=False) as session:
        ctx = _context(session, root)

        def submit(paths: list[str]) -> float:
            begun = time.process_time()
            handled = submissions.submit_many(ctx, actor=DEV, paths=paths)
            session.commit()
            taken = time.process_time() - begun
            assert all(each.submission for each in handled), handled[0].problem
            return taken

        time.sleep(SETTLED_SECONDS)
        first = submit([_path(0)])
        rounds: list[float] = []
        for number in range(1, ROUNDS + 1):
            _edit(root, _path(number))
            rounds.append(submit([_path(number)]))
        many: list[float] = []
        for batch in range(3):
            time.sleep(SETTLED_SECONDS)
            many.append(submit([_path(1000 + 100 * batch + number) for number in range(100)]))
    return {
        "first submission, 5,000 files, CPU (s)": first,
        "submitting 1 changed of 5,000, CPU (s)": statistics.median(rounds),
        "submitting 100 of 5,000, CPU (s)": statistics.median(many),
    }


def _database(folder: Path):  # type: ignore[no-untyped-def]
    from airflow_release_plugin.models import metadata
    from tests.harness.databases import connect

    engine = connect(f"sqlite:///{folder / 'release.db'}")
    metadata.create_all(engine)
    return engine


def _context(session: Session, root: Path):  # type: ignore[no-untyped-def]
    from airflow_release_plugin.airflow_internals.source import open_bundle
    from airflow_release_plugin.domain.ports import DagFacts, SourceSnapshot
    from tests.harness.context import make_world
    from tests.harness.fake_airflow import AirflowTwin

    bundle = {"name": "dev", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle"}
    os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps(
        [{**bundle, "kwargs": {"path": str(root)}}]
    )

    class Source(AirflowTwin):
        """Lists as Airflow does, and knows each DAG without reading a file."""

        def snapshot(self) -> SourceSnapshot:
            return open_bundle("dev", "source bundle")

        def facts(
            self, bundle: str, paths: Collection[str] | None = None
        ) -> Mapping[str, tuple[DagFacts, ...]]:
            return {path: (DagFacts(f"dev.{Path(path).stem}", path, bundle),) for path in paths or ()}

    world = make_world(session, root, lambda: datetime.now(timezone.utc))
    return replace(world.ctx, airflow=replace(world.ctx.airflow, source=Source(root)))


def _edit(root: Path, path: str) -> None:
    with (root / path).open("a") as file:
        file.write("# edited\n")


def _git(root: Path) -> dict[str, float]:
    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-C", str(root), *arguments]
        subprocess.run(command, check=True, capture_output=True)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    rounds = []
    for number in range(ROUNDS):
        _edit(root, _path(number))
        rounds.append(_of_children(lambda: (git("add", "-A"), git("commit", "-qm", "next"))))
    return {"git add and commit of 1 of 5,000, CPU (s)": statistics.median(rounds)}


def _of_children(do: Callable[[], object]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    do()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
