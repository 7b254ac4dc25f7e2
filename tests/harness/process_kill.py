"""Servers that are killed: processes of their own, with the database and folders that the next one has."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from airflow_release_plugin.models import metadata
from airflow_release_plugin.services.server import startup
from airflow_release_plugin.store.database import database_store

FORK = multiprocessing.get_context("fork")
_PATIENCE = 60
_LOOKS = ("notifications", "drift")
"""Tasks that look at the clock and at other programs, not at what somebody left."""


@dataclass(frozen=True)
class Moment:
    """
    When a process is killed: at a call of ``owner.name``.

    :param on: only calls count whose arguments have this in their text
    :param number: which of the calls that count
    :param after: once it is done; before otherwise
    """

    owner: Any
    name: str
    on: str = ""
    number: int = 1
    after: bool = False

    def set(self) -> None:
        """Let this process be killed then; there is no way back."""
        original: Callable[..., Any] = getattr(self.owner, self.name)
        calls = count(1)

        def deadly(*args: Any, **options: Any) -> Any:
            is_now = self.on in str(args) and next(calls) == self.number
            if is_now and not self.after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = original(*args, **options)
            if is_now:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(self.owner, self.name, deadly)


def kill(moment: Moment, engine: Engine, deed: Callable[[], object]) -> None:
    """Let a process do something, and be killed at a moment of it."""

    def doomed() -> None:
        moment.set()
        deed()

    ended = _in_process(engine, doomed)
    assert ended == -signal.SIGKILL, f"it was never at {moment}, and ended with {ended}"


def restart(engine: Engine) -> None:
    """Start a server: what it does at once, and a tick of every task that goes on where another stopped."""

    def serve() -> None:
        startup.prepare()
        for task in startup.periodic_tasks():
            if task.name not in _LOOKS:
                task.tick(Event())

    assert _in_process(engine, serve) == 0


def _in_process(engine: Engine, deed: Callable[[], object]) -> int:
    # A connection must not be in two processes.
    engine.dispose()
    process = FORK.Process(target=deed)
    process.start()
    process.join(_PATIENCE)
    ended = process.exitcode
    process.kill()
    assert ended is not None, f"it hangs after {_PATIENCE} s"
    return ended


def rows(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the tables of the product hold."""
    with Session(engine) as session:
        return {
            name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for name, table in metadata.tables.items()
        }


def refs(engine: Engine) -> dict[str, str]:
    """Every ref of the store."""
    with Session(engine) as session:
        return database_store(session).refs("refs/")


def files(*folders: Path) -> list[str]:
    """Paths of everything below some folders."""
    return sorted(str(path) for folder in folders for path in folder.rglob("*"))


def is_half(path: str) -> bool:
    """Whether a file is one that somebody began and did not finish."""
    return Path(path).name.endswith(".partial")
