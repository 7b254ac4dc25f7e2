"""
The process that :mod:`loaded_airflow` starts: loads Airflow once, and forks for each run.

A fork finds everything loaded, and is as fresh as a process of its own. It runs nothing but what is installed
here before it forks: DAG code runs in forks only, each shut in before it.

Each line on standard input is a folder: of a run, whose name is its number. What became of it is told in
``runs``, which no fork may write to: ``<number>.born`` has its process id, ``<number>.ended`` its exit code.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import sys
from pathlib import Path

from airflow_release_plugin.messages import restored
from airflow_release_plugin.proof.confinement import clean_import_path
from airflow_release_plugin.proof.observation import PrivateFolder

_NOTHING = """
from airflow.sdk import DAG, task
with DAG("nothing"):
    @task
    def nothing(): ...
    nothing()
"""


def main(folder: Path) -> None:
    """Load Airflow, say so, and fork until standard input is closed."""
    around = restored(json.loads((folder / "around.json").read_text(encoding="utf-8")))
    private = [PrivateFolder(**each) for each in around["private"]]
    dropped = clean_import_path(around["scratch"], private)
    _load(folder)
    _tell(folder / "loaded", json.dumps(dropped))
    _Forks(folder / "runs").serve()


def _load(folder: Path) -> None:
    """Import Airflow and take away its ORM, as in any process that runs DAG code."""
    import airflow.settings
    from airflow.sdk.execution_time.supervisor import block_orm_access

    import airflow_release_plugin.proof.process  # noqa: F401 - what a fork begins with

    airflow.settings.initialize()
    _try(folder)
    block_orm_access()
    # A collection in a fork would copy every page that it looks at.
    gc.collect()
    gc.freeze()


def _try(folder: Path) -> None:
    """
    Run a DAG file of ours: what Airflow imports and makes at the first one, no fork has to; for
    ``task``, it looks at every provider.
    """
    from airflow_release_plugin.proof.parsing import parser

    (folder / "nothing.py").write_text(_NOTHING, encoding="utf-8")
    if error := parser(folder, "", {})("nothing.py").error:
        raise RuntimeError(error)
    # Airflow's importer leaves a handler in Python, to which a real fault would come back for ever.
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)


class _Forks:
    """Forks that live, by process id."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._alive: dict[int, str] = {}
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)

    def serve(self) -> None:
        """Fork for each line, and tell how forks end."""
        # Wakes the wait below when a fork ends; the handler itself has nothing to do.
        signal.set_wakeup_fd(self._write)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        wait = selectors.PollSelector()
        for readable in (0, self._read):
            wait.register(readable, selectors.EVENT_READ)
        begun = b""
        while True:
            ready = {key.fd for key, _ in wait.select()}
            if self._read in ready:
                os.read(self._read, 4096)
                self._collect()
            if 0 in ready:
                data = os.read(0, 65536)
                if not data:
                    self._end_all()
                    return
                *lines, begun = (begun + data).split(b"\n")
                for line in lines:
                    self._fork(Path(os.fsdecode(line)))

    def _fork(self, scratch: Path) -> None:
        pid = os.fork()
        if pid == 0:
            self._become(scratch)
        self._alive[pid] = scratch.name
        _tell(self._runs / f"{scratch.name}.born", str(pid))

    def _become(self, scratch: Path) -> None:
        """Be a process of its own, with nothing of the one that forked."""
        from airflow_release_plugin.proof.process import run

        code = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for pipe in (self._read, self._write):
                os.close(pipe)
            nothing = os.open(os.devnull, os.O_RDONLY)
            start = os.open(scratch / "start", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for number, opened in ((0, nothing), (1, start), (2, start)):
                os.dup2(opened, number)
            os.close(nothing)
            os.close(start)
            run(scratch)
            code = 0
        except BaseException:  # what is not caught here would go on as the process that forked
            with contextlib.suppress(Exception):
                sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)

    def _end_all(self) -> None:
        for pid in self._alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)

    def _collect(self) -> None:
        for pid in list(self._alive):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                number = self._alive.pop(pid)
                _tell(self._runs / f"{number}.ended", str(os.waitstatus_to_exitcode(status)))


def _tell(path: Path, text: str) -> None:
    """Write it at once, so that nobody reads a half of it."""
    unfinished = path.with_suffix(".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.rename(path)


if __name__ == "__main__":
    main(Path(sys.argv.pop()))
