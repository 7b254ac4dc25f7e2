"""Ten thousand gates that wait on one triggerer: what they ask, what that costs, how soon they wake up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from benchmarks import human_in_the_loop
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
_OLDER, _NEWER = "HITL of Airflow 3.2", "HITL of Airflow 3.3"


def _row(name: str, goal: Goal, unit: Unit, note: str = "", peer: str = "") -> Row:
    return Row(
        f"{GATES} gates: {name}", goal, GATES, peer=peer, unit=unit, rounds=1, why_few=_ONE_RUN, note=note
    )


_REQUESTS = _row(
    "requests in 10 s",
    Goal(at_most=1),
    Unit.COUNT,
    "A trigger of each task asks there every 5 s, which would be 20,000; the peer's figure is what one "
    "triggerer comes to. HITL of Airflow 3.3 has no triggers and asks nothing, which is better than ours.",
    _OLDER,
)
_IDLE = _row(
    "CPU of the triggerer in 1 s",
    Goal(at_most=0.01),
    Unit.CPU,
    "With HITL of Airflow 3.3 no triggerer is needed.",
    _OLDER,
)
_WAKE = _row(
    "p95 from deciding until awake",
    Goal(at_most=2),
    Unit.WALL,
    "The request of the person counts. With HITL of Airflow 3.3 the same request schedules the task; ours "
    "tells the triggerer, whose gates take turns where there are more than one request may name.",
    _NEWER,
)
_RESTART = _row(
    "a triggerer begins until all were asked for",
    Goal(at_most=10),
    Unit.WALL,
    "At its start it asks for the state of each. The peer's figure has the start of Airflow's process in it, "
    "ours has not; empty if it took more than 90 s. HITL of Airflow 3.3 has nothing to ask for.",
    _OLDER,
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


@dataclass(frozen=True)
class Site:
    """
    Where they wait.

    :param address: of an API server
    :param digests: of the gates that are decided on, by id
    """

    engine: Engine
    address: str
    folder: Path
    digests: Mapping[int, str]

    def client(self, user: str, role: str) -> httpx.Client:
        """An HTTP client of a person."""
        headers = {"Authorization": f"Bearer {_token(user, role)}"}
        return httpx.Client(base_url=self.address, headers=headers, trust_env=False, timeout=60)


@contextmanager
def waiting_gates() -> Iterator[Site]:
    """
    A database with as many open gates, and an API server on it.

    Each gate has a task that waits: the server withdraws those that have none. Those that are to be decided
    were opened as a task opens one; the others are copies, without an approval.
    """
    from sqlalchemy import insert
    from sqlalchemy.orm import Session

    from airflow_release_plugin.domain.tasks import TaskKey
    from airflow_release_plugin.models import Gate
    from tests.harness.airflow_home import migrate
    from tests.harness.airflow_tasks import start_mapped_tasks
    from tests.harness.api_servers import API, api_servers
    from tests.harness.context import make_world
    from tests.harness.databases import connect

    with postgres() as server, scratch("gates") as folder:
        url = server.create_database("gates")
        migrate(url)
        engine = connect(url)
        with Session(engine) as session:
            start_mapped_tasks(session, TaskKey("etl", "r", "t", 0, 1), GATES, "deferred")
            world = make_world(session, folder / "world", lambda: datetime.now(timezone.utc))
            opened = [world.gate_of(TaskKey("etl", "r", "t", number, 1)) for number in range(DECIDED)]
            session.flush()
            digests = {gate.id: gate.change_digest for gate in opened}
            others = set(range(1, GATES + 1)) - digests.keys()
            session.execute(insert(Gate), [_gate(number) for number in sorted(others)])
            session.commit()
            human_in_the_loop.fill(session, GATES)
        with api_servers(1, url, folder) as (address,):
            yield Site(engine, address.removesuffix(API), folder, digests)
        engine.dispose()


def _gate(number: int) -> dict[str, object]:
    from airflow_release_plugin.domain.states import GateState

    now = datetime.now(timezone.utc)
    told = {"title": "Go on?", "message": "", "dag_id": "etl", "run_id": "r", "task_id": "t"}
    who = {"requested_by_id": "1", "requested_by_name": "x", "change_digest": "0" * 64}
    times = {"opened_at": now, "expires_at": now + timedelta(days=30)}
    return {
        "id": number,
        "state": GateState.OPEN,
        "map_index": number - 1,
        "try_number": 1,
        **told,
        **who,
        **times,
    }


def client_of(address: str) -> CountedClient:
    """The client of a triggerer, logged in as the service user."""
    from airflow_release_plugin.client.settings import ClientSettings
    from airflow_release_plugin.client.watch import AsyncReleaseClient

    settings = ClientSettings(address, password=_token("pipeline", "VIEWER"))
    return CountedClient(AsyncReleaseClient(settings))


def _token(user: str, role: str) -> str:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    return str(SimpleAuthManager().generate_jwt(SimpleAuthManagerUser(username=user, role=role)))


def measure(bench: Bench) -> None:
    """All of them at once."""
    if bench.wants(*ROWS):
        with waiting_gates() as site:
            ours = asyncio.run(_ours(site))
            peer = _peer(site) if bench.wants(*(row for row in ROWS if row.peer)) else {}
            for row in ROWS:
                bench.note(row, {"ours": [ours[row.name]], "peer": [peer[row.name]]})


def _peer(site: Site) -> dict[str, Sample]:
    """Airflow's own way, with as many."""
    polling = human_in_the_loop.poll(site.engine, site.folder, GATES, SECONDS)
    with site.client("admin", "ADMIN") as client:
        answers = [human_in_the_loop.answer(client, number) for number in range(DECIDED)]
    return {
        _REQUESTS.name: Sample(size=polling.asked),
        _IDLE.name: Sample(cpu=polling.cpu),
        _WAKE.name: Sample(wall=_late(answers)),
        _RESTART.name: Sample(wall=polling.first),
    }


