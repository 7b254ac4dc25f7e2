"""
What a check costs: versions run in the source and in the target-to-be, and are compared.

``python -m benchmarks check``. Beside it, in turn: Airflow loaded once, and each file run once, without any
comparison, as a check did before there were two runs. Seconds are of processors, of all processes that took
part.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry, blob_id

MANY = (1, 100)
ROUNDS = 5
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


def run() -> dict[str, float]:
    """Check and run in turn; return how many times as much a check takes."""
    found: dict[str, float] = {}
    for many in MANY:
        with tempfile.TemporaryDirectory(prefix="bench_check_") as folder:
            files = {f"dag_{number}.py": _DAG.format(number=number) for number in range(many)}
            files |= {"lib/__init__.py": "", "lib/words.py": "WORD = 'bench'\n"}
            rounds = [
                (_seconds(partial(_check, Path(folder), files)), _seconds(partial(_run, Path(folder), files)))
                for _ in range(ROUNDS)
            ]
        check, once = (statistics.median(each) for each in zip(*rounds, strict=True))
        print(f"check of {many}: {check:.2f} s of CPU; one run of it {once:.2f} s", flush=True)
        found[f"check of {many} / one run of it"] = check / once
    return found


def _seconds(do: Callable[[], object]) -> float:
    before = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    do()
    after = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(b.ru_utime + b.ru_stime - a.ru_utime - a.ru_stime for a, b in zip(before, after, strict=True))


def _write(folder: Path, files: dict[str, str]) -> Path:
    made = Path(tempfile.mkdtemp(dir=folder))
    for path, text in files.items():
        (made / path).parent.mkdir(exist_ok=True)
        (made / path).write_text(text)
    return made


def _dag_files(files: dict[str, str]) -> list[str]:
    return [path for path in files if path.startswith("dag_")]


def _check(folder: Path, files: dict[str, str]) -> None:
    from airflow_release_plugin.proof.loaded_airflow import LoadedAirflow
    from airflow_release_plugin.proof.proving import Provable, Trees, prove
    from airflow_release_plugin.proof.runner import run_files

    entries = {
        path: FileEntry(path, REGULAR, blob_id(text.encode()), len(text)) for path, text in files.items()
    }
    units = [
        Provable(path, frozenset({path, "lib/__init__.py", "lib/words.py"}), "source")
        for path in _dag_files(files)
    ]
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


def _run(folder: Path, files: dict[str, str]) -> None:
    from airflow_release_plugin.proof.loaded_airflow import LoadedAirflow
    from airflow_release_plugin.proof.runner import run_files

    with LoadedAirflow() as airflow:
        report = run_files(_write(folder, files), _dag_files(files), airflow=airflow)
    assert all(each.dags for each in report.files), report
