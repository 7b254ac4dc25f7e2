"""As larger installations run it: the FAB auth manager, the metadata database on PostgreSQL."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import pytest

from demo.instance import DemoInstance, running_demo
from demo.main_job import MainJob
from demo.processes import COMPONENTS
from demo.settings import SERVICE_USER, USERS
from tests.e2e.test_flows import FlowScenarios
from tests.e2e.test_pages import watched
from tests.harness.flow_stage import Stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.harness.driver import Driver
    from tests.harness.postgres import PostgresServer

ROLES = {"dev": ("User", "Releases"), "reviewer": ("Op",), SERVICE_USER: ("Viewer",)}
# Airflow's navigation shows plugins to those who may read them; FAB's role User may not.
NAVIGATION = {
    "name": "Releases",
    "actions": [{"action": {"name": "can_read"}, "resource": {"name": "Plugins"}}],
}


def create_admin(instance: DemoInstance) -> None:
    """The first user, as an installation gets it."""
    options = {"username": "admin", "password": "admin", "role": "Admin", "email": "admin@example.org"}
    options |= {"firstname": "Ada", "lastname": "Min"}
    command = [part for name, value in options.items() for part in (f"--{name}", value)]
    code = instance.processes.run("users", "create", *command, name="users")
    assert code == 0, instance.processes.tail("users")


def create_users(instance: DemoInstance) -> None:
    """The others, as an administrator makes them."""
    passwords = json.loads((instance.settings.home / "passwords.json").read_text())
    with instance.client("admin") as client:
        assert client.post("/auth/fab/v1/roles", json=NAVIGATION).is_success
        for name, roles in ROLES.items():
            user = {
                "username": name,
                "password": passwords[name],
                "roles": [{"name": role} for role in roles],
            }
            user |= {"first_name": name, "last_name": "-", "email": f"{name}@example.org"}
            answer = client.post("/auth/fab/v1/users", json=user)
            assert answer.is_success, answer.text


@pytest.fixture(scope="module")
def fab_demo(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoInstance]:
    """A second demo."""
    options = {
        "core.auth_manager": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "database.sql_alchemy_conn": postgres.create_database("demo", template="migrated"),
        "fab.auth_rate_limited": "False",
        "release.default_flow_roles": "Op,Admin",
    }
    home = tmp_path_factory.mktemp("fab")
    with running_demo(home, options=options, before_start=create_admin, say=print) as instance:
        create_users(instance)
        yield instance


@pytest.fixture(scope="module")
def fab_driver(fab_demo: DemoInstance, browser: Browser) -> Iterator[Driver]:
    """People who use it."""
    from tests.harness.driver import Driver

    with closing(Driver(fab_demo, browser)) as made:
        yield made


@pytest.fixture(scope="module")
def stage(fab_driver: Driver) -> Stage:
    """Roles have the names that FAB gives them."""
    return Stage(fab_driver, approvers="Op", admins="Admin")


@pytest.mark.req("R2", "R8", "R10", "R36", "R37", "R71")
def test_the_main_job(fab_demo: DemoInstance, browser: Browser) -> None:
    MainJob(fab_demo, browser).run()


@pytest.mark.req("R10")
def test_people_are_shown_by_name(fab_driver: Driver) -> None:
    from tests.harness.driver import dag_file

    fab_driver.add("named", dag_file("named"))
    release_id = fab_driver.request("named.py", title="Named")
    fab_driver.wait_for(release_id, "awaiting_approval")

    with fab_driver.page("reviewer", f"/releases/{release_id}") as page:
        people = set(page.locator(".person").all_inner_texts())

    assert {"dev", "reviewer"} <= people <= {user.name for user in USERS} | {SERVICE_USER}


def test_a_release_of_ones_own_cannot_be_approved_in_the_browser(fab_driver: Driver) -> None:
    from tests.harness.driver import dag_file

    fab_driver.add("own", dag_file("own"))
    release_id = fab_driver.request("own.py", title="Own")
    fab_driver.wait_for(release_id, "awaiting_approval")

    with fab_driver.page("dev", f"/releases/{release_id}") as page:
        assert page.get_by_role("button", name="Approve").count() == 0
        assert page.get_by_role("button", name="Revoke").count() == 1


class TestFlowsOnFab(FlowScenarios):
    """The same pages, roles and people by the rules of the FAB auth manager."""


@pytest.mark.req("R71")
@pytest.mark.parametrize("name", ["dev", "reviewer", "admin"])
def test_every_page_that_somebody_is_offered_opens(fab_driver: Driver, name: str) -> None:
    url = fab_driver.demo.url
    with fab_driver.page(name, "/") as page, watched(page, urlsplit(url).netloc) as problems:
        tabs = [str(tab.get_attribute("href")) for tab in page.locator("nav.tabs a").all()]
        imports = [f"{tab}imports/" for tab in tabs if tab.endswith("/transfers/")]
        for path in [*tabs, "/release/ui/rollbacks/new", *imports]:
            page.goto(f"{url}{path}")
            page.locator("main").wait_for()

    assert problems == []
    assert "/release/ui/environment/" in tabs
    # Offered to the others once a DAG of theirs was submitted.
    assert name != "admin" or "/release/ui/transfers/" in tabs


def test_it_stops_within_seconds_and_leaves_no_process(fab_demo: DemoInstance) -> None:
    parts = [psutil.Process(fab_demo.processes.pid(name)) for name in COMPONENTS]
    family = [member for part in parts for member in (part, *part.children(recursive=True))]
    begun = time.monotonic()

    fab_demo.stop()

    assert time.monotonic() - begun < 8  # about 2 where nothing else runs
    assert [member for member in family if member.is_running()] == []
