from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.settings import DemoSettings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service["image"].startswith("airflow-release"))


def published_ports() -> list[str]:
    return [port for service in SERVICES.values() for port in service.get("ports", ())]


def reach(name: str) -> set[str]:
    """Networks of a service."""
    return set(SERVICES[name]["networks"])


@pytest.mark.req("R74")
def test_a_single_installation_has_every_part_of_airflow() -> None:
    parts = {
        "postgres",
        "redis",
        "api-server",
        "scheduler",
        "dag-processor",
        "triggerer",
        "worker",
        "migrate",
    }

    assert parts <= {name for name, service in SERVICES.items() if "single" in service["profiles"]}


def test_nothing_is_started_without_choosing_a_profile() -> None:
    assert [name for name, service in SERVICES.items() if not service.get("profiles")] == []


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_have_a_version(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")

    assert tag not in {"", "latest"}


def test_the_base_image_is_the_supported_airflow() -> None:
    (base,) = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("FROM ")]
    (pinned,) = [
        line
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line.startswith("apache-airflow==")
    ]

    assert base == "FROM apache/airflow:" + pinned.partition("==")[2]


def test_ports_are_open_on_this_machine_only() -> None:
    assert published_ports()
    assert [port for port in published_ports() if not port.startswith("127.0.0.1:")] == []


SINGLE = [name for name in OURS if "single" in SERVICES[name]["profiles"]]
SERVERS_ONLY = re.compile("SQL_ALCHEMY|FERNET|JWT|PASSWORDS_FILE|postgres")
"""What gives away the database or the tokens of Airflow's own servers."""


def volumes(name: str) -> set[str]:
    return {volume.partition(":")[0] for volume in SERVICES[name]["volumes"]}


@pytest.mark.req("R85")
def test_parts_of_airflow_share_the_source_that_people_edit_and_no_other_folder() -> None:
    # One runs before the API server, to hand over the volumes.
    parts = [name for name in SINGLE if name != "prepare"]

    assert [volumes(name) - {"./dags"} for name in parts if name != "api-server"] == [set()] * (
        len(parts) - 1
    )


@pytest.mark.req("R86")
def test_the_worker_cannot_reach_the_database_and_knows_no_password_of_it() -> None:
    worker = SERVICES["worker"]

    assert reach("worker").isdisjoint(reach("postgres"))
    assert [entry for entry in worker["environment"].items() if SERVERS_ONLY.search(" ".join(entry))] == []
    assert COMPOSE["networks"]["single-database"] == {"internal": True}


@pytest.mark.parametrize("name", ["api-server", "scheduler", "dag-processor", "triggerer", "migrate"])
def test_airflows_own_servers_reach_the_database_and_the_worker(name: str) -> None:
    assert reach(name) == reach("worker") | reach("postgres")


@pytest.mark.parametrize("name", ["worker", "triggerer"])
def test_logs_are_read_where_a_host_says_that_they_are(name: str) -> None:
    assert SERVICES[name]["hostname"] == name
    keys = {SERVICES[part]["environment"]["AIRFLOW__API__SECRET_KEY"] for part in (name, "api-server")}
    assert len(keys) == 1


@pytest.mark.parametrize("name", OURS)
def test_it_serves_the_same_bundles_as_the_demo(name: str, tmp_path: Path) -> None:
    demo = DemoSettings(home=tmp_path, port=1)
    demo.prepare()
    key = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"

    def classes(environment: dict[str, str]) -> dict[str, str]:
        return {bundle["name"]: bundle["classpath"] for bundle in json.loads(environment[key])}

    assert classes(SERVICES[name]["environment"]) == classes(demo.environment())


@pytest.mark.parametrize("name", OURS)
def test_the_service_user_is_the_one_that_tasks_log_in_as(name: str) -> None:
    environment = SERVICES[name]["environment"]

    assert (
        json.loads(environment["AIRFLOW_CONN_AIRFLOW_RELEASE_DEFAULT"])["login"]
        == (environment["AIRFLOW__RELEASE__SERVICE_USERS"])
    )


SIDES = ("near", "far")


@pytest.mark.req("R50", "R53")
def test_the_two_sides_of_the_air_gap_cannot_reach_each_other() -> None:
    sides = {side: [name for name in SERVICES if name.partition("-")[0] == side] for side in SIDES}
    near, far = (set().union(*map(reach, sides[side])) for side in SIDES)

    assert sides["near"]
    assert sides["far"]
    assert near.isdisjoint(far)
    assert all("network_mode" not in SERVICES[name] for names in sides.values() for name in names)


def test_only_the_transfer_folder_is_on_both_sides() -> None:
    near, far = ({volume.partition(":")[0] for volume in SERVICES[side]["volumes"]} for side in SIDES)

    assert near & far == {"transfer"}


def test_each_side_has_a_database_and_a_role_of_its_own() -> None:
    environments = [SERVICES[side]["environment"] for side in SIDES]

    assert len({each["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] for each in environments}) == 2
    assert [each["AIRFLOW__RELEASE__ROLE"] for each in environments] == ["both", "target"]
