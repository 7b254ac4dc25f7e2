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
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import IO, Any

from airflow_release_plugin.analysis.needed_modules import needed_modules
from airflow_release_plugin.analysis.references import References, find_references
from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.messages import Message, restored, together
from airflow_release_plugin.proof import endings
from airflow_release_plugin.proof.clock import Moment, ProcessClock
from airflow_release_plugin.proof.limits import Limits
from airflow_release_plugin.proof.loaded_airflow import POLL_SECONDS, Fork, LoadedAirflow
from airflow_release_plugin.proof.observation import NOTHING_KNOWN, Confinement
from airflow_release_plugin.proof.report import FileReport, ParseReport
from airflow_release_plugin.proof.scratch import Scratch

OnProgress = Callable[[str, FileReport | None], None]


def run_files(
    tree: Path,
    dag_files: Sequence[str],
    *,
    airflow: LoadedAirflow,
    limits: Limits | None = None,
    bundle_name: str = "",
    last_runs: Mapping[str, Mapping[str, str] | None] | None = None,
    on_progress: OnProgress = lambda path, report: None,
) -> ParseReport:
    """
    Run ``dag_files`` (POSIX paths relative to ``tree``) with Airflow in one fresh process.

    A file that kills the process, or that takes longer than it may, is reported as such, and the remaining
    files are run in another process.

    :param airflow: what the process is a fork of; runs of several trees may share it, also at once
    :param bundle_name: the bundle that will serve the tree
    :param last_runs: DAG ids whose outlook is wanted, with run_after, interval_start, interval_end,
        partition_key and partition_date of their last automated run; ``None`` for no run
    :param on_progress: called with a path when its parsing begins, and with its report when it ends
    :raises UnavailableError: Airflow does not start here; or the time was up before each file had its turn,
        though none of those that had it is wrong; or the process cannot be confined but has to be
    """
    started = time.monotonic()
    run = _Run(
        tree.resolve(),
        airflow,
        limits or Limits(),
        {"bundle_name": bundle_name, "last_runs": dict(last_runs or {})},
        on_progress,
    )
    paths = list(dict.fromkeys(dag_files))
    reports = run.run(paths)
    files = tuple(replace(reports[path], references=_references(tree, path)) for path in paths)
    return ParseReport(files, round(time.monotonic() - started, 3), run.confinement)


def _needed(tree: Path, path: str) -> frozenset[str]:
    with contextlib.suppress(OSError):
        return needed_modules((tree / path).read_bytes()).needed
    return frozenset()


def _references(tree: Path, path: str) -> References:
    try:
        return find_references((tree / path).read_bytes())
    except OSError:
        return References()


@dataclass
class _Outcome:
    """How one process ended: ``is_ready`` tells if it got as far as files, ``current`` the one it was at."""

    scratch: Scratch
    is_ready: bool = False
    current: str | None = None
    spent: Moment = field(default_factory=lambda: Moment(0.0, 0.0))
    is_stopped: bool = False
    code: int = 0
    output: str = ""


