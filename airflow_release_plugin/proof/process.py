"""
The process of one run, a fork of one that has loaded Airflow: shuts itself in, then forks for each DAG file.

Airflow parses each file in a process of its own, too: what one leaves behind is not there for the next. A
JSON line is written for each step.

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
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from airflow_release_plugin.messages import keep_messages, restored
from airflow_release_plugin.proof.clock import ProcessClock
from airflow_release_plugin.proof.confinement import shut_in
from airflow_release_plugin.proof.log_keeper import LogKeeper
from airflow_release_plugin.proof.observation import PrivateFolder
from airflow_release_plugin.proof.parsing import parser
from airflow_release_plugin.proof.report import FileReport
from airflow_release_plugin.proof.scratch import Scratch
from airflow_release_plugin.proof.watching import DagFileWatcher


def run(scratch: Path) -> None:
    """Do the job described in ``scratch/job.json``; the process ends without any clean-up of DAG code."""
    job = restored(json.loads((scratch / "job.json").read_text(encoding="utf-8")))
    write = _Writer(scratch / "results")
    tree = Path(job["tree"])
    private = [PrivateFolder(**each) for each in job["private"]]
    os.environ.update(job["places"])
    tempfile.tempdir = None
    around = shut_in(str(tree), str(scratch), job["loading"], private, job["readable"])
    told = {"confinement": asdict(around.confinement)}
    if job["require_confinement"] and not around.confinement.is_whole:
        write({"event": "unconfined", **told})
        return
    watcher = DagFileWatcher(str(tree), around.areas, job["aliases"])
    keeper = LogKeeper(str(tree))
    parse = parser(tree, job["bundle_name"], job["last_runs"])
    with (scratch / "crash").open("wb") as crash:
        _prepare(crash, job["memory_bytes"])
        watcher.install()
        write({"event": "ready", "modules": sorted(sys.modules), **told})
        loaded = frozenset(sys.modules)
        places = Scratch(scratch)
        for path in job["files"]:
            places.renew()
            os.chdir(places.work)
            _run_apart(partial(_run_file, path, loaded, write, parse, watcher, keeper))


def _run_apart(work: Callable[[], None]) -> None:
    """Do it in a process of its own; if that dies, die like it."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            # Threads and exit handlers of DAG code must not keep the process alive.
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        faulthandler.disable()  # it has told already
        os.kill(os.getpid(), -code)
    if code:
        os._exit(code)


def _run_file(
    path: str,
    loaded: frozenset[str],
    write: _Writer,
    parse: Callable[[str], FileReport],
    watcher: DagFileWatcher,
    keeper: LogKeeper,
) -> None:
    clock = ProcessClock(os.getpid())
    began = clock.now()
    write({"event": "start", "path": path, "pid": os.getpid()})
    keeper.start()
    watcher.start()
    report = _timed(parse, path)
    report = replace(report, observed=watcher.stop(), logged=keeper.stop())
    own = (clock.now() - began).own
    write({"event": "result", "own": own, "modules": sorted(sys.modules.keys() - loaded), **asdict(report)})


class _Nowhere(io.TextIOWrapper):
    """An output that DAG code cannot close, because Airflow goes on writing to it."""

    def close(self) -> None:
        """Do nothing."""


def _silence() -> None:
    """Give DAG code an output to nowhere, which it may close or replace."""
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


class _Writer:
    """
    Writes a line of results.

    Made before DAG code runs, which may put anything in the place of what would be looked up by name.
    """

    def __init__(self, results: Path) -> None:
        self._results = os.fspath(results)
        self._encode = json.JSONEncoder().encode
        self._open, self._write, self._close = os.open, os.write, os.close

    def __call__(self, event: dict[str, Any]) -> None:
        # Opened each time, since DAG code may close what it did not open.
        stream = self._open(self._results, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        line = memoryview(self._encode(keep_messages(event)).encode() + b"\n")
        while line:
            line = line[self._write(stream, line) :]
        self._close(stream)


def _timed(parse: Callable[[str], FileReport], path: str) -> FileReport:
    started = time.monotonic()
    report = parse(path)
    return replace(report, seconds=round(time.monotonic() - started, 3))
