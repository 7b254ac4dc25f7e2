"""What an API server does beside its requests: periodic tasks, each in a thread of its own, with pauses."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Event, Thread

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import ConflictError, ReleaseError, UnavailableError
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

log = logging.getLogger(__name__)

Work = Callable[[], AbstractContextManager[tuple[Context, Actor]]]
"""Opens a transaction."""

_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds between attempts to write something down that must not get lost: SQLite has one writer."""


@dataclass(frozen=True)
class PeriodicTask:
    """
    Something that is looked after again and again.

    :param name: what it is about, in the plural, for logs
    :param tick: does everything that is due; ends early when the event is set
    :param pause: seconds between two rounds; 0 switches it off
    """

    name: str
    tick: Callable[[Event], object]
    pause: float


def start(periodic_tasks: Iterable[PeriodicTask], stop: Event) -> None:
    """Look after each of the periodic_tasks until ``stop`` is set; one that takes long holds up no other."""
    for task in periodic_tasks:
        if task.pause > 0:
            name = f"release-{task.name}"
            Thread(target=run_forever, args=(task, stop), name=name, daemon=True).start()


def run_forever(task: PeriodicTask, stop: Event) -> None:
    """Do a task until ``stop`` is set; problems are only logged."""
    while not stop.wait(task.pause):
        try:
            task.tick(stop)
        except ReleaseError as error:
            log.warning("Not looked after: %s. %s", task.name, error.message)
        except Exception:
            log.exception("Not looked after: %s", task.name)


def in_transaction(work: Work, step: Callable[[Context], None]) -> bool:
    """Do one step in a transaction of its own, and say whether it was done; who loses a race need not."""
    try:
        with work() as (ctx, _):
            step(ctx)
    except (ConflictError, UnavailableError):
        log.debug("Somebody else did it at the same moment, or the database is busy; the next round will see")
        return False
    return True


def retry_transaction(step: Callable[[Context], None], work: Work = unit_of_work) -> None:
    """Do one step in a transaction of its own, again while others are in the way."""
    for pause in _PAUSES:
        if in_transaction(work, step):
            return
        time.sleep(pause)
