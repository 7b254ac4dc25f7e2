"""
Learns when the task that is watched begins and ends, in its own process and nowhere else.

It is no listener of the plugin: where plugins have any, Airflow refuses every DAG with a task that ends from
its trigger (``end_from_trigger``), and the pipeline of releases has some.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.listeners import hookimpl

from airflow_release_plugin.airflow_internals.dev_reads import DevReads, send

log = logging.getLogger(__name__)


class ReadsListener:
    """Sends what a task read when it has ended; the task is known from when its templates were rendered."""

    def __init__(self, reads: DevReads) -> None:
        self._reads = reads
        self._task: Any = None

    def listen(self) -> None:
        """From now on, be told by the task runner of this process."""
        from airflow.sdk.listener import get_listener_manager

        get_listener_manager().add_listener(self)

    @hookimpl
    def on_task_instance_running(self, previous_state: Any, task_instance: Any) -> None:
        """Learn whose reads they are."""
        self._task = task_instance

    @hookimpl
    def before_stopping(self, component: Any) -> None:
        """Send them; Airflow has the outcome of the task by now, so nothing here can change that."""
        if self._task is not None:
            try:
                send(self._reads, self._task)
            except Exception:
                log.warning("What this task read of the source could not be kept", exc_info=True)
