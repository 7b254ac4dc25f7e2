"""A check: versions run as they were and as they will be, and compared; beside Airflow's dag processor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from benchmarks.frame.bench import Bench
from benchmarks.frame.rows import Goal, Row, RowGroup
from benchmarks.frame.samples import timed
from benchmarks.frame.stages import environment, scratch

_DAG = """
from airflow.sdk import DAG, task
from lib.words import WORD
with DAG("dag_{number}", tags=[WORD]):
    @task
    def one(): ...
    @task
    def two(x): ...
    two(one())
"""
_LIBRARY = {"lib/__init__.py": "", "lib/words.py": "WORD = 'bench'\n"}


def _row(n: int) -> Row:
    return Row(
        f"check of {n} DAGs" if n > 1 else "check of 1 DAG",
        Goal(ratio=1 / 1.5),
        n,
        peer="`airflow dag-processor --num-runs 1`",
        floor="one run of each file",
        note="A check runs each file twice, as it was and as it will be, and compares. Airflow is loaded "
        "once, apart from this process, and that counts for all three.",
    )


ROWS = (_row(1), _row(100))


def measure(bench: Bench) -> None:
    """Both sizes."""
    from tests.harness.airflow_home import migrate

    migrate(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    for row in ROWS:
        if not bench.wants(row):
            continue
        with scratch("check") as folder:
            files = {f"dag_{number}.py": _DAG.format(number=number) for number in range(row.n)} | _LIBRARY
            served = _write(folder, files)
            bundle = {
                "name": "bench",
                "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                "kwargs": {"path": str(served)},
            }
            with environment(AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=json.dumps([bundle])):
                bench.alternate(
                    row,
                    ours=timed(partial(check, folder, files)),
                    peer=timed(_process),
                    floor=timed(partial(_run, folder, files)),
                )


def _write(folder: Path, files: Mapping[str, str]) -> Path:
    root = Path(tempfile.mkdtemp(dir=folder))
    for path, text in files.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)
    return root


def _dag_files(files: Mapping[str, str]) -> list[str]:
    return [path for path in files if path.startswith("dag_")]


def check(folder: Path, files: Mapping[str, str]) -> None:
    """Prove that versions of all DAG files do the same in the target."""
    from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry, blob_id
    from airflow_release_plugin.proof.loaded_airflow import LoadedAirflow
    from airflow_release_plugin.proof.proving import Provable, Trees, prove
    from airflow_release_plugin.proof.runner import run_files

    entries = {
        path: FileEntry(path, REGULAR, blob_id(text.encode()), len(text)) for path, text in files.items()
    }
    units = [Provable(path, frozenset({path, *_LIBRARY}), "source") for path in _dag_files(files)]
    with LoadedAirflow() as airflow:
        proof = prove(
            units,
            _dag_files(files),
            trees=Trees({}, entries, {"source": entries}),
            build=lambda name, wanted: _write(folder, files),
            run=partial(run_files, airflow=airflow),
            run_in_candidate=partial(run_files, airflow=airflow),
        )
    assert all(each.is_equal and each.after.dags for each in proof.units), proof


def _run(folder: Path, files: Mapping[str, str]) -> None:
    from airflow_release_plugin.proof.loaded_airflow import LoadedAirflow
    from airflow_release_plugin.proof.runner import run_files

    with LoadedAirflow() as airflow:
        report = run_files(_write(folder, files), _dag_files(files), airflow=airflow)
    assert all(each.dags for each in report.files), report


def _process() -> None:
    """Let Airflow parse every file of the bundle once, each in a process of its own, as it does."""
    command = [sys.executable, "-m", "airflow", "dag-processor", "--num-runs", "1"]
    subprocess.run(command, check=True, capture_output=True)


GROUP = RowGroup(
    "check",
    "a check, which proves that a version does in the target what it does in the source",
    ROWS,
    measure,
    minutes=10,
)
