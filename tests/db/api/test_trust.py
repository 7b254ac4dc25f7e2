"""What somebody who has read the pipeline's connection cannot do, over HTTP and on Airflow's own tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_release_plugin.domain.tasks import TaskKey, TaskRole
from airflow_release_plugin.schemas.task import CLAIM_HEADER
from tests.conftest import BACKENDS
from tests.db.api.world import MANAGERS, SECRET, SERVICE, World, error_of, ok
from tests.harness.airflow_tasks import start_task

pytestmark = [pytest.mark.req("R88"), pytest.mark.parametrize("manager", MANAGERS)]
FORGER = "a-secret-of-somebody-who-read-the-connection"
REPORT = {"kind": "check", "attempt": 1, "items": [{"name": "Parse", "status": "passed", "path": "etl.py"}]}


def claim(world: World, release: dict[str, Any], task: TaskKey, secret: str = SECRET) -> Any:
    body = {**vars(task), "secret": secret}
    return world.as_(SERVICE).post(f"/releases/{release['id']}/claims", json=body)


def tags(world: World, subject: str) -> list[str]:
    """What the trail has about it, read by another request: so it was committed."""
    rows = ok(world.as_("admin").get("/events?limit=1000"))["items"]
    return [row["tag"] for row in rows if row["subject"] == subject]


@pytest.mark.parametrize(
    "what", ["reports", "progress", "request-approval", "errored", "promote", "verify", "run"]
)
def test_the_pipelines_login_alone_moves_nothing(world: World, what: str) -> None:
    release = world.request(world.submit())
    bodies: dict[str, Any] = {
        "reports": REPORT,
        "progress": {"attempt": 1, "files": []},
        "errored": {"reason": "because"},
    }

    answer = world.as_(SERVICE).post(f"/releases/{release['id']}/{what}", json=bodies.get(what))

    assert error_of(answer) == (403, "task_mismatch")
    assert world.state(release) == "checking"
    assert tags(world, f"release:{release['id']}")[-1] == "task:call:refuse"


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_a_forged_check_stops_the_release_as_soon_as_the_real_one_begins(world: World) -> None:
    release = world.request(world.submit())
    task = world.start_task(release["id"], TaskRole.CHECK)
    forged = ok(claim(world, release, task, FORGER))
    headers = {CLAIM_HEADER: f"{forged['id']}.{FORGER}"}
    ok(world.as_(SERVICE).post(f"/releases/{release['id']}/reports", json=REPORT, headers=headers))
    assert world.state(release) == "awaiting_approval"

    assert error_of(claim(world, release, task)) == (409, "task_claimed")

    shown = ok(world.as_("author").get(f"/releases/{release['id']}"))
    assert shown["state"] == "errored"
    assert "one of them forges with the pipeline's login" in shown["state_reason"]
    assert "task:claim:contest" in tags(world, f"release:{release['id']}")
    assert world.decide(release).status_code == 409


def test_a_task_that_has_not_begun_or_is_of_another_run_is_nobody(world: World) -> None:
    release = world.request(world.submit())
    task = world.start_task(release["id"], TaskRole.CHECK)
    with world.session() as session:
        start_task(session, task, "queued")
        start_task(session, replace(task, run_id="mine"))
        session.commit()

    for other in (
        task,
        replace(task, run_id="mine"),
        replace(task, try_number=2),
        replace(task, task_id="x"),
    ):
        assert error_of(claim(world, release, other)) == (403, "task_mismatch")


def test_a_task_says_only_what_its_operator_is_for(world: World) -> None:
    release = world.awaiting()
    ok(world.decide(release))

    assert error_of(world.say(release, TaskRole.VERIFY, "promote")) == (403, "task_mismatch")
    assert world.state(release) == "approved"
    assert ok(world.say(release, TaskRole.PROMOTE, "promote"))["state"] == "released"


def test_a_gate_opened_before_its_task_or_with_another_text_does_not_exist(world: World) -> None:
    task = TaskKey("etl", "r", "sign_off", -1, 1)
    world.start_gate(task, title="Send this month's invoices?")
    calls = {
        "another text": {**vars(task), "title": "Routine: rotate logs?"},
        "another try": {**vars(task), "title": "Send this month's invoices?", "try_number": 2},
        "another task": {**vars(task), "title": "Send this month's invoices?", "task_id": "other"},
        "another run": {**vars(task), "title": "Send this month's invoices?", "run_id": "r2"},
    }

    answers = {name: error_of(world.as_(SERVICE).post("/gates", json=body)) for name, body in calls.items()}
    with world.session() as session:
        start_task(session, task, "queued")
        session.commit()
    answers["not begun"] = error_of(world.as_(SERVICE).post("/gates", json={**vars(task), "title": "?"}))

    assert set(answers.values()) == {(403, "task_mismatch")}
    assert ok(world.as_("admin").get("/gates"))["items"] == []
    assert tags(world, "gates") == ["task:call:refuse"] * 5


def test_an_admin_promotes_by_hand_under_their_own_name_and_reports_nothing(world: World) -> None:
    release = world.request(world.submit())
    admin = world.as_("admin")
    assert error_of(admin.post(f"/releases/{release['id']}/reports", json=REPORT)) == (403, "task_mismatch")
    world.report(release)
    ok(world.decide(release))

    ok(admin.post(f"/releases/{release['id']}/promote"))

    rows = ok(admin.get(f"/releases/{release['id']}/events"))["items"]
    assert [row["actor"]["name"] for row in rows if row["data"].get("after") == "released"] == ["admin"]


@pytest.mark.parametrize("who", ["viewer", "author", "reviewer"])
def test_people_open_no_gates_and_are_no_tasks(world: World, who: str) -> None:
    release = world.request(world.submit())
    task = world.start_task(release["id"], TaskRole.CHECK)
    gate = TaskKey("etl", "r", "sign_off", -1, 1)
    world.start_gate(gate, title="Go on?")
    client = world.as_(who)

    claimed = client.post(f"/releases/{release['id']}/claims", json={**vars(task), "secret": FORGER})

    assert error_of(claimed) == (403, "not_allowed")
    assert error_of(client.post("/gates", json={**vars(gate), "title": "Go on?"})) == (403, "not_allowed")