def _late(values: Iterable[float]) -> float:
    """The 95th of a hundred."""
    ordered = sorted(values)
    return ordered[int(0.95 * (len(ordered) - 1))]


async def _ours(site: Site) -> dict[str, Sample]:
    from airflow_release_plugin.triggers.watcher import Watcher

    client = client_of(site.address)

    async def connect() -> CountedClient:
        return client

    watcher = Watcher("bench", connect)
    began = time.perf_counter()
    states = await asyncio.gather(
        *(watcher.next_state(_subject(number), "") for number in range(1, GATES + 1))
    )
    restart = time.perf_counter() - began
    assert set(states) == {"open"}, set(states)
    waits = {number: asyncio.create_task(_wait(watcher, number)) for number in range(1, GATES + 1)}
    await asyncio.sleep(5)
    asked, cpu = client.requests, processor_seconds()
    await asyncio.sleep(SECONDS)
    requests, cpu = client.requests - asked, processor_seconds() - cpu
    with site.client("reviewer", "OP") as person:
        delays = [
            await _decide(person, number, site.digests[number], waits[number]) for number in site.digests
        ]
    assert all(wait.done() is (number in site.digests) for number, wait in waits.items())
    for wait in waits.values():
        wait.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*waits.values())
    return {
        _REQUESTS.name: Sample(size=requests * 10 / SECONDS),
        _IDLE.name: Sample(cpu=cpu / SECONDS),
        _WAKE.name: Sample(wall=_late(delays)),
        _RESTART.name: Sample(wall=restart),
    }


def _subject(number: int) -> str:
    return f"gate:{number}"


async def _wait(watcher: Watcher, number: int) -> float:
    await watcher.next_state(_subject(number), "open")
    return time.perf_counter()


async def _decide(person: httpx.Client, number: int, digest: str, wait: asyncio.Task[float]) -> float:
    """Seconds from the request of a person until whoever waits for the decision goes on."""
    await asyncio.sleep(PAUSE)
    begun = time.perf_counter()
    body = {"verdict": "approve", "comment": "", "change_digest": digest}
    path = f"/release/api/v1/gates/{number}/decisions"
    (await asyncio.to_thread(person.post, path, json=body)).raise_for_status()
    return max(0.0, await asyncio.wait_for(wait, 60) - begun)


GROUP = RowGroup("gates", "many gates on one triggerer", ROWS, measure, minutes=8)
