"""Hosts that share nothing but the network, as with Kubernetes and Celery; people come through nginx."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.cluster.airflow import API_SERVERS
from tests.harness.cluster.cluster import Cluster, running_cluster, why_not
from tests.harness.cluster.network import DATA
from tests.harness.cluster.services import API_PORT, is_open
from tests.harness.driver import API, dag_file, gated_dag_file, press
from tests.harness.requirements import missing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.harness.cluster.driver import ClusterDriver

SOURCE = {
    "greeter.py": dag_file(
        "greeter",
        "from airflow.sdk import task\nfrom words.greeting import GREETING",
        """\
    @task
    def greet():
        import socket
        return f"{GREETING} from {socket.gethostname()}"
    greet()""".strip(),
    ),
    "words/__init__.py": "",
    "words/greeting.py": "GREETING = 'v1'\n",
    "guarded.py": gated_dag_file("guarded", 1),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two API servers behind nginx, scheduler, dag processor, triggerer and Celery worker, a host each."""
    if lacking := why_not():
        missing(lacking, "run as root, and see scripts/setup-system")
    with running_cluster(SOURCE, say=print) as up:
        yield up


@pytest.fixture(scope="module")
def driver(cluster: Cluster, browser: Browser) -> Iterator[ClusterDriver]:
    """People who use it."""
    from tests.harness.cluster.driver import ClusterDriver

    with closing(ClusterDriver(cluster, browser)) as made:  # type: ignore[arg-type]
        yield made


def test_the_worker_reaches_the_api_servers_and_not_the_database(cluster: Cluster) -> None:
    network, worker = cluster.network, cluster.hosts["worker"]

    assert is_open(cluster.hosts["api-1"], network.address("postgres", DATA), 5432)
    assert not is_open(worker, network.address("postgres", DATA), 5432)
    assert is_open(worker, network.address("api-1"), API_PORT)


@pytest.mark.parametrize("name", ["api-1", "api-2", "scheduler", "dag-processor", "triggerer", "worker"])
def test_a_host_sees_no_folder_but_its_own(cluster: Cluster, name: str) -> None:
    host = cluster.hosts[name]
    others = {str(each.folder) for each in cluster.hosts.values() if each.name != name}

    assert host.run("ls", "-A", str(cluster.place.machines)).stdout == ""
    assert not [other for other in others if host.run("ls", other).returncode == 0]
    assert "logs" in host.run("ls", str(cluster.place.home)).stdout


def test_tasks_run_on_the_worker_and_people_read_their_logs_elsewhere(driver: ClusterDriver) -> None:
    driver.until("dev.greeter being in the list", lambda: driver.row("greeter.py"))
    run_id = greets(driver, "dev.greeter", "v1 from worker")

    log = driver.get(f"/api/v2/dags/dev.greeter/dagRuns/{run_id}/taskInstances/greet/logs/1", "admin")
    assert "http://worker:8793/log/" in str(log)


@pytest.mark.req("R85", "R86")
def test_what_is_released_runs_on_a_host_that_shares_nothing_with_the_servers(driver: ClusterDriver) -> None:
    driver.ship("greeter.py", "guarded.py", title="The first ones")
    greets(driver, "greeter", "v1 from worker")


@pytest.mark.req("R85", "R86")
def test_folders_that_are_deleted_on_every_host_come_back(driver: ClusterDriver) -> None:
    for name in ("worker", "dag-processor", *API_SERVERS):
        driver.demo.hosts[name].forget("bundles")

    greets(driver, "greeter", "v1 from worker")
    release_greeting(driver, "v2")
    greets(driver, "greeter", "v2 from worker")
    errors = driver.get("/api/v2/importErrors", "admin")["import_errors"]
    assert [error["filename"] for error in errors] == []


@pytest.mark.req("R85", "R86")
def test_a_rollback_runs_there_too_and_is_approved_in_the_browser(driver: ClusterDriver) -> None:
    with driver.page("reviewer", f"/releases/{request_rollback(driver, version=1)}") as page:
        assert "/airflow/release/ui/releases/" in page.url
        page.get_by_role("button", name="Approve", exact=True).first.wait_for()
        press(page, "Approve", "Approve")
        page.get_by_text("Your decision was recorded").wait_for()
        rollback = int(page.url.rpartition("/")[2])
    served(driver, driver.wait_for(rollback, "released"))
    greets(driver, "greeter", "v1 from worker")


@pytest.mark.req("R85")
def test_with_an_api_server_killed_in_the_middle_everything_goes_on_through_the_other(
    driver: ClusterDriver,
) -> None:
    run_id = driver.run("guarded")
    (gate,) = driver.waiting_gates("guarded", run_id, 1)
    driver.write("words/greeting.py", "GREETING = 'v3'\n")
    changed(driver, "greeter.py")
    release_id = driver.request("greeter.py", title="Cut off")
    driver.demo.hosts["api-1"].kill()

    driver.sign(gate)
    driver.wait_for_run("guarded", run_id, "success")
    driver.decide(driver.wait_for(release_id, "awaiting_approval"))
    served(driver, driver.wait_for(release_id, "released"))
    greets(driver, "greeter", "v3 from worker")

    driver.demo.start("api-1")
    driver.until("api-1 serving again", lambda: driver.demo.answers("api-1"))


def greets(driver: ClusterDriver, dag_id: str, words: str) -> str:
    """Run the DAG to its end: what its task said, and where, is what was expected; the id of the run."""
    run_id = driver.run(dag_id)
    driver.wait_for_run(dag_id, run_id, "success")
    task = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/greet"
    assert driver.get(f"{task}/xcomEntries/return_value", "admin")["value"] == words
    return run_id


def release_greeting(driver: ClusterDriver, greeting: str) -> None:
    """Change a module that the DAG imports, and release that."""
    driver.write("words/greeting.py", f"GREETING = '{greeting}'\n")
    changed(driver, "greeter.py")
    driver.ship("greeter.py", title=f"Greet with {greeting}")


def served(driver: ClusterDriver, released: dict[str, Any]) -> None:
    """Wait until Airflow has the greeter at the release's commit."""
    driver.until("the greeter being served", lambda: driver.is_served("greeter", released))


def changed(driver: ClusterDriver, path: str) -> None:
    """Wait until the list has the file as modified."""
    driver.until(f"{path} being modified", lambda: (driver.row(path) or {}).get("change") == "modified")


def request_rollback(driver: ClusterDriver, version: int) -> int:
    """Ask for an earlier version of the greeter; the id of the release, once it awaits approval."""
    scope = {"dag_id": "greeter", "version": version}
    plan = driver.post(f"{API}/rollbacks/preview", scope)
    asked = {**scope, "digest": plan["digest"], "reviewers": ["reviewer"]}
    release_id = int(driver.post(f"{API}/rollbacks", asked)["id"])
    driver.wait_for(release_id, "awaiting_approval")
    return release_id
