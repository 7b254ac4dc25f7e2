"""
Airflow's own way of asking people, with as many tasks that wait, on a database that has gates already.

Airflow 3.2 lets a trigger of each task ask for its answer every five seconds. With Airflow 3.3 nothing asks:
whoever answers schedules the task in the same request.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from sqlalchemy import insert, select, text, update

if TYPE_CHECKING:
    from uuid import UUID

    import httpx
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

DAG_ID, RUN, TASK = "asks", "r", "ask"
PATIENCE = 90
"""Seconds after which a triggerer is no longer waited for."""
OPTIONS = ["Approve", "Reject"]


@dataclass(frozen=True)
class Polling:
    """
    What a triggerer was seen to do.

    :param first: seconds from its start until it had asked for all; ``None`` if not in time
    :param asked: how often it asks in 10 s
    :param cpu: seconds of CPU of it in 1 s
    """

    first: float | None
    asked: float
    cpu: float


def fill(session: Session, count: int) -> None:
    """Let so many tasks wait for an answer, each with its trigger as Airflow 3.2 makes them."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.trigger import Trigger
    from airflow.providers.standard.operators.hitl import HITLOperator
    from airflow.sdk import DAG
    from airflow.utils.state import TaskInstanceState

    from airflow_release_plugin.domain.tasks import TaskKey
    from tests.harness.airflow_tasks import start_mapped_tasks, store_dag

    with DAG(DAG_ID, schedule=None) as dag:
        HITLOperator(task_id=TASK, subject="Go on?", options=OPTIONS)
    store_dag(session, dag)
    start_mapped_tasks(session, TaskKey(DAG_ID, RUN, TASK, 0, 1), count, TaskInstanceState.DEFERRED)
    ids = list(session.scalars(select(TaskInstance.id).where(TaskInstance.dag_id == DAG_ID)))
    asked = {"options": OPTIONS, "subject": "Go on?", "params": {}, "params_input": {}}
    # The table, not the class: SQLAlchemy never comes to an end with the class, whose column can be indexed.
    session.execute(insert(HITLDetail.__table__), [{"ti_id": each, **asked} for each in ids])
    session.execute(insert(Trigger), [_trigger(number + 1, each) for number, each in enumerate(ids)])
    waiting = {"next_method": "execute_complete", "next_kwargs": {}}
    session.execute(
        update(TaskInstance), [{"id": each, "trigger_id": n + 1, **waiting} for n, each in enumerate(ids)]
    )
    session.commit()
    session.execute(text("ANALYZE"))
    session.commit()


def _trigger(number: int, task: UUID) -> dict[str, Any]:
    """A row of Airflow's triggers."""
    from airflow.models.trigger import Trigger
    from airflow.providers.standard.triggers.hitl import HITLTrigger

    made = HITLTrigger(ti_id=task, options=OPTIONS, params={}, timeout_datetime=None)
    path, kwargs = made.serialize()
    return {
        "id": number,
        "classpath": path,
        "encrypted_kwargs": Trigger.encrypt_kwargs(kwargs),
        "created_date": datetime.now(timezone.utc),
    }


def poll(engine: Engine, folder: Path, count: int, seconds: float) -> Polling:
    """Let a triggerer of Airflow have them all, for so long after it has asked for each."""
    before = _asked(engine)
    begun = time.monotonic()
    with _triggerer(engine, folder, count) as process:
        while (reached := _asked(engine) - before < count) and time.monotonic() - begun < PATIENCE:
            time.sleep(0.5)
        first = None if reached else time.monotonic() - begun
        asked, cpu, since = _asked(engine), _seconds(process), time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - since
        return Polling(first, (_asked(engine) - asked) * 10 / passed, (_seconds(process) - cpu) / passed)


@contextmanager
def _triggerer(engine: Engine, folder: Path, count: int) -> Iterator[psutil.Process]:
    url = engine.url.render_as_string(hide_password=False)
    with (folder / "triggerer.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "triggerer", "--capacity", str(count), "--skip-serve-logs"],
            env={**os.environ, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for each in family:
        each.kill()
    process.wait()


def _seconds(process: psutil.Process) -> float:
    """CPU of a triggerer and of the process that runs its triggers."""
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def _asked(engine: Engine) -> int:
    """How often somebody has looked up an answer; PostgreSQL counts it."""
    query = text(
        "SELECT coalesce(idx_scan, 0) + coalesce(seq_scan, 0) FROM pg_stat_user_tables "
        "WHERE relname = 'hitl_detail'"
    )
    with engine.connect() as connection:
        return int(connection.scalar(query) or 0)


def answer(client: httpx.Client, number: int) -> float:
    """Seconds from the answer of a person until the task is scheduled, which is in the same request."""
    path = f"/api/v2/dags/{DAG_ID}/dagRuns/{RUN}/taskInstances/{TASK}/{number}"
    body: dict[str, Any] = {"chosen_options": OPTIONS[:1], "params_input": {}}
    begun = time.perf_counter()
    client.patch(f"{path}/hitlDetails", json=body).raise_for_status()
    taken = time.perf_counter() - begun
    state = client.get(path).raise_for_status().json()["state"]
    if state != "scheduled":
        raise AssertionError(f"Task {number} is {state!r} after its answer.")
    return taken
