"""
The process of one run, a fork of one that has loaded Airflow: shuts itself in, then runs DAG files.

It writes a JSON line for each step.

Results go to a file of their own, since DAG code may print to, close or redirect anything that is open.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import IO, Any

from airflow_release_plugin.analysis.needed_modules import needed_modules
from airflow_release_plugin.analysis.outlook import find_outlook
from airflow_release_plugin.analysis.parsed_dag import ParsedDag
from airflow_release_plugin.messages import keep_messages, restored
from airflow_release_plugin.proof.areas import Areas
from airflow_release_plugin.proof.confinement import shut_in
from airflow_release_plugin.proof.dag_description import canonical, describe
from airflow_release_plugin.proof.log_keeper import LogKeeper
from airflow_release_plugin.proof.observation import PrivateFolder
from airflow_release_plugin.proof.report import FileReport
from airflow_release_plugin.proof.watching import DagFileWatcher

_MOST_WARNINGS = 20


def run(scratch: Path) -> None:
    """Do the job described in ``scratch/job.json``; the process ends without any clean-up of DAG code."""
    job = restored(json.loads((scratch / "job.json").read_text(encoding="utf-8")))
    results = scratch / "results"
    tree = Path(job["tree"])
    private = [PrivateFolder(**each) for each in job["private"]]
    _move_in(scratch / "work", job["places"])
    around = shut_in(str(tree), str(scratch), job["loading"], private, job["readable"])
    told = {"confinement": asdict(around.confinement)}
    if job["require_confinement"] and not around.confinement.is_whole:
        _write(results, {"event": "unconfined", **told})
        return
    watcher = DagFileWatcher(str(tree), around.areas, job["aliases"])
    keeper = LogKeeper(str(tree))
    parse = _parser(tree, job["bundle_name"], job["last_runs"])
    with (scratch / "crash").open("wb") as crash:
        _prepare(crash, job["memory_bytes"])
        watcher.install()
        _write(results, {"event": "ready", **told})
        for path in job["files"]:
            _write(results, {"event": "start", "path": path})
            before = _State(around.areas)
            _silence()
            keeper.start()
            watcher.start()
            report = _timed(parse, path)
            report = replace(report, observed=watcher.stop(), logged=keeper.stop())
            report = replace(report, skipped_imports=_skipped_imports(tree, report))
            before.restore()
            _write(results, {"event": "result", **asdict(report)})
        # Threads and exit handlers of DAG code must not keep the process alive.
        os._exit(0)


def _move_in(folder: Path, places: Mapping[str, str]) -> None:
    """Have a home and temporary files of its own: nothing of another run shows here."""
    os.chdir(folder)
    os.environ.update(places)
    tempfile.tempdir = None


class _Nowhere(io.TextIOWrapper):
    """An output that DAG code cannot close, because Airflow goes on writing to it."""

    def close(self) -> None:
        """Do nothing."""


def _silence() -> None:
    """Give DAG code an output to nowhere; the file before may have closed or replaced it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(nowhere, number)
        setattr(sys, name, _Nowhere(io.FileIO(number, "w", closefd=False)))
    if nowhere > 2:
        os.close(nowhere)


def _prepare(crash: IO[bytes], memory_bytes: int) -> None:
    _silence()
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = _data_bytes() + memory_bytes
        resource.setrlimit(
            resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard)
        )
    faulthandler.enable(crash)
    set_handler = signal.signal

    def keep_fault_handler(number: int, handler: Any) -> Any:
        # Airflow's importer installs a Python handler for SIGSEGV, which never returns from a real fault.
        return None if number == signal.SIGSEGV else set_handler(number, handler)

    signal.signal = keep_fault_handler  # type: ignore[assignment]


