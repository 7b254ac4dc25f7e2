"""Proving an environment from a task: a real server, real runs, against what a real parse has stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_release_plugin.bundles.release import ReleaseDagBundle
from airflow_release_plugin.client.release import ReleaseClient
from airflow_release_plugin.domain.release.environment_proof import ServedDags
from airflow_release_plugin.exceptions import NotFoundError, UnavailableError
from airflow_release_plugin.hooks.release import ReleaseHook
from airflow_release_plugin.operators.prove import ProveEnvironmentOperator
from airflow_release_plugin.operators.served_environment import ServedEnvironment
from airflow_release_plugin.proof.environment import prove_environment
from airflow_release_plugin.proof.here import own_limits, running_here
from tests.contract.test_client import url
from tests.db.api.conftest import WARNINGS, empty_world, manager, world
from tests.db.api.world import SERVICE, World
from tests.harness.proven_target import edit_behind, served_target
from tests.unit.client.context import TaskInstance, context

__all__ = ["empty_world", "manager", "url", "world"]

pytestmark = [pytest.mark.req("R82"), *(pytest.mark.filterwarnings(warning) for warning in WARNINGS)]


@pytest.fixture
def target(world: World, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReleaseDagBundle:
    """What is served, and the connection of the service user."""
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "bundles"))
    conn = {"conn_type": "airflow_release", "host": url, "password": world.token(SERVICE)}
    bundle = served_target(world, tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_AIRFLOW_RELEASE_DEFAULT", json.dumps(conn))
    return bundle


def test_a_task_proves_what_is_served_and_fails_with_what_is_not(
    world: World, target: ReleaseDagBundle
) -> None:
    operator = ProveEnvironmentOperator(task_id="prove", jobs=2)
    ti = TaskInstance()

    proof = operator.execute(context(ti))

    assert (proof["equal"], proof["unsteady"], proof["files"]) == (4, 1, 4)
    assert (proof["different"], proof["broken"], proof["missing"]) == (0, 0, 0)
    assert proof["version"] == target.path.resolve().name
    assert ti.xcoms == {"_link_ReleaseLink": "/release/ui/environment/"}

    edit_behind(world, target, "hand.py", "0 0 * * *", "0 * * * *")
    with pytest.raises(AirflowFailException) as failed:
        operator.execute(context())
    head, line = str(failed.value).splitlines()
    assert head == "prod does not serve what its code makes: 1 of 5 Dags."
    assert line.startswith("- hand (hand.py): different. timetable, expression: Airflow serves ")
    assert line.endswith('"0 * * * *", the code makes "0 0 * * *".')
    some = ProveEnvironmentOperator(task_id="prove", environment="prod", dag_ids="north, south", jobs=1)
    assert some.execute(context())["equal"] == 2
    with pytest.raises(AirflowFailException, match="'prod' has no Dag nobody"):
        ProveEnvironmentOperator(task_id="prove", dag_ids=["nobody"]).execute(context())


class Overtaken(ServedEnvironment):
    """An environment to which a release comes while it is proven."""

    asked = 0

    def served(self) -> ServedDags:
        found = super().served()
        self.asked += 1
        return found if self.asked == 1 else ServedDags(**{**vars(found), "version": "c" * 40})


def test_a_release_that_comes_meanwhile_is_no_fault_of_a_dag(
    world: World, target: ReleaseDagBundle, url: str
) -> None:
    edit_behind(world, target, "hand.py", "0 0 * * *", "0 * * * *")
    with (
        ReleaseHook().get_conn() as client,
        running_here("prod", limits=own_limits(), require_confinement=False) as run,
    ):
        environment = Overtaken(client, "prod", conn_id="airflow_release_default")
        with pytest.raises(UnavailableError, match="came to 'prod' while it was proven"):
            prove_environment(environment, run=run, jobs=1, dag_ids=["hand"])
        asks_for_what_is_gone(client)


def asks_for_what_is_gone(client: ReleaseClient) -> None:
    with pytest.raises(NotFoundError, match="serves no Dag 'nobody'"):
        client.get_served_text("prod", "nobody")
