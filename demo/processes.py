"""Airflow's processes: started together, watched, and stopped with everything that they started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

COMPONENTS: Mapping[str, Sequence[str]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}


class AirflowProcesses:
    """
    The processes of one Airflow installation.

    Each component is the leader of a session of its own, so that a Ctrl-C in the terminal reaches only the
    supervisor, which then stops them in order.

    :param environment: complete environment of each process
    :param home: ``AIRFLOW_HOME``; ``logs/<component>.log`` and ``processes.json`` are written there
    """

    def __init__(self, environment: Mapping[str, str], home: Path) -> None:
        self.environment = dict(environment)
        self.home = home
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def log(self, component: str) -> Path:
        """The log file of a component."""
        return self.home / "logs" / f"{component}.log"

    def run(self, *command: str, name: str) -> int:
        """Run ``airflow <command>`` to its end with output in ``logs/<name>.log``; return the exit code."""
        process = self._spawn(name, command)
        try:
            return process.wait()
        finally:
            if process.poll() is None:
                _stop(_family(process.pid), grace=5)

    def start(self, components: Sequence[str] = tuple(COMPONENTS)) -> None:
        """Start the components; processes that a killed supervisor left behind are stopped first."""
        self._stop_leftovers()
        self._launch(components)

    def pid(self, component: str) -> int:
        """Process id of a component that was started."""
        return self._running[component].pid

    def kill(self, component: str) -> None:
        """Kill a component with everything that it started, as a crash of the machine would."""
        process = self._running.pop(component)
        for member in _family(process.pid):
            _signal(member, signal.SIGKILL)
        process.wait()

    def start_again(self, component: str) -> None:
        """Start a component that was killed."""
        self._launch([component])

    def _launch(self, components: Sequence[str]) -> None:
        for component in components:
            self._running[component] = self._spawn(component, COMPONENTS[component])
        started = [psutil.Process(process.pid) for process in self._running.values()]
        self._record.write_text(json.dumps([[process.pid, process.create_time()] for process in started]))

    def failed(self) -> dict[str, int]:
        """Exit codes of the components that ended although nobody stopped them."""
        codes = {name: process.poll() for name, process in self._running.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def tail(self, component: str, lines: int = 25) -> str:
        """The last lines of a component's log."""
        with contextlib.suppress(FileNotFoundError):
            return "\n".join(self.log(component).read_text(errors="replace").splitlines()[-lines:])
        return ""

    def stop(self, grace: float = 5) -> None:
        """Stop everything that was started, grandchildren too; kill what lives after ``grace`` seconds."""
        family = [member for process in self._running.values() for member in _family(process.pid)]
        _stop(family, grace)
        for process in self._running.values():
            process.wait()
        self._running.clear()
        self._record.unlink(missing_ok=True)

    @property
    def _record(self) -> Path:
        return self.home / "processes.json"

    def _spawn(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        self.log(name).parent.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "airflow", *command],
                env=self.environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _stop_leftovers(self) -> None:
        """A recorded process is ours only if the one with its id was also started at the recorded time."""
        if not self._record.exists():
            return
        for pid, created in json.loads(self._record.read_text()):
            with contextlib.suppress(psutil.NoSuchProcess):
                if psutil.Process(pid).create_time() == created:
                    _stop(_family(pid), grace=5)


def _family(pid: int) -> list[psutil.Process]:
    """The process and all its descendants; task processes lead groups of their own."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _stop(family: Sequence[psutil.Process], grace: float) -> None:
    leaders = [member for member in family if _leads_a_session(member.pid)]
    alive = list(family)
    for seconds in (grace / 3, grace * 2 / 3):
        # Told once, the triggerer waits 10 s, and the scheduler for its tasks; told twice, they end.
        for leader in leaders:
            _signal(leader, signal.SIGTERM)
        _, alive = psutil.wait_procs(alive, timeout=seconds)
    for member in alive:
        _signal(member, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)
    # Children that were born after the family was listed stay in their leader's group.
    for leader in leaders:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader.pid, signal.SIGKILL)


def _leads_a_session(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        return os.getsid(pid) == pid
    return False


def _signal(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def wait_until(condition: Callable[[], bool], *, seconds: float, pause: float = 0.2) -> bool:
    """Call ``condition`` until it is true, for at most ``seconds``; return whether it was."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