def _data_bytes() -> int:
    """What Airflow itself takes, as far as the system tells: no part of what DAG code may use."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0


def _write(results: Path, event: dict[str, Any]) -> None:
    # Opened each time, since DAG code may close what it did not open.
    with results.open("ab") as stream:
        stream.write(json.dumps(keep_messages(event)).encode() + b"\n")


class _State:
    """What a DAG file must not leave behind for the next: paths, environment, modules of its own."""

    def __init__(self, areas: Areas) -> None:
        self._areas = areas
        self._path = list(sys.path)
        self._folder = Path.cwd()
        self._environment = dict(os.environ)
        self._modules = dict(sys.modules)

    def restore(self) -> None:
        sys.path[:] = self._path
        os.environ.clear()
        os.environ.update(self._environment)
        os.chdir(self._folder)
        for name, module in list(sys.modules.items()):
            if self._modules.get(name) is not module and not self._is_installed(name, module):
                del sys.modules[name]
        sys.modules.update(self._modules)
        # What Python remembers of their folders would keep it from looking there again.
        for entry in list(sys.path_importer_cache):
            if not self._areas.is_installed(entry):
                del sys.path_importer_cache[entry]

    def _is_installed(self, name: str, module: Any) -> bool:
        """Whether it is a package's, which the next file may find imported; of one it would be so alone."""
        places = [*_places(module)]
        if places:
            return all(self._areas.is_installed(place) for place in places)
        # One without a file is of Python itself, or was made by the package that it is named after.
        package = sys.modules.get(name.partition(".")[0])
        return getattr(module, "__spec__", None) is not None or any(_places(package))


def _places(module: Any) -> Iterator[str]:
    """Where a module comes from: one file, or the folders of a package that has no file."""
    with contextlib.suppress(Exception):  # DAG code puts all kinds of things there
        found = [getattr(module, "__file__", None), *(getattr(module, "__path__", None) or ())]
        yield from (place for place in found if isinstance(place, str) and os.path.isabs(place))


def _skipped_imports(tree: Path, report: FileReport) -> tuple[str, ...]:
    """What the text of the files that ran imports for sure and that is not there; none where it failed."""
    if report.error:
        return ()
    files = [access.path for access in report.observed.opened if access.path.endswith(".py")]
    named = {module for path in files for module in _needed(tree / path)}
    return tuple(sorted(module for module in named if module not in sys.modules))


@cache
def _needed(file: Path) -> frozenset[str]:
    with contextlib.suppress(OSError):
        return needed_modules(file.read_bytes()).needed
    return frozenset()


def _timed(parse: Callable[[str], FileReport], path: str) -> FileReport:
    started = time.monotonic()
    report = parse(path)
    return replace(report, seconds=round(time.monotonic() - started, 3))


def _parser(
    tree: Path, bundle_name: str, last_runs: Mapping[str, Mapping[str, str] | None]
) -> Callable[[str], FileReport]:
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.serialization.serialized_objects import LazyDeserializedDAG

    def parse(path: str) -> FileReport:
        file = str(tree / path)
        # A bag for each file: an id that two files define is reported by the caller, not lost here.
        bag = BundleDagBag(
            dag_folder=file, bundle_path=tree, bundle_name=bundle_name or None, collect_dags=False
        )
        dags: list[ParsedDag] = []
        texts: list[tuple[str, str]] = []
        try:
            bag.process_file(file, only_if_updated=False, safe_mode=False)
            errors = list(bag.import_errors.values())
            for dag in bag.dags.values():
                serialized = LazyDeserializedDAG.from_dag(dag)
                parsed = describe(dag, serialized.timetable.summary)
                if dag.dag_id in last_runs:
                    parsed = replace(
                        parsed, outlook=find_outlook(serialized, _run_info(last_runs[dag.dag_id]))
                    )
                dags.append(parsed)
                texts.append((dag.dag_id, canonical(serialized.data, str(tree))))
        except Exception as error:  # what Airflow's dag processor would store as an import error
            errors = [f"{type(error).__name__}: {error}"]
        warnings = [text for texts in bag.captured_warnings.values() for text in texts]
        return FileReport(
            path=path,
            dags=tuple(sorted(dags, key=lambda dag: dag.dag_id)),
            error="\n".join(errors),
            warnings=tuple(warnings[:_MOST_WARNINGS]),
            serialized=tuple(sorted(texts)),
        )

    return parse


def _run_info(last_run: Mapping[str, str] | None) -> Any:
    if last_run is None:
        return None
    from airflow.timetables.base import DagRunInfo, DataInterval

    start, end = _moment(last_run.get("interval_start")), _moment(last_run.get("interval_end"))
    return DagRunInfo(
        run_after=_moment(last_run.get("run_after")),
        data_interval=DataInterval(start, end) if start and end else None,
        partition_date=_moment(last_run.get("partition_date")),
        partition_key=last_run.get("partition_key") or None,
    )


def _moment(text: str | None) -> Any:
    import pendulum

    return pendulum.parse(text) if text else None
