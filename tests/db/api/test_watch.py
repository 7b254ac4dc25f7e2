"""One waiting request for everything that a process waits for."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timezone
from typing import Any

import pytest

from airflow_release_plugin.api.routes import watch as routes
from airflow_release_plugin.models import Gate
from airflow_release_plugin.schemas.watch import MOST_SUBJECTS
from tests.conftest import BACKENDS
from tests.db.api.world import SERVICE, World, error_of, ok
from tests.harness.databases import counted

pytestmark = pytest.mark.req("R37", "R70")


def watch(world: World, known: dict[str, str], wait: float = 0) -> dict[str, str]:
    answer = ok(world.as_(SERVICE).post("/watch", json={"known": known, "wait": wait}))
    return dict(answer["changed"])


def test_an_empty_state_asks_for_the_present_one(world: World) -> None:
    release = world.request(world.submit())
    gate = world.gate()
    known = {f"release:{release['id']}": "", f"gate:{gate['id']}": "", "gate:999": "open"}

    assert watch(world, known, wait=20) == {
        f"release:{release['id']}": "checking",
        f"gate:{gate['id']}": "open",
        "gate:999": "missing",
    }


def test_nothing_new_is_answered_when_the_wait_is_over(world: World) -> None:
    gate = world.gate()
    started = time.monotonic()

    assert watch(world, {f"gate:{gate['id']}": "open"}, wait=1.5) == {}
    assert time.monotonic() - started >= 1.5


def test_a_change_ends_the_wait(world: World) -> None:
    release = world.awaiting()
    key = f"release:{release['id']}"
    answers: list[Any] = []
    waiting = threading.Thread(
        target=lambda: answers.append(watch(world, {key: "awaiting_approval"}, wait=50))
    )
    waiting.start()
    time.sleep(0.5)
    ok(world.decide(release))
    waiting.join(timeout=20)

    assert answers == [{key: "approved"}]


def waits(world: World, known: dict[str, str], answers: list[Any]) -> threading.Thread:
    """A wait in a thread, which has had the time to look for a first time."""
    waiting = threading.Thread(target=lambda: answers.append(watch(world, known, wait=20)))
    waiting.start()
    time.sleep(0.7)
    return waiting


def test_what_this_process_commits_is_told_before_the_next_look(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "POLL_SECONDS", 60)
    release = world.awaiting()
    key, answers = f"release:{release['id']}", list[Any]()
    waiting = waits(world, {key: "awaiting_approval"}, answers)
    ok(world.decide(release))
    waiting.join(timeout=5)

    assert answers == [{key: "approved"}]


def test_many_commits_in_a_moment_are_one_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "POLL_SECONDS", 60)
    monkeypatch.setattr(routes, "SHORTEST_SECONDS", 6)
    looks, look = list[float](), routes._look
    monkeypatch.setattr(routes, "_look", lambda *asked: looks.append(time.monotonic()) or look(*asked))
    release = world.awaiting()
    key, answers = f"release:{release['id']}", list[Any]()
    waiting = waits(world, {key: "awaiting_approval"}, answers)
    for task in ("two", "three"):
        world.write_dag(task=task)
        world.submit()
    ok(world.decide(release))
    waiting.join(timeout=15)

    assert answers == [{key: "approved"}]
    assert len(looks) == 2, looks
    assert looks[1] - looks[0] >= 5.9


def test_expiry_is_a_change_that_nobody_writes_down(world: World) -> None:
    gate = world.gate(valid_hours=0.0002)
    key = f"gate:{gate['id']}"

    assert watch(world, {key: "open"}, wait=10) == {key: "expired"}


@pytest.mark.parametrize(
    "subject", ["release", "release:", "release:x", "dag:1", ":1", "gate:" + "9" * 40, ""]
)
def test_what_is_no_subject_is_refused(world: World, subject: str) -> None:
    response = world.as_(SERVICE).post("/watch", json={"known": {subject: ""}, "wait": 0})

    assert error_of(response) == (422, "invalid_request")


@pytest.mark.parametrize("count", [MOST_SUBJECTS + 1, 30_000])
def test_more_than_the_limit_is_refused(world: World, count: int) -> None:
    known = {f"gate:{number}": "" for number in range(count)}

    assert world.as_(SERVICE).post("/watch", json={"known": known}).status_code == 422


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_many_subjects_cost_the_same_few_queries(world: World) -> None:
    add_gates(world, MOST_SUBJECTS)
    watch(world, {})  # the first request of a process also cleans up old logins

    few = statements_of(world, {"gate:1": "open"})
    assert few == statements_of(world, {f"gate:{number}": "open" for number in range(1, MOST_SUBJECTS + 1)})


def statements_of(world: World, known: dict[str, str]) -> int:
    """Of a question to which there is no news."""
    world.as_(SERVICE)
    with counted(world.engine) as statements:
        assert watch(world, known) == {}
        return len(statements)


def add_gates(world: World, count: int) -> None:
    now = datetime.now(timezone.utc)
    with world.session() as session:
        session.add_all(
            Gate(
                state="open",
                title="t",
                message="",
                dag_id="etl",
                run_id="r",
                task_id="t",
                map_index=number,
                try_number=1,
                change_digest="0" * 64,
                requested_by_id="1",
                requested_by_name="x",
                opened_at=now,
                expires_at=now.replace(year=now.year + 1, day=1),
            )
            for number in range(count)
        )
        session.commit()
