from __future__ import annotations

import json

import psutil
import pytest

from demo.instance import DemoInstance
from demo.processes import COMPONENTS
from demo.settings import USERS


@pytest.mark.parametrize("user", [user.name for user in USERS])
def test_everybody_named_on_the_ready_line_can_log_in(demo: DemoInstance, user: str) -> None:
    with demo.client(user) as client:
        assert client.get("/api/v2/dags").status_code == 200


@pytest.mark.req("R75")
def test_dags_of_the_source_carry_the_prefix_and_import(demo: DemoInstance) -> None:
    with demo.client("admin") as client:
        dags = client.get("/api/v2/dags").json()["dags"]
        errors = client.get("/api/v2/importErrors").json()["import_errors"]

    assert {dag["dag_id"][:4] for dag in dags if dag["bundle_name"] == "dev"} == {"dev."}
    assert errors == []


def test_every_recorded_process_is_alive_while_it_runs(demo: DemoInstance) -> None:
    recorded = json.loads((demo.settings.home / "processes.json").read_text())

    assert [psutil.Process(pid).create_time() == created for pid, created in recorded] == [True] * 4


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_fresh_start_has_nothing_to_complain_about(demo: DemoInstance, component: str) -> None:
    log = demo.processes.log(component).read_text()

    assert [line for line in log.splitlines() if "Traceback" in line or "[error" in line] == []
