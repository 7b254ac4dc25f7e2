"""
Airflow, loaded once on a worker, of which each run of DAG files gets a fork.

Loading it takes longer than most DAG files; a check runs them twice, and again when a file kills its process.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType

from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.messages import Message, keep_messages
from airflow_release_plugin.proof import endings
from airflow_release_plugin.proof.clock import ProcessClock
from airflow_release_plugin.proof.limits import Limits
from airflow_release_plugin.proof.observation import PrivateFolder
from airflow_release_plugin.proof.scratch import Scratch

PROCESS = "airflow_release_plugin.proof.forking"
POLL_SECONDS = 0.02
_FAREWELL_SECONDS = 1.0


class LoadedAirflow:
    """
    A process that has loaded Airflow, while the context lasts; nothing that it started lives longer.

    Loading begins with the context, and is waited for by the first :meth:`fork`.

    :param start_seconds: how long loading may take, without what other processes take of the machine
    :param python: interpreter, this one by default
    :param environment: variables added to the few that the process inherits: options of Airflow, or
        ``AIRFLOW_VAR_…`` for code that reads Airflow variables while it is parsed; no other access to them
    :param private: folders that no DAG file may read: other DAG code, and Airflow's own folder
    :param readable: further folders and files that may be read, unless they are private
    :param require_confinement: refuse to run anything unless files and network are shut
    """

    def __init__(
        self,
        *,
        start_seconds: float = Limits.start,
        python: str | None = None,
        environment: Mapping[str, str] | None = None,
        private: Sequence[PrivateFolder] = (),
        readable: Sequence[str] = (),
        require_confinement: bool = False,
    ) -> None:
        self._start_seconds = start_seconds
        self._python = python or sys.executable
        self._environment = dict(environment or {})
        self._around = {
            "private": [asdict(each) for each in _as_they_lie(private)],
            "readable": [os.path.realpath(each) for each in readable],
            "require_confinement": require_confinement,
        }
        self._lock = threading.Lock()
        self._forked = 0
        self.dropped: tuple[str, ...] = ()

    def __enter__(self) -> LoadedAirflow:
        self._temporary = tempfile.TemporaryDirectory(prefix="release-check-")
        self._folder = Path(self._temporary.name).resolve()
        self._scratch = Scratch(self._folder / "loading")
        self._scratch.prepare()
        for name in ("runs", "scratch"):
            (self._folder / name).mkdir()
        around = {**self._around, "scratch": str(self._scratch.folder)}
        (self._folder / "around.json").write_text(json.dumps(keep_messages(around)), encoding="utf-8")
        with (self._folder / "output").open("wb") as output:
            self._process = subprocess.Popen(
                [self._python, "-m", PROCESS, str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=self._scratch.work,
                env=self._scratch.environment(self._environment),
                start_new_session=True,
            )
        self._clock = ProcessClock(self._process.pid)
        self._began = self._clock.now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()  # then it ends its forks, and itself
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_FAREWELL_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._temporary.cleanup()

    def fork(self, job: Mapping[str, object]) -> Fork:
        """
        A process for one run, of what ``job`` says; see :mod:`process`.

        :raises UnavailableError: Airflow does not start here, or not in time
        """
        with self._lock:
            self._wait_until_loaded()
            self._forked += 1
            number = str(self._forked)
            scratch = Scratch(self._folder / "scratch" / number)
            scratch.prepare()
            job = {
                **job,
                **self._around,
                "aliases": {**self._scratch.aliases, **scratch.aliases},
                "loading": str(self._scratch.folder),
                "places": scratch.places,
            }
            (scratch.folder / "job.json").write_text(json.dumps(keep_messages(job)), encoding="utf-8")
            born = self._folder / "runs" / f"{number}.born"
            try:
                self._send(os.fsencode(scratch.folder) + b"\n")
                while not born.exists():
                    self._require_alive()
                    time.sleep(POLL_SECONDS / 10)
            except BrokenPipeError:
                self._require_alive()
                raise
        return Fork(self, scratch, int(born.read_text()), born.with_suffix(".ended"))

    def is_alive(self) -> bool:
        """Whether it can still tell how its forks end."""
        return self._process.poll() is None

    def hide(self, text: str) -> str:
        """``text`` with what the folders stand for that the process is told."""
        return self._scratch.hide(text)

    def meant(self, text: str) -> str:
        """``text`` with the folders of this machine that its own stand for."""
        return self._scratch.meant(text)

    def _send(self, line: bytes) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the process was started with a pipe")
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _wait_until_loaded(self) -> None:
        loaded = self._folder / "loaded"
        while not loaded.exists():
            self._require_alive()
            if (self._clock.now() - self._began).own >= self._start_seconds:
                raise UnavailableError(endings.not_loaded(self._start_seconds))
            time.sleep(POLL_SECONDS)
        self.dropped = tuple(json.loads(loaded.read_text(encoding="utf-8")))

    def _require_alive(self) -> None:
        if self._process.poll() is not None:
            output = endings.tail(self._folder / "output")
            raise UnavailableError(
                "The check could not start Airflow with %(python)s: %(output)s",
                python=self._python,
                output=output or Message("no output"),
            )


@dataclass(frozen=True)
class Fork:
    """
    A process of one run.

    :param ended: has its exit code once it has ended
    """

    airflow: LoadedAirflow
    scratch: Scratch
    pid: int
    ended: Path

    @property
    def code(self) -> int | None:
        """Its exit code, once it has ended."""
        if self.ended.exists():
            return int(self.ended.read_text(encoding="utf-8"))
        return None if self.airflow.is_alive() else -signal.SIGKILL

    def stop(self) -> int:
        """End it, with what DAG code left running; its exit code."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if not self.ended.exists():
            # Until it has made a group of its own, there is only the process.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, signal.SIGKILL)
        while (code := self.code) is None:
            time.sleep(POLL_SECONDS / 10)
        return code


def _as_they_lie(private: Sequence[PrivateFolder]) -> list[PrivateFolder]:
    """Without links, since it is the place itself that is private; the first name of a place counts."""
    found: dict[str, PrivateFolder] = {}
    for each in private:
        folder = os.path.realpath(os.path.expanduser(each.folder))
        found.setdefault(folder, replace(each, folder=folder))
    return list(found.values())
