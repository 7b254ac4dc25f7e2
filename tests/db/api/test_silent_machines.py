"""Health names a machine that cannot ask any more, to those who are logged in."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import update

from airflow_release_plugin.domain.tasks import TaskKey
from airflow_release_plugin.models import Follower
from tests.db.api.world import SERVICE, World, ok
from tests.harness.airflow_tasks import start_task, store_dag

pytestmark = pytest.mark.req("R76")
SIGN = {"environment": "prod", "host": "worker", "serves": "a" * 40}


@pytest.fixture
def silent(empty_world: World) -> World:
    """A worker that asked an hour ago, and took up a task since."""
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.sdk import DAG

    ok(empty_world.as_(SERVICE).post("/versions/head", json=SIGN))
    with DAG("etl") as dag:
        EmptyOperator(task_id="one")
    now = datetime.now(timezone.utc)
    with empty_world.session() as session:
        session.execute(update(Follower).values(heard_at=now - timedelta(hours=1)))
        store_dag(session, dag)
        start_task(session, TaskKey("etl", "run", "one", -1, 1), last_heartbeat_at=now)
        session.commit()
    return empty_world


def health(world: World, who: str) -> Any:
    response = world.as_(who).get("/health")
    assert response.status_code == 200, "the product works"
    return response.json()


@pytest.mark.parametrize("who", ["viewer", "admin", SERVICE])
def test_it_names_the_machine_with_what_it_serves(silent: World, who: str) -> None:
    found = health(silent, who)

    assert (found["status"], found["problems"]) == ("degraded", ["machines not heard from"])
    (reason,) = found["reasons"]
    assert (reason["problem"], reason["next_step"][:6]) == ("machines not heard from", "Log in")
    (machine,) = found["machines"]
    assert (machine["host"], machine["serves"]) == ("worker", "a" * 40)
    assert machine["reason"].startswith("It took up a task that was queued at")


def test_a_stranger_learns_that_there_is_one(silent: World) -> None:
    expired = silent.client(silent.token("admin", seconds=-3600)).get("/health").json()

    for found in (health(silent, "anonymous"), expired):
        assert (found["problems"], found["machines"]) == (["machines not heard from"], [])


def test_it_is_well_again_once_the_machine_asks(silent: World) -> None:
    ok(silent.as_(SERVICE).post("/versions/head", json=SIGN))

    assert health(silent, "admin") == {"status": "healthy", "problems": [], "reasons": [], "machines": []}


@pytest.mark.parametrize("wrong", [{"serves": "../etc"}, {"host": "x" * 251}, {"host": ""}, {"pause": 0}])
def test_a_sign_that_is_none_is_refused(empty_world: World, wrong: dict[str, Any]) -> None:
    response = empty_world.as_(SERVICE).post("/versions/head", json={**SIGN, **wrong})

    assert response.status_code == 422
