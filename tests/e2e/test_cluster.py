"""Hosts that share nothing but the network, as with Kubernetes and Celery; people come through nginx."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.harness.cluster.cluster import Cluster, running_cluster, why_not
from tests.harness.cluster.network import DATA
from tests.harness.cluster.services import API_PORT, is_open
from tests.harness.driver import dag_file
from tests.harness.requirements import missing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.harness.cluster.driver import ClusterDriver

NEXT_DOOR = """
import socket
from airflow.sdk import task

@task
def say_where():
    print("This runs on", socket.gethostname())
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two API servers behind nginx, scheduler, dag processor, triggerer and Celery worker, a host each."""
    if lacking := why_not():
        missing(lacking, "run as root, and see scripts/setup-system")
    with running_cluster({"where.py": dag_file("where", NEXT_DOOR, "say_where()")}, say=print) as up:
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
    driver.until("dev.where being served", lambda: driver.row("where.py"))
    run_id = driver.run("dev.where")
    driver.wait_for_run("dev.where", run_id, "success")

    log = driver.get(f"/api/v2/dags/dev.where/dagRuns/{run_id}/taskInstances/say_where/logs/1", "admin")
    assert "This runs on worker" in str(log)
