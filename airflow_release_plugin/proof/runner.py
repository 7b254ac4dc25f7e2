"""
Runs DAG files with Airflow, in a process of its own that is confined and watched.

Runs on a worker. The caller's process imports no DAG code and survives its crashes, exits, hangs and noise.

Nobody has approved the code yet. So its process may read nothing but its tree and what is installed, and is
told no secrets: of the environment only what finds programs and libraries, of Airflow's configuration only
what the caller hands over. Who can be confined, and what is seen, is in ``docs/concepts/security.md``.
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
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from airflow_release_plugin.analysis.references import References, find_references
from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.proof import endings
from airflow_release_plugin.proof.clock import Moment, ProcessClock
from airflow_release_plugin.proof.limits import Limits
from airflow_release_plugin.proof.observation import NOTHING_KNOWN, Confinement, PrivateFolder
from airflow_release_plugin.proof.report import FileReport, ParseReport

PROCESS = "airflow_release_plugin.proof.process"
OnProgress = Callable[[str, FileReport | None], None]
_POLL_SECONDS = 0.02
_INHERITED = re.compile(
    r"PATH|USER|LOGNAME|LANG|LANGUAGE|LC_\w+|TZ|PYTHON\w+|VIRTUAL_ENV|LD_LIBRARY_PATH|SSL_CERT_(FILE|DIR)"
)


def run_files(
    tree: Path,
    dag_files: Sequence[str],
    *,
    limits: Limits | None = None,
    bundle_name: str = "",
    python: str | None = None,
    environment: Mapping[str, str] | None = None,
    last_runs: Mapping[str, Mapping[str, str] | None] | None = None,
    private: Sequence[PrivateFolder] = (),
    readable: Sequence[str] = (),
    require_confinement: bool = False,
    on_progress: OnProgress = lambda path, report: None,
) -> ParseReport:
    """
    Run ``dag_files`` (POSIX paths relative to ``tree``) with Airflow in one fresh process.

    A file that kills the process, or that takes longer than it may, is reported as such, and the remaining
    files are run in another process.

    :param bundle_name: the bundle that will serve the tree
    :param python: interpreter, this one by default
    :param environment: variables added to the few that the process inherits: options of Airflow, or
        ``AIRFLOW_VAR_…`` for code that reads Airflow variables while it is parsed; no other access to them
    :param last_runs: DAG ids whose outlook is wanted, with run_after, interval_start, interval_end,
        partition_key and partition_date of their last automated run; ``None`` for no run
    :param private: folders that no file may read: other DAG code, and Airflow's own folder
    :param readable: further folders and files that may be read, unless they are private
    :param require_confinement: refuse to run anything unless files and network are shut
    :param on_progress: called with a path when its parsing begins, and with its report when it ends
    :raises UnavailableError: Airflow does not start here; or the time was up before each file had its turn,
        though none of those that had it is wrong; or the process cannot be confined but has to be
    """
    started = time.monotonic()
    job = {
        "bundle_name": bundle_name,
        "last_runs": dict(last_runs or {}),
        "private": [asdict(each) for each in _as_they_lie(private)],
        "readable": [os.path.realpath(each) for each in readable],
        "require_confinement": require_confinement,
    }
    start = _Start(python or sys.executable, dict(environment or {}))
    run = _Run(tree.resolve(), limits or Limits(), job, start, on_progress)
    paths = list(dict.fromkeys(dag_files))
    reports = run.run(paths)
    files = tuple(replace(reports[path], references=_references(tree, path)) for path in paths)
    return ParseReport(files, round(time.monotonic() - started, 3), run.confinement)


def _as_they_lie(private: Sequence[PrivateFolder]) -> list[PrivateFolder]:
    """Without links, since it is the place itself that is private; the first name of a place counts."""
    found: dict[str, PrivateFolder] = {}
    for each in private:
        folder = os.path.realpath(os.path.expanduser(each.folder))
        found.setdefault(folder, replace(each, folder=folder))
    return list(found.values())


def _references(tree: Path, path: str) -> References:
    try:
        return find_references((tree / path).read_bytes())
    except OSError:
        return References()


@dataclass(frozen=True)
class _Start:
    """What a process is started with."""

    python: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class _Scratch:
    """The only folder that a process may write to; parts of it stand for folders that it is not told."""

    folder: Path

    @property
    def aliases(self) -> dict[str, str]:
        """Those parts, by what they stand for; empty for wherever Airflow was started."""
        home = os.environ.get("AIRFLOW_HOME") or "~/airflow"
        return {
            str(self.folder / "airflow"): os.path.realpath(os.path.expanduser(home)),
            str(self.folder / "user"): os.path.realpath(os.path.expanduser("~")),
            str(self.folder / "work"): "",
        }

    def prepare(self, job: Mapping[str, Any]) -> None:
        for name in ("airflow", "user", "work", "tmp"):
            (self.folder / name).mkdir()
        (self.folder / "airflow" / "airflow.cfg").touch()
        (self.folder / "job.json").write_text(json.dumps({**job, "aliases": self.aliases}), encoding="utf-8")

    def environment(self, added: Mapping[str, str]) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if _INHERITED.fullmatch(name)},
            **added,
            # The worker's airflow.cfg holds secrets, too.
            "AIRFLOW_HOME": str(self.folder / "airflow"),
            "AIRFLOW_CONFIG": str(self.folder / "airflow" / "airflow.cfg"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            # It goes by the wall clock; ours leaves out what other processes take.
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "0",
            # Airflow then sets up no database engine, as in a task's process.
            "_AIRFLOW__REEXECUTED_PROCESS": "1",
            "_AIRFLOW_PROCESS_CONTEXT": "client",
            "HOME": str(self.folder / "user"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1",
            # Two runs of the same code are to make the same.
            "PYTHONHASHSEED": "0",
        }

    def hide(self, text: str) -> str:
        """``text`` with what its parts stand for."""
        shown = {"airflow": "$AIRFLOW_HOME", "user": "~", "work": "."}
        for name, meant in shown.items():
            text = text.replace(str(self.folder / name), meant)
        return text


@dataclass
class _Outcome:
    """How one process ended: ``is_ready`` tells if Airflow was loaded, ``current`` the file it was at."""

    scratch: _Scratch
    is_ready: bool = False
    current: str | None = None
    spent: Moment = field(default_factory=lambda: Moment(0.0, 0.0))
    is_stopped: bool = False
    code: int = 0
    output: str = ""
    dropped: tuple[str, ...] = ()


class _Run:
    """Processes that run the files of one tree, one after the other."""

    def __init__(
        self,
        tree: Path,
        limits: Limits,
        job: Mapping[str, object],
        start: _Start,
        on_progress: OnProgress,
    ) -> None:
        self._tree = tree
        self._limits = limits
        self._job = {**job, "tree": str(tree), "memory_bytes": limits.memory_mb * 1024**2}
        self._start = start
        self._on_progress = on_progress
        self._reports: dict[str, FileReport] = {}
        self._used_up = 0.0
        self.confinement: Confinement = NOTHING_KNOWN

    def run(self, paths: list[str]) -> dict[str, FileReport]:
        """Return a report for each path."""
        for path in paths:
            if (reason := endings.unusable(self._tree, path)) is not None:
                self._keep(FileReport(path, error=reason))
        while remaining := [path for path in paths if path not in self._reports]:
            if self._used_up >= self._limits.total:
                self._give_up(remaining)
                break
            with tempfile.TemporaryDirectory(prefix="release-check-") as folder:
                outcome = self._process(_Scratch(Path(folder).resolve()), remaining)
            self._blame(outcome, remaining)
        return self._reports

    def _process(self, scratch: _Scratch, paths: Sequence[str]) -> _Outcome:
        scratch.prepare({**self._job, "files": list(paths)})
        folder = scratch.folder
        with (folder / "start").open("wb") as start:
            process = subprocess.Popen(
                [self._start.python, "-m", PROCESS, str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=start,
                stderr=start,
                cwd=folder / "work",
                env=scratch.environment(self._start.environment),
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
        outcome.output = (
            endings.crash(folder / "crash") if outcome.is_ready else endings.tail(folder / "start")
        )
        return outcome

    def _watch(self, process: subprocess.Popen[bytes], scratch: _Scratch) -> _Outcome:
        outcome = _Outcome(scratch)
        clock = ProcessClock(process.pid)
        began = clock.now()
        with (scratch.folder / "results").open("a+b") as results:
            results.seek(0)
            while True:
                has_ended = process.poll() is not None
                for event in _events(results):
                    now = clock.now()
                    if outcome.is_ready:
                        self._used_up += (now - began).own
                    began = now
                    self._note(outcome, event)
                    if event.get("event") == "result" and self._used_up >= self._limits.total:
                        return outcome
                if has_ended:
                    return outcome
                outcome.spent = clock.now() - began
                if self._is_over(outcome):
                    outcome.is_stopped = True
                    self._used_up += outcome.spent.own if outcome.is_ready else 0.0
                    return outcome
                time.sleep(_POLL_SECONDS)

    def _is_over(self, outcome: _Outcome) -> bool:
        if not outcome.is_ready:
            return outcome.spent.own >= self._limits.start
        return outcome.spent.used >= self._limits.file or outcome.spent.own >= self._limits.wait

    def _note(self, outcome: _Outcome, event: Mapping[str, Any]) -> None:
        kind, path = event.get("event"), str(event.get("path", ""))
        if kind == "ready":
            outcome.is_ready = True
            self.confinement = Confinement(**event["confinement"])
            outcome.dropped = tuple(event["dropped"])
        elif kind == "unconfined":
            raise UnavailableError(endings.unconfined(Confinement(**event["confinement"])))
        elif kind == "start":
            outcome.current = path
            self._on_progress(path, None)
        elif kind == "result":
            outcome.current = None
            report = FileReport.from_dict(event)
            self._keep(replace(report, error=self._shown(outcome, report.error)))

    def _keep(self, report: FileReport) -> None:
        self._reports[report.path] = report
        self._on_progress(report.path, report)

    def _blame(self, outcome: _Outcome, remaining: Sequence[str]) -> None:
        path = outcome.current
        if not outcome.is_ready:
            raise UnavailableError(
                endings.not_loaded(self._limits)
                if outcome.is_stopped
                else f"The check could not start Airflow with {self._start.python}: "
                f"{outcome.output or 'no output'}"
            )
        if path is not None and outcome.is_stopped:
            self._keep(FileReport(path, error=endings.too_slow(self._limits, outcome.spent.used)))
        elif path is not None:
            died = f"The process that parsed this file died: {endings.ending(outcome.code)}."
            self._keep(FileReport(path, error=self._shown(outcome, f"{died}\n{outcome.output}".strip())))
        elif all(path not in self._reports for path in remaining):
            raise UnavailableError(
                f"The check ended without a result ({endings.ending(outcome.code)}); it is tried again."
            )

    def _give_up(self, paths: Sequence[str]) -> None:
        """The time is up: our fault, unless a file is wrong anyway."""
        done = [report for report in self._reports.values() if report.error]
        if not done:
            raise UnavailableError(endings.used_up(self._limits, len(self._reports), paths))
        for path in paths:
            self._keep(FileReport(path, is_reached=False))

    def _shown(self, outcome: _Outcome, error: str) -> str:
        text = outcome.scratch.hide(error.replace(f"{self._tree}{os.sep}", ""))
        return endings.explained(text, self._limits, outcome.dropped) if text else ""


def _events(results: IO[bytes]) -> Iterator[dict[str, Any]]:
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
