from __future__ import annotations

import json
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


@pytest.mark.parametrize("name", [name for name in OURS if "single" in SERVICES[name]["profiles"]])
def test_what_the_dag_processor_serves_is_where_the_worker_looks(name: str) -> None:
    (folder,) = {
        volume.partition(":")[2] for volume in SERVICES[name]["volumes"] if volume.startswith("bundles:")
    }

    assert SERVICES[name]["environment"]["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH"] == folder


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


def reach(name: str) -> set[str]:
    """Networks of a service."""
    return set(SERVICES[name]["networks"])


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
