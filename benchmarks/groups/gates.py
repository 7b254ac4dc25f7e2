"""Ten thousand gates that wait on one triggerer: what they ask, what that costs, how soon they wake up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from benchmarks.frame.bench import Bench
from benchmarks.frame.rows import Goal, Row, RowGroup, Unit
from benchmarks.frame.samples import Sample, processor_seconds
from benchmarks.frame.stages import postgres, scratch

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from airflow_release_plugin.client.watch import AsyncReleaseClient
    from airflow_release_plugin.triggers.watcher import Watcher

GATES = 10_000
DECIDED = 40
PAUSE = 0.7
"""Seconds between two decisions: no multiple of the second after which a server looks again."""
SECONDS = 30
_ONE_RUN = "they wait together, for half a minute"
_HITL = "HITL of Airflow 3.3 asks once for each operator, by default every 5 s: 20,000 requests in 10 s."


def _row(name: str, goal: Goal, unit: Unit, note: str = "") -> Row:
    return Row(f"{GATES} gates: {name}", goal, GATES, unit=unit, rounds=1, why_few=_ONE_RUN, note=note)


_REQUESTS = _row("requests in 10 s", Goal(at_most=1), Unit.COUNT, _HITL)
_IDLE = _row("CPU of the triggerer in 1 s", Goal(at_most=0.01), Unit.CPU)
_WAKE = _row("p95 from decided until awake", Goal(at_most=2), Unit.WALL, "Servers look once a second.")
_RESTART = _row(
    "a triggerer begins until all were asked for",
    Goal(at_most=10),
    Unit.WALL,
    "At its start it asks for the state of each.",
)
ROWS = (_REQUESTS, _IDLE, _WAKE, _RESTART)


@dataclass
class CountedClient:
    """A client that counts its requests."""

    client: AsyncReleaseClient
    requests: int = field(default=0)

    async def watch(self, known: Mapping[str, str], *, wait: float) -> dict[str, str]:
        """Pass it on."""
        self.requests += 1
        return await self.client.watch(known, wait=wait)

    async def close(self) -> None:
        """Pass it on."""
        await self.client.close()


@contextmanager
def waiting_gates() -> Iterator[tuple[Engine, str]]:
    """
    A database with as many open gates, and the address of an API server on it.

    Each gate has a task that waits: the server withdraws those that have none.
    """
    from sqlalchemy import insert
    from sqlalchemy.orm import Session

    from airflow_release_plugin.domain.tasks import TaskKey
    from airflow_release_plugin.models import Gate
    from tests.harness.airflow_home import migrate
    from tests.harness.airflow_tasks import start_task
    from tests.harness.api_servers import API, api_servers
    from tests.harness.databases import connect

    with postgres() as server, scratch("gates") as folder:
        url = server.create_database("gates")
        migrate(url)
        engine = connect(url)
        with Session(engine) as session:
            for number in range(GATES):
                start_task(session, TaskKey("etl", "r", "t", number, 1), "deferred")
            session.execute(insert(Gate), [_gate(number) for number in range(GATES)])
            session.commit()
        with api_servers(1, url, folder) as (address,):
            yield engine, address.removesuffix(API)
        engine.dispose()


def _gate(number: int) -> dict[str, object]:
    from airflow_release_plugin.domain.states import GateState

    now = datetime.now(timezone.utc)
    told = {"title": "Go on?", "message": "", "dag_id": "etl", "run_id": "r", "task_id": "t"}
    who = {"requested_by_id": "1", "requested_by_name": "x", "change_digest": "0" * 64}
    times = {"opened_at": now, "expires_at": now + timedelta(days=30)}
    return {
        "id": number + 1,
        "state": GateState.OPEN,
        "map_index": number,
        "try_number": 1,
        **told,
        **who,
        **times,
    }


def client_of(address: str) -> CountedClient:
    """The client of a triggerer, logged in as the service user."""
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    from airflow_release_plugin.client.settings import ClientSettings
    from airflow_release_plugin.client.watch import AsyncReleaseClient

    token = SimpleAuthManager().generate_jwt(SimpleAuthManagerUser(username="pipeline", role="VIEWER"))
    return CountedClient(AsyncReleaseClient(ClientSettings(address, password=token)))


def measure(bench: Bench) -> None:
    """All of them at once."""
    if bench.wants(*ROWS):
        with waiting_gates() as (engine, address):
            asyncio.run(_measure(bench, engine, address))


async def _measure(bench: Bench, engine: Engine, address: str) -> None:
    from airflow_release_plugin.triggers.watcher import Watcher

    client = client_of(address)

    async def connect() -> CountedClient:
        return client

    watcher = Watcher("bench", connect)
    began = time.perf_counter()
    states = await asyncio.gather(
        *(watcher.next_state(_subject(number), "") for number in range(1, GATES + 1))
    )
    bench.note(_RESTART, {"ours": [Sample(wall=time.perf_counter() - began)]})
    assert set(states) == {"open"}, set(states)
    waits = {number: asyncio.create_task(_wait(watcher, number)) for number in range(1, GATES + 1)}
    await asyncio.sleep(5)
    asked, cpu = client.requests, processor_seconds()
    await asyncio.sleep(SECONDS)
    bench.note(_REQUESTS, {"ours": [Sample(size=(client.requests - asked) * 10 / SECONDS)]})
    bench.note(_IDLE, {"ours": [Sample(cpu=(processor_seconds() - cpu) / SECONDS)]})
    delays = sorted([await _decide(engine, number, waits[number]) for number in _spread()])
    bench.note(_WAKE, {"ours": [Sample(wall=delays[int(0.95 * (len(delays) - 1))])]})
    assert all(wait.done() is (number in _spread()) for number, wait in waits.items())
    for wait in waits.values():
        wait.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*waits.values())


def _subject(number: int) -> str:
    return f"gate:{number}"


def _spread() -> list[int]:
    """Gates from all over, so that each turn has some."""
    return [1 + each * (GATES // DECIDED) for each in range(DECIDED)]


async def _wait(watcher: Watcher, number: int) -> float:
    await watcher.next_state(_subject(number), "open")
    return time.perf_counter()


async def _decide(engine: Engine, number: int, wait: asyncio.Task[float]) -> float:
    """Seconds from the commit of a decision until whoever waits for it goes on."""
    await asyncio.sleep(PAUSE)
    await asyncio.to_thread(_approve, engine, number)
    decided = time.perf_counter()
    return max(0.0, await asyncio.wait_for(wait, 60) - decided)


def _approve(engine: Engine, number: int) -> None:
    from sqlalchemy import text

    with engine.begin() as connection:
        connection.execute(text("UPDATE release_gate SET state = 'approved' WHERE id = :id"), {"id": number})


GROUP = RowGroup("gates", "many gates on one triggerer", ROWS, measure, minutes=5)
