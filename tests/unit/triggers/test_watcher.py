from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.client.watch import AsyncReleaseClient
from airflow_release_plugin.exceptions import (
    NotAllowedError,
    NotAuthenticatedError,
    NotFoundError,
    ReleaseError,
)
from airflow_release_plugin.triggers import watcher as module
from airflow_release_plugin.triggers.watcher import Pace, Watcher
from tests.unit.client.server import PREFIX, Answer, ReleaseServer

PACE = Pace(wait=2, turn=0.05, settle=0.05, first_pause=0.05, longest_pause=0.1)


class Connection:
    """Makes clients as the hook does, and counts them; ``password`` is what the connection holds now."""

    def __init__(self, server: ReleaseServer) -> None:
        self.server = server
        self.password = "s3cret"
        self.made = 0

    async def __call__(self) -> AsyncReleaseClient:
        self.made += 1
        return AsyncReleaseClient(ClientSettings(self.server.url, login="svc", password=self.password))


@pytest.fixture
def connection(server):
    return Connection(server)


@pytest.fixture
async def watcher(connection) -> AsyncIterator[Watcher]:
    watching = Watcher("test", connection, pace=PACE)
    yield watching
    for _ in range(200):
        if watching._task is None:
            break
        await asyncio.sleep(0.02)
    assert watching._task is None, "the watcher ends when nobody waits"
    await asyncio.sleep(0.05)


def polls(server):
    return server.called(f"{PREFIX}/watch")


async def settle(server, count=1):
    """Wait until ``count`` polls have arrived and one of them is waiting."""
    while len(polls(server)) < count or not server.polls:
        await asyncio.sleep(0.01)


@pytest.mark.req("R37")
async def test_two_hundred_waits_share_one_request(server, watcher):
    subjects = [f"gate:{number}" for number in range(200)]
    server.states.update(dict.fromkeys(subjects, "open"))
    waits = [asyncio.create_task(watcher.next_state(subject, "open")) for subject in subjects]
    await settle(server)
    assert len(polls(server)) == 1
    assert len(polls(server)[0].body["known"]) == 200

    server.move("gate:150", "approved")
    assert await waits[150] == "approved"
    await settle(server, 2)
    assert len(polls(server)) == 2
    assert server.most_polls == 1

    for subject in subjects:
        server.states[subject] = "rejected"
    server.move(subjects[0], "rejected")
    assert await asyncio.gather(*waits[:150], *waits[151:]) == ["rejected"] * 199
    assert len(polls(server)) == 2
    assert len(server.called("/auth/token")) == 1


async def test_new_wait_is_not_kept_waiting_by_the_running_request(server, watcher):
    server.states.update({"gate:1": "open", "gate:2": "approved"})
    first = asyncio.create_task(watcher.next_state("gate:1", "open"))
    await settle(server)
    assert await asyncio.wait_for(watcher.next_state("gate:2", "open"), 1) == "approved"
    server.move("gate:1", "rejected")
    assert await first == "rejected"


async def test_unknown_present_state_is_told_at_once(server, watcher):
    server.states["release:7"] = "checking"
    assert await asyncio.wait_for(watcher.next_state("release:7", ""), 1) == "checking"


async def test_waits_that_know_different_states_of_one_subject_both_end_rightly(server, watcher):
    server.states["release:7"] = "approved"
    late = asyncio.create_task(watcher.next_state("release:7", "approved"))
    assert await watcher.next_state("release:7", "checking") == "approved"
    assert not late.done()
    server.move("release:7", "released")
    assert await late == "released"


async def test_waits_survive_a_restart_of_the_server_which_is_logged_once(server, watcher, caplog):
    caplog.set_level(logging.INFO, module.__name__)
    server.states["gate:1"] = "open"
    wait = asyncio.create_task(watcher.next_state("gate:1", "open"))
    await settle(server)
    await asyncio.to_thread(server.stop)
    await asyncio.sleep(0.6)
    assert not wait.done()
    server.start()
    server.move("gate:1", "approved")
    assert await asyncio.wait_for(wait, 3) == "approved"
    assert [record.levelname for record in caplog.records if record.name == module.__name__] == [
        "WARNING",
        "INFO",
    ]


async def test_missing_subject_ends_its_wait_only(server, watcher):
    server.states["gate:1"] = "open"
    other = asyncio.create_task(watcher.next_state("gate:1", "open"))
    with pytest.raises(NotFoundError, match="gate:9"):
        await watcher.next_state("gate:9", "open")
    assert not other.done()
    server.move("gate:1", "approved")
    assert await other == "approved"


async def test_refused_login_ends_all_waits_after_the_connection_was_read_again(connection, watcher):
    connection.password = "wrong"
    waits = [watcher.next_state(f"gate:{number}", "open") for number in range(3)]
    ends = await asyncio.gather(*waits, return_exceptions=True)
    assert all(isinstance(end, NotAuthenticatedError) for end in ends)
    assert connection.made == 2


async def test_new_password_in_the_connection_is_picked_up_without_losing_a_wait(server, connection, watcher):
    server.states["gate:1"] = "open"
    connection.password = "old"
    wait = asyncio.create_task(watcher.next_state("gate:1", "open"))
    while not server.called("/auth/token"):
        await asyncio.sleep(0.01)
    connection.password = "s3cret"
    await settle(server)
    server.move("gate:1", "approved")
    assert await wait == "approved"


async def test_forbidden_watch_ends_the_wait(server, watcher):
    server.script("POST", "/watch", Answer(403, {"error": "not_allowed", "detail": "No."}))
    with pytest.raises(NotAllowedError):
        await watcher.next_state("gate:1", "open")


async def test_server_error_is_outwaited(server, watcher):
    server.script("POST", "/watch", Answer(500, {}), Answer(503, {}), {"changed": {"gate:1": "approved"}})
    assert await watcher.next_state("gate:1", "open") == "approved"


async def test_broken_watcher_leaves_nobody_waiting():
    async def connect():
        raise RuntimeError("boom")

    with pytest.raises(ReleaseError, match="boom"):
        await Watcher("broken", connect, pace=PACE).next_state("gate:1", "open")


async def test_cancelled_waits_stop_the_requests(server, watcher):
    server.states["gate:1"] = "open"
    wait = asyncio.create_task(watcher.next_state("gate:1", "open"))
    await settle(server)
    wait.cancel()
    await asyncio.gather(wait, return_exceptions=True)


async def test_wait_that_starts_while_the_last_one_ends_is_served(server, watcher):
    server.states["gate:1"] = "approved"
    for _ in range(5):
        assert await asyncio.wait_for(watcher.next_state("gate:1", "open"), 2) == "approved"
        await asyncio.sleep(0)


async def test_more_subjects_than_a_request_takes_take_turns(server, watcher, monkeypatch):
    monkeypatch.setattr(module, "MOST_SUBJECTS", 2)
    server.states.update({f"gate:{number}": "open" for number in range(5)})
    waits = [asyncio.create_task(watcher.next_state(f"gate:{number}", "open")) for number in range(5)]
    await settle(server)
    for number in range(5):
        server.move(f"gate:{number}", "approved")
    assert await asyncio.wait_for(asyncio.gather(*waits), 5) == ["approved"] * 5
    assert max(len(request.body["known"]) for request in polls(server)) == 2


async def test_one_event_loop_has_one_watcher_for_each_connection(connection):
    first = Watcher.shared("a", connection)
    assert Watcher.shared("a", connection) is first
    assert Watcher.shared("b", connection) is not first