class _Run:
    """Processes that run the files of one tree, one after the other."""

    def __init__(
        self,
        tree: Path,
        airflow: LoadedAirflow,
        limits: Limits,
        job: Mapping[str, object],
        on_progress: OnProgress,
    ) -> None:
        self._tree = tree
        self._airflow = airflow
        self._limits = limits
        self._job = {**job, "tree": str(tree), "memory_bytes": self._limits.memory_mb * 1024**2}
        self._on_progress = on_progress
        self._reports: dict[str, FileReport] = {}
        self._used_up = 0.0
        self._loaded: frozenset[str] = frozenset()
        self._needed = cache(partial(_needed, self._tree))
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
            self._blame(self._process(remaining), remaining)
        return self._reports

    def _process(self, paths: Sequence[str]) -> _Outcome:
        fork = self._airflow.fork({**self._job, "files": list(paths)})
        outcome = _Outcome(fork.scratch)
        try:
            self._watch(fork, outcome)
        finally:
            # Also what DAG code left running, and also when the caller is interrupted.
            outcome.code = fork.stop()
        folder = fork.scratch.folder
        outcome.output = (
            endings.crash(folder / "crash") if outcome.is_ready else endings.tail(folder / "start")
        )
        return outcome

    def _watch(self, fork: Fork, outcome: _Outcome) -> None:
        clock = ProcessClock(fork.pid)  # of what is at work: the process of the run, then that of each file
        began = clock.now()
        with (fork.scratch.folder / "results").open("a+b") as results:
            results.seek(0)
            while True:
                has_ended = fork.code is not None
                for event in _events(results):
                    self._note(outcome, event)
                    if event.get("event") == "start":
                        clock = ProcessClock(event["pid"])
                    began = clock.now()
                    if event.get("event") == "result" and self._used_up >= self._limits.total:
                        return
                if has_ended:
                    return
                outcome.spent = clock.now() - began
                if self._is_over(outcome):
                    outcome.is_stopped = True
                    self._used_up += outcome.spent.own if outcome.is_ready else 0.0
                    return
                time.sleep(POLL_SECONDS)

    def _is_over(self, outcome: _Outcome) -> bool:
        if not outcome.is_ready:
            return outcome.spent.own >= self._limits.start
        return outcome.spent.used >= self._limits.file or outcome.spent.own >= self._limits.wait

    def _note(self, outcome: _Outcome, event: Mapping[str, Any]) -> None:
        kind, path = event.get("event"), str(event.get("path", ""))
        if kind == "ready":
            outcome.is_ready = True
            self._loaded = frozenset(event["modules"])
            self.confinement = Confinement(**event["confinement"])
        elif kind == "unconfined":
            raise UnavailableError(endings.unconfined(Confinement(**event["confinement"])))
        elif kind == "start":
            outcome.current = path
            self._on_progress(path, None)
        elif kind == "result":
            outcome.current = None
            self._used_up += event["own"]
            report = FileReport.from_dict(event)
            report = replace(report, skipped_imports=self._skipped_imports(report, event["modules"]))
            # Each run has folders of its own; a DAG that names one of them is not another DAG for it.
            serialized = tuple(
                (name, self._airflow.meant(outcome.scratch.meant(text))) for name, text in report.serialized
            )
            self._keep(
                replace(
                    report,
                    serialized=serialized,
                    error=self._explained(self._without_places(outcome, report.error)),
                    warnings=tuple(self._without_places(outcome, line) for line in report.warnings),
                    logged=tuple(self._without_places(outcome, line) for line in report.logged),
                )
            )

    def _skipped_imports(self, report: FileReport, modules: Collection[str]) -> tuple[str, ...]:
        """What the text of files that ran imports for sure and that is not there; none where it failed."""
        if report.error:
            return ()
        files = [access.path for access in report.observed.opened if access.path.endswith(".py")]
        named = {module for path in files for module in self._needed(path)}
        return tuple(sorted(named - self._loaded.union(modules)))

    def _keep(self, report: FileReport) -> None:
        self._reports[report.path] = report
        self._on_progress(report.path, report)

    def _blame(self, outcome: _Outcome, remaining: Sequence[str]) -> None:
        path = outcome.current
        if not outcome.is_ready:
            raise UnavailableError(
                endings.not_loaded(self._limits.start)
                if outcome.is_stopped
                else Message(
                    "The check could not begin on this worker: %(output)s",
                    output=outcome.output or Message("no output"),
                )
            )
        if path is not None and outcome.is_stopped:
            self._keep(FileReport(path, error=endings.too_slow(self._limits, outcome.spent.used)))
        elif path is not None:
            died = Message(
                "The process that parsed this file died: %(ending)s.", ending=endings.ending(outcome.code)
            )
            output = self._without_places(outcome, outcome.output)
            # Why comes last, where it is looked for.
            text = together([output, died], "\n") if output else died
            self._keep(FileReport(path, error=self._explained(text)))
        elif all(path not in self._reports for path in remaining):
            raise UnavailableError(
                "The check ended without a result (%(ending)s); it is tried again.",
                ending=endings.ending(outcome.code),
            )

    def _give_up(self, paths: Sequence[str]) -> None:
        """The time is up: our fault, unless a file is wrong anyway."""
        done = [report for report in self._reports.values() if report.error]
        if not done:
            raise UnavailableError(endings.used_up(self._limits, len(self._reports), paths))
        for path in paths:
            self._keep(FileReport(path, is_reached=False))

    def _explained(self, text: str) -> str:
        return endings.explained(text, self._limits, self._airflow.dropped) if text else ""

    def _without_places(self, outcome: _Outcome, text: str) -> str:
        return self._airflow.hide(outcome.scratch.hide(text.replace(f"{self._tree}{os.sep}", "")))


def _events(results: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield whole lines that were written since the last call; a line that is no event of ours is skipped."""
    while True:
        position = results.tell()
        line = results.readline()
        if not line.endswith(b"\n"):
            results.seek(position)
            return
        with contextlib.suppress(ValueError):
            event = restored(json.loads(line))
            if isinstance(event, dict):
                yield event
