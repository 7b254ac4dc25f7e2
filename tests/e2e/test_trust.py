"""Tasks of a whole Airflow are what they say they are; somebody with their login is not."""

from __future__ import annotations

import json

import pytest

from airflow_release_plugin.client.release import ReleaseClient
from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus, ReportKind
from airflow_release_plugin.exceptions import TaskMismatchError
from airflow_release_plugin.schemas.gate import GateBody
from airflow_release_plugin.schemas.work import ReportBody
from tests.harness.driver import API, Driver, dag_file

pytestmark = pytest.mark.req("R88")
OWN = "release_with_integration_test"
FLOW = {
    "name": "With a test",
    "kind": "promotion",
    "scope": {"dag_ids": ["tested_dag"]},
    "levels": [{"name": "One", "steps": [{"name": "Reviewers", "roles": ["op"]}]}],
    "pipeline_dag_id": OWN,
}
SLOW = "from airflow.providers.standard.operators.bash import BashOperator"


def pipeline_of(driver: Driver, release_id: int) -> dict[str, str]:
    """States of the tasks of the run that works on a release."""
    pipeline = driver.release(release_id)["pipeline"]
    return driver.task_states(pipeline["dag_id"], pipeline["run_id"])


def test_a_soak_that_many_processes_watch_goes_through(driver: Driver) -> None:
    driver.add(
        "soaked_dag", dag_file("soaked_dag", SLOW, 'BashOperator(task_id="t", bash_command="sleep 25")')
    )
    release_id = driver.request("soaked_dag.py", title="Soaked", run_after_release=True, soak_minutes=5)
    driver.decide(driver.wait_for(release_id, "awaiting_approval"))
    driver.wait_for(release_id, "released")

    driver.until("the soak", lambda: pipeline_of(driver, release_id)["soak"] == "success")

    assert set(pipeline_of(driver, release_id).values()) == {"success"}
    kinds = [report["kind"] for report in driver.release(release_id)["reports"]]
    assert kinds == ["check", "verification", "soak"]


def test_a_pipeline_of_ones_own_speaks_for_its_releases(driver: Driver) -> None:
    driver.ship(f"{OWN}.py", title="A pipeline")
    driver.post(f"{API}/flows", {"spec": FLOW}, "admin")
    driver.add("tested_dag", dag_file("tested_dag"))

    release_id = driver.request("tested_dag.py", title="Tested first")
    driver.decide(driver.wait_for(release_id, "awaiting_approval"))
    driver.wait_for(release_id, "released")

    driver.until("the verification", lambda: pipeline_of(driver, release_id)["verify"] == "success")
    assert driver.release(release_id)["pipeline"]["dag_id"] == OWN
    assert set(pipeline_of(driver, release_id).values()) == {"success"}


def test_the_login_of_the_pipeline_says_nothing_without_a_task(driver: Driver) -> None:
    driver.add("forged_dag", dag_file("forged_dag"))
    release_id = driver.request("forged_dag.py", title="Forged")
    release = driver.wait_for(release_id, "awaiting_approval")
    fields = json.loads(driver.demo.settings.environment()["AIRFLOW_CONN_AIRFLOW_RELEASE_DEFAULT"])
    fields.pop("conn_type")
    failed = CheckItem("parse", CheckStatus.FAILED, path="forged_dag.py")
    report = ReportBody(kind=ReportKind.CHECK, attempt=1, items=[failed])
    gate = GateBody(dag_id="forged_dag", run_id="r", task_id="t", try_number=1, title="Rotate logs?")
    connection = dict.fromkeys(("host", "schema", "port", "login", "password", "extra")) | fields

    with ReleaseClient(ClientSettings.from_fields(**connection)) as client:
        assert client.me().is_service
        for say in (
            lambda: client.report(release_id, report),
            lambda: client.promote(release_id),
            lambda: client.errored(release_id, "because"),
            lambda: client.open_gate(gate),
        ):
            with pytest.raises(TaskMismatchError):
                say()

    driver.decide(release)
    driver.wait_for(release_id, "released")
