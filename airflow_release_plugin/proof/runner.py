"""
Parses a tree of DAG files with Airflow, in a process of its own that may do whatever DAG code does.

Runs on a worker. The caller's process imports no DAG code and survives its crashes, exits, hangs and noise.

Nobody has approved the code yet. So its process is told no secrets: of the environment only what finds
programs and libraries, of Airflow's configuration only what the caller hands over. It is no sandbox, though:
it runs as the worker's user.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from airflow_release_plugin.analysis.references import References, find_references
from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.proof.report import FileReport, ParseReport

WORKER = "airflow_release_plugin.proof.process"
OnProgress = Callable[[str, FileReport | None], None]
_POLL_SECONDS = 0.02
_MEMORY_BYTES = 4 * 1024**3
_DENIED = ("VARIABLE_NOT_FOUND", "CONNECTION_NOT_FOUND")
_INHERITED = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|PYTHON\w+|VIRTUAL_ENV|LD_LIBRARY_PATH|SSL_CERT_(FILE|DIR)"
)


def run_files(
    tree: Path,
    dag_files: Sequence[str],
    *,
    timeout: float,
    file_timeout: float | None = None,
    bundle_name: str = "",
    python: str | None = None,
    environment: Mapping[str, str] | None = None,
    last_runs: Mapping[str, Mapping[str, str] | None] | None = None,
    on_progress: OnProgress = lambda path, report: None,
) -> ParseReport:
    """
    Parse ``dag_files`` (POSIX paths relative to ``tree``) with Airflow in one fresh process.

    A file that kills the process, or that takes longer than ``file_timeout``, is reported as such, and the
    remaining files are parsed in another process.

    :param timeout: seconds for everything; files that are not reached by then are reported as such
    :param file_timeout: seconds for one file; half of ``timeout`` by default
    :param bundle_name: the bundle that will serve the tree
    :param python: interpreter, this one by default
    :param environment: variables added to the few that the process inherits: options of Airflow, or
        ``AIRFLOW_VAR_…`` for code that reads Airflow variables while it is parsed; no other access to them
    :param last_runs: DAG ids whose outlook is wanted, with run_after, interval_start, interval_end,
        partition_key and partition_date of their last automated run; ``None`` for no run
    :param on_progress: called with a path when its parsing begins, and with its report when it ends
    :raises UnavailableError: when Airflow itself cannot be started
    """
    started = time.monotonic()
    limits = _Limits(timeout, file_timeout or timeout / 2, started + timeout)
    job = {"bundle_name": bundle_name, "last_runs": dict(last_runs or {}), "memory_bytes": _MEMORY_BYTES}
    check = _Check(
        tree.resolve(), limits, job, python or sys.executable, dict(environment or {}), on_progress
    )
    reports = check.run(list(dict.fromkeys(dag_files)))
    files = tuple(
        replace(reports[path], references=_references(tree, path)) for path in dict.fromkeys(dag_files)
    )
    return ParseReport(files=files, seconds=round(time.monotonic() - started, 3))


def _references(tree: Path, path: str) -> References:
    try:
        return find_references((tree / path).read_bytes())
    except OSError:
        return References()


@dataclass(frozen=True)
class _Limits:
    """Seconds for everything and for one file, and the end of it all on the monotonic clock."""

    total: float
    file: float
    deadline: float


@dataclass
class _Outcome:
    """How one process ended: ``ready`` tells whether Airflow was loaded, ``current`` the file it was at."""

    ready: bool = False
    current: str | None = None
    killed: bool = False
    code: int = 0
    crash: str = ""


class _Check:
    """Processes that parse one tree, one after the other."""

    def __init__(
        self,
        tree: Path,
        limits: _Limits,
        job: Mapping[str, object],
        python: str,
        environment: dict[str, str],
        on_progress: OnProgress,
    ) -> None:
        self._tree = tree
        self._limits = limits
        self._job = job
        self._python = python
        self._environment = environment
        self._on_progress = on_progress
        self._reports: dict[str, FileReport] = {}

    def run(self, paths: list[str]) -> dict[str, FileReport]:
        """Return a report for each path."""
        for path in paths:
            if (reason := _unusable(self._tree, path)) is not None:
                self._keep(FileReport(path, error=reason))
        while remaining := [path for path in paths if path not in self._reports]:
            if time.monotonic() >= self._limits.deadline:
                self._give_up(remaining)
                break
            with tempfile.TemporaryDirectory(prefix="release-check-") as scratch:
                outcome = self._process(Path(scratch), remaining)
            self._blame(outcome, remaining)
        return self._reports

    def _process(self, scratch: Path, paths: Sequence[str]) -> _Outcome:
        job = {**self._job, "tree": str(self._tree), "files": list(paths)}
        (scratch / "job.json").write_text(json.dumps(job), encoding="utf-8")
        (scratch / "airflow.cfg").touch()
        with (scratch / "start").open("wb") as start:
            process = subprocess.Popen(
                [self._python, "-m", WORKER, str(scratch)],
                stdin=subprocess.DEVNULL,
                stdout=start,
                stderr=start,
                cwd=scratch,
                env=self._process_environment(scratch),
                start_new_session=True,
            )
        try:
            outcome = self._watch(process, scratch)
        finally:
            # Also what DAG code left running, and also when the caller is interrupted.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        outcome.code = process.returncode
        if outcome.ready:
            # It begins with the innermost call; below the import machinery is Airflow and this check.
            outcome.crash = _text(scratch / "crash").partition('\n  File "<frozen importlib')[0][:4000]
        else:
            outcome.crash = _text(scratch / "start")[-4000:]
        return outcome

    def _process_environment(self, scratch: Path) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if _INHERITED.fullmatch(name)},
            **self._environment,
            # The worker's airflow.cfg holds secrets, too.
            "AIRFLOW_HOME": str(scratch),
            "AIRFLOW_CONFIG": str(scratch / "airflow.cfg"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            # Airflow then sets up no database engine, as in a task's process.
            "_AIRFLOW__REEXECUTED_PROCESS": "1",
            "_AIRFLOW_PROCESS_CONTEXT": "client",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _watch(self, process: subprocess.Popen[bytes], scratch: Path) -> _Outcome:
        outcome = _Outcome()
        file_deadline = self._limits.deadline
        with (scratch / "results").open("a+b") as results:
            results.seek(0)
            while True:
                ended = process.poll() is not None
                for event in _events(results):
                    self._note(outcome, event)
                    file_deadline = min(self._limits.deadline, time.monotonic() + self._limits.file)
                if ended:
                    return outcome
                if time.monotonic() >= file_deadline:
                    outcome.killed = True
                    return outcome
                time.sleep(_POLL_SECONDS)

    def _note(self, outcome: _Outcome, event: Mapping[str, object]) -> None:
        kind, path = event.get("event"), str(event.get("path", ""))
        if kind == "ready":
            outcome.ready = True
        elif kind == "start":
            outcome.current = path
            self._on_progress(path, None)
        elif kind == "result":
            outcome.current = None
            report = FileReport.from_dict(event)
            self._keep(replace(report, error=self._shown(report.error)))

    def _keep(self, report: FileReport) -> None:
        self._reports[report.path] = report
        self._on_progress(report.path, report)

    def _blame(self, outcome: _Outcome, remaining: Sequence[str]) -> None:
        if not outcome.ready:
            if outcome.killed:
                self._give_up(remaining)
                return
            raise UnavailableError(
                f"The parse check could not start Airflow with {self._python}: {outcome.crash or 'no output'}"
            )
        path = outcome.current
        if path is not None:
            self._keep(FileReport(path, error=self._end(outcome)))
        elif all(path not in self._reports for path in remaining):
            raise UnavailableError(
                f"The parse check ended without a result ({_ending(outcome.code)}); try again."
            )

    def _end(self, outcome: _Outcome) -> str:
        if outcome.killed:
            return (
                f"Parsing was stopped: the file does not finish within {self._limits.file:g} seconds, or "
                f"within what was left of {self._limits.total:g}. Move slow work from the top level of the "
                "file into tasks."
            )
        text = f"The process that parsed this file died: {_ending(outcome.code)}."
        return self._shown(f"{text}\n{outcome.crash}".strip())

    def _give_up(self, paths: Sequence[str]) -> None:
        for path in paths:
            late = f"Not parsed: the {self._limits.total:g} seconds of the check were used up before."
            self._keep(FileReport(path, error=late))

    def _shown(self, error: str) -> str:
        if not error:
            return ""
        text = error.replace(f"{self._tree}{os.sep}", "")
        if any(code in text for code in _DENIED):
            text += (
                "\nThe check has no access to Airflow's variables and connections. Read them inside a task "
                "or in a template, or give a default."
            )
        elif "KeyError" in text and "environ" in text:
            text += (
                "\nThe check hands on only a few environment variables. Give a default, or let an admin name "
                "the variable in [release] check_environment."
            )
        return text


def _unusable(tree: Path, path: str) -> str | None:
    if path.startswith("/") or ".." in path.split("/"):
        return "The path leaves the tree."
    return None if (tree / path).is_file() else "The file does not exist in the tree."


def _events(results: IO[bytes]) -> Iterator[dict[str, object]]:
    """Yield whole lines that were written since the last call; a line that is no event of ours is skipped."""
    while True:
        position = results.tell()
        line = results.readline()
        if not line.endswith(b"\n"):
            results.seek(position)
            return
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                yield event


def _ending(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"it exited with code {code}"


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").strip()
    return ""
