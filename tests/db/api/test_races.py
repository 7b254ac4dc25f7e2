"""
Fifty clients of two API servers, who all want something else of the same release at the same moment.

The servers are Airflow's own processes on one PostgreSQL; what is stored afterwards must be as if the fifty
had come one after the other, and nobody may be told of anything but that.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.models import Event
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.store.base import tag_ref
from tests.db.api.conftest import installation
from tests.db.api.world import SERVICE, World, ok
from tests.harness.api_servers import api_servers
from tests.harness.databases import airflow_uses, connect, copy_in
from tests.harness.lost_runs import JOBS
from tests.harness.postgres import PostgresServer

pytestmark = [pytest.mark.req("R8", "R85"), pytest.mark.timeout(900), pytest.mark.xdist_group("races")]
CLIENTS = 50
HANGS_AFTER = 240
"""Seconds: an answer that takes so long on any machine never comes."""
ALLOWED = {200, 403, 404, 409, 410}
PATHS = {
    "awaiting_approval": {
        ("approved",),
        ("approved", "released"),
        ("approved", "revoked"),
        ("rejected",),
        ("revoked",),
    },
    # Sent back where another release was promoted first.
    "approved": {("released",), ("revoked",), ("checking",), ("checking", "revoked")},
}
"""States that a release may go through in a race, by the one that it starts in."""
ENDS = {"approved": "approved", "rejected": "rejected", "revoked": "withdrawn"}
"""How its approval is closed on the way."""
TWO_OF_THREE = {
    "name": "Two of three",
    "kind": "promotion",
    "scope": {"dag_ids": ["shared_*"]},
    "levels": [
        {
            "name": "One",
            "steps": [{"name": "Two of three", "roles": ["op", "admin"], "rule": "quorum", "quorum": 2}],
        }
    ],
}


class Want(NamedTuple):
    """What one client sends, and as whom."""

    who: str
    what: str


class Answer(NamedTuple):
    """Status of what a client was answered."""

    release_id: int
    want: Want
    status: int


FORBIDDEN = (Want("author", "approve"), Want("viewer", "approve"), Want("author2", "revoke"))
"""What these people may not do, whenever they come."""
DECIDERS = ("reviewer", "reviewer2", "admin")
DECISIONS = tuple(Want(who, what) for who in DECIDERS for what in ("approve", "reject"))
WANTS = [
    *DECISIONS,
    *(Want(who, "revoke") for who in ("author", "reviewer", "admin")),
    Want(SERVICE, "promote"),
    Want("admin", "promote"),
    *FORBIDDEN,
]


@pytest.fixture(scope="module")
def race_engine(postgres: PostgresServer) -> Iterator[Engine]:
    """A database that both servers, and this process, work on."""
    with copy_in(postgres) as url:
        engine = connect(url)
        with airflow_uses(engine):
            yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def world(race_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation whose scheduler and triggerer live."""
    folder = tmp_path_factory.mktemp("race")
    (folder / "dev").mkdir()
    with installation("simple", race_engine, folder) as made:
        made.parse_pipelines()
        with made.session() as session:
            give_signs_of_life(session)
        ok(made.as_("admin").post("/flows", json={"spec": TWO_OF_THREE}))
        yield made


def give_signs_of_life(session: Session) -> None:
    from airflow.jobs.job import Job

    for job_type in JOBS:
        job = Job()
        job.job_type, job.latest_heartbeat = job_type, datetime.now(timezone.utc)
        session.add(job)
    session.commit()


@pytest.fixture(scope="module")
def servers(
    world: World, race_engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    """Addresses of two API servers."""
    logs = tmp_path_factory.mktemp("logs")
    with api_servers(2, race_engine.url.render_as_string(hide_password=False), logs) as addresses:
        yield addresses
    for log in sorted(logs.iterdir()):
        assert "Traceback" not in log.read_text(errors="replace"), log.read_text(errors="replace")[-8000:]


def race(world: World, servers: list[str], dice: random.Random, *releases: dict[str, Any]) -> list[Answer]:
    """Let every client send what it wants at the same moment; what each was answered."""
    asked = [(want, release) for release in releases for want in WANTS]
    asked += [(dice.choice(WANTS), dice.choice(releases)) for _ in range(CLIENTS - len(asked))]
    dice.shuffle(asked)
    claims = {release["id"]: world.claim(release, TaskRole.PROMOTE) for release in releases}
    tokens = {want.who: world.token(want.who) for want in WANTS}
    start = threading.Barrier(CLIENTS)

    def send(number: int) -> Answer:
        want, release = asked[number]
        claim = claims[release["id"]] if want.who == SERVICE else {}
        headers = {"Authorization": f"Bearer {tokens[want.who]}", **claim}
        place = f"{servers[number % len(servers)]}/releases/{release['id']}/{path(want)}"
        with httpx.Client(headers=headers, trust_env=False, timeout=HANGS_AFTER) as client:
            start.wait(HANGS_AFTER)
            answer = client.post(place, json=body(want, release))
        assert answer.status_code in ALLOWED, f"{want}: {answer.status_code} {answer.text}"
        return Answer(release["id"], want, answer.status_code)

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(send, range(CLIENTS)))


