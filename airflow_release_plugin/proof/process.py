"""
The process that :mod:`runner` starts: parses DAG files with Airflow, a JSON line for each step.

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
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from airflow_release_plugin.analysis.outlook import find_outlook
from airflow_release_plugin.analysis.parsed_dag import ParsedDag, ParsedTask
from airflow_release_plugin.proof.report import FileReport

_MOST_WARNINGS = 20


def main(scratch: Path) -> None:
    """Do the job described in ``scratch/job.json``; the process ends without any clean-up of DAG code."""
    job = json.loads((scratch / "job.json").read_text(encoding="utf-8"))
    results = scratch / "results"
    tree = Path(job["tree"])
    _shut_out_database()
    parse = _parser(tree, job["bundle_name"], job["last_runs"])
    with (scratch / "crash").open("wb") as crash:
        _prepare(crash, job["memory_bytes"])
        _write(results, {"event": "ready"})
        for path in job["files"]:
            _write(results, {"event": "start", "path": path})
            before = _State(tree)
            _silence()
            report = _timed(parse, path)
            before.restore()
            _write(results, {"event": "result", **asdict(report)})
        # Threads and exit handlers of DAG code must not keep the process alive.
        os._exit(0)


def _shut_out_database() -> None:
    """Import Airflow and take away its ORM, as in any process that runs DAG code."""
    import airflow.settings
    from airflow.sdk.execution_time.supervisor import block_orm_access

    airflow.settings.initialize()
    block_orm_access()


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
        limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    faulthandler.enable(crash)
    set_handler = signal.signal

    def keep_fault_handler(number: int, handler: Any) -> Any:
        # Airflow's importer installs a Python handler for SIGSEGV, which never returns from a real fault.
        return None if number == signal.SIGSEGV else set_handler(number, handler)

    signal.signal = keep_fault_handler  # type: ignore[assignment]


def _write(results: Path, event: dict[str, Any]) -> None:
    # Opened each time, since DAG code may close what it did not open.
    with results.open("ab") as stream:
        stream.write(json.dumps(event).encode() + b"\n")


class _State:
    """What one DAG file must not leave behind for the next: paths, environment, its local modules."""

    def __init__(self, tree: Path) -> None:
        self._tree = f"{tree}{os.sep}"
        self._path = list(sys.path)
        self._folder = Path.cwd()
        self._environment = dict(os.environ)

    def restore(self) -> None:
        sys.path[:] = self._path
        os.environ.clear()
        os.environ.update(self._environment)
        os.chdir(self._folder)
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and file.startswith(self._tree):
                del sys.modules[name]


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
        try:
            bag.process_file(file, only_if_updated=False, safe_mode=False)
            errors = list(bag.import_errors.values())
            for dag in bag.dags.values():
                serialized = LazyDeserializedDAG.from_dag(dag)
                parsed = _parsed(dag, serialized.timetable.summary)
                if dag.dag_id in last_runs:
                    parsed = replace(
                        parsed, outlook=find_outlook(serialized, _run_info(last_runs[dag.dag_id]))
                    )
                dags.append(parsed)
        except Exception as error:  # what Airflow's dag processor would store as an import error
            errors = [f"{type(error).__name__}: {error}"]
        warnings = [text for texts in bag.captured_warnings.values() for text in texts]
        return FileReport(
            path=path,
            dags=tuple(sorted(dags, key=lambda dag: dag.dag_id)),
            error="\n".join(errors),
            warnings=tuple(warnings[:_MOST_WARNINGS]),
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


def _parsed(dag: Any, schedule: str | None) -> ParsedDag:
    tasks = sorted(dag.tasks, key=lambda task: str(task.task_id))
    condition = getattr(dag.timetable, "asset_condition", None)
    return ParsedDag(
        dag_id=dag.dag_id,
        schedule=None if schedule in {None, "None", "Never, external triggers only"} else schedule,
        description=dag.description or "",
        catchup=bool(dag.catchup),
        tasks=tuple(_task(task) for task in tasks),
        edges=tuple(sorted((task.task_id, after) for task in tasks for after in task.downstream_task_ids)),
        tags=tuple(sorted(dag.tags)),
        owners=tuple(sorted({task.owner for task in tasks if task.owner})),
        assets_in=_asset_names([condition] if condition is not None else []),
        assets_out=_asset_names(outlet for task in tasks for outlet in getattr(task, "outlets", None) or ()),
        paused_at_creation=dag.is_paused_upon_creation,
    )


def _task(task: Any) -> ParsedTask:
    return ParsedTask(
        task_id=task.task_id,
        type=task.task_type,
        pool=task.pool or "",
        queue=task.queue or "",
        owner=task.owner or "",
        trigger_rule=str(getattr(task.trigger_rule, "value", task.trigger_rule) or ""),
        retries=int(task.retries or 0),
        callable=getattr(getattr(task, "python_callable", None), "__qualname__", ""),
        executor=task.executor or "",
        connections=_connections(task),
    )


def _connections(task: Any) -> tuple[str, ...]:
    named = {**getattr(task, "partial_kwargs", {}), **getattr(task, "__dict__", {})}
    ids = (value for name, value in named.items() if name.endswith("conn_id"))
    return tuple(sorted({value for value in ids if isinstance(value, str) and value and "{{" not in value}))


def _asset_names(assets: Iterable[Any]) -> tuple[str, ...]:
    names: set[str] = set()
    pending = list(assets)
    while pending:
        asset = pending.pop()
        pending.extend(getattr(asset, "objects", ()))  # of "all of" and "any of"
        if name := getattr(asset, "name", None) or getattr(asset, "uri", None):
            names.add(name)
    return tuple(sorted(names))


if __name__ == "__main__":
    main(Path(sys.argv.pop()))