def path(want: Want) -> str:
    return "decisions" if want.what in {"approve", "reject"} else want.what


def body(want: Want, release: dict[str, Any]) -> dict[str, Any]:
    if want.what in {"approve", "reject"}:
        return {"verdict": want.what, "comment": "", "change_digest": release["change_digest"]}
    return {"reason": "not today"} if want.what == "revoke" else {}


def awaiting(world: World, name: str) -> dict[str, Any]:
    world.write_dag(f"{name}.py", name)
    world.parse()
    return world.awaiting(f"{name}.py")


def is_one_outcome(
    world: World, release: dict[str, Any], before: str, answers: list[Answer], needed: int = 1
) -> str:
    """What is stored, what the trail says and what the clients were told are one story; its end."""
    after = ok(world.as_("admin").get(f"/releases/{release['id']}"))
    events = ok(world.as_("admin").get(f"/releases/{release['id']}/events"))["items"]
    moves = [event["data"]["after"] for event in events if event["tag"] == EventTag.RELEASE_MOVED]
    states = tuple(moves[moves.index(before) + 1 :])
    assert states in PATHS[before]
    assert after["state"] == states[-1]

    told = [answer for answer in answers if answer.release_id == release["id"]]
    done = Counter(answer.want.what for answer in told if answer.status == 200)
    decisions = [event for event in events if event["tag"] == EventTag.APPROVAL_DECIDED]
    decided = Counter(event["data"]["verdict"] for event in decisions)
    counted = {(event["actor"]["name"], event["data"]["verdict"]) for event in decisions}
    # Who says the same again is answered the same.
    accepted = {answer.want for answer in told if answer.status == 200} & set(DECISIONS)
    assert len(counted) == len(decisions)
    assert accepted == counted or (accepted < counted and before == "approved")
    was_approved = "approved" in (before, *states)
    assert decided["reject"] == ("rejected" in states)
    assert decided["approve"] == needed if was_approved else decided["approve"] < needed
    assert done["revoke"] == ("revoked" in states)
    assert (done["promote"] > 0) == (not {"released", "checking"}.isdisjoint(states))
    assert not [answer for answer in told if answer.want in FORBIDDEN and answer.status == 200]

    closed = [event["data"]["state"] for event in events if event["tag"] == EventTag.APPROVAL_CLOSED]
    story = ["approved", *states] if before == "approved" else states
    assert closed == [ENDS[state] for state in story if state in ENDS]
    is_in_target(world, after["number"], "released" in states)
    return states[-1]


def is_in_target(world: World, number: str, expected: bool) -> None:
    """The branch has one commit for each promotion that the whole trail knows of."""
    with unit_of_work() as (ctx, _):
        assert audit.first_broken_link(ctx) is None
        moved = select(Event).where(Event.tag == EventTag.ENVIRONMENT_PROMOTED)
        promoted = [event.data["release"] for event in ctx.session.scalars(moved)]
        assert promoted.count(number) == expected
        assert (ctx.store.ref(tag_ref(number)) is not None) == expected
        assert len(ctx.store.history(ctx.store.head("prod"), limit=1000)) == len(promoted)


@pytest.mark.parametrize("seed", range(3))
def test_one_release_has_one_outcome(world: World, servers: list[str], seed: int) -> None:
    release = awaiting(world, f"etl_{seed}")

    answers = race(world, servers, random.Random(seed), release)

    is_one_outcome(world, release, "awaiting_approval", answers)


@pytest.mark.parametrize("seed", range(2))
def test_an_approved_release_is_promoted_once_or_taken_back(
    world: World, servers: list[str], seed: int
) -> None:
    release = awaiting(world, f"ready_{seed}")
    ok(world.decide(release))

    answers = race(world, servers, random.Random(seed), release)

    is_one_outcome(world, release, "approved", answers)


@pytest.mark.parametrize("seed", range(3))
def test_a_step_that_two_of_three_must_agree_to_has_one_outcome(
    world: World, servers: list[str], seed: int
) -> None:
    release = awaiting(world, f"shared_{seed}")

    answers = race(world, servers, random.Random(seed), release)

    is_one_outcome(world, release, "awaiting_approval", answers, needed=2)


@pytest.mark.parametrize("seed", range(2))
def test_of_releases_that_are_promoted_at_once_one_comes_first(
    world: World, servers: list[str], seed: int
) -> None:
    releases = [awaiting(world, f"{name}_{seed}") for name in ("left", "right")]
    for release in releases:
        ok(world.decide(release))

    answers = race(world, servers, random.Random(seed), *releases)

    ends = [is_one_outcome(world, release, "approved", answers) for release in releases]
    assert ends.count("released") <= 1 or "checking" not in ends
