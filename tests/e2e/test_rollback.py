"""What turns out bad goes back: by itself when Airflow cannot serve it, in the browser when people say so."""

# Seconds are logged: pytest --log-cli-level=info

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.harness.driver import API, Driver, dag_file, press

log = logging.getLogger(__name__)


def version(dag_id: str, number: int, top: str = "") -> str:
    """Text of a DAG file that says its version in the DAG's description."""
    return dag_file(dag_id, top).replace("schedule=None", f'schedule=None, description="v{number}"')


def served_again(driver: Driver, dag_id: str, rollback: dict[str, Any]) -> None:
    """Wait until Airflow has the first version of the DAG at the rollback's commit, and no import error."""
    driver.until(f"{dag_id} being served again", lambda: driver.is_served(dag_id, rollback))
    assert driver.get(f"/api/v2/dags/{dag_id}")["description"] == "v1"
    errors = driver.get("/api/v2/importErrors", "admin")["import_errors"]
    assert [e for e in errors if e["bundle_name"] == "prod" and e["filename"] == f"{dag_id}.py"] == []


@pytest.fixture(scope="module", autouse=True)
def first_versions(driver: Driver) -> None:
    """Two DAGs in the target."""
    for dag_id in ("fragile", "regretted"):
        driver.add(dag_id, version(dag_id, 1))
    driver.ship("fragile.py", "regretted.py", title="First versions")


@pytest.mark.req("R18")
def test_what_airflow_cannot_import_is_taken_back_without_anybody(driver: Driver) -> None:
    # The check runs it in folders of its own: it breaks only where prod is served from.
    breaks = 'if "/prod/" in __file__: raise FileNotFoundError("no regions here")'
    driver.add("fragile", version("fragile", 2, breaks))
    bad = driver.request("fragile.py", title="Regions from the disk")
    checked = driver.wait_for(bad, "awaiting_approval")

    begun = time.monotonic()
    driver.decide(checked)
    failed = driver.wait_for(bad, "failed")
    (made,) = driver.get(f"{API}/releases", search=f"Automatic rollback of {failed['number']}")["items"]
    rollback = driver.release(made["id"])
    served_again(driver, "fragile", rollback)
    log.info("approved, broken and back on the old version: %.1f s", time.monotonic() - begun)

    assert (rollback["state"], rollback["requested_by"]["name"]) == ("released", "system")
    with driver.page("dev", f"/releases/{bad}") as page:
        reason = page.locator(".flash.danger")
        expect(reason).to_contain_text("fragile.py: does not import: FileNotFoundError")
        expect(reason).to_contain_text("no regions here")
        expect(reason).to_contain_text(f"Rolled back by {rollback['number']}")


@pytest.mark.req("R17")
def test_people_take_a_release_back_in_the_browser(driver: Driver) -> None:
    driver.add("regretted", version("regretted", 2))
    driver.ship("regretted.py", title="Regretted at once")

    with driver.page("dev", "/rollbacks/new") as page:
        page.locator("tr", has_text="Regretted at once").get_by_role("link", name="Undo it").click()
        expect(page.locator("#rows")).to_contain_text("as v1")
        expect(page.locator("#changes ins")).to_contain_text('"v1"')
        page.get_by_role("checkbox", name="reviewer").check()
        page.get_by_label("Why").fill("Counted twice")
        press(page, "Request rollback", "Request")
        page.get_by_text("It is being checked now").wait_for()
        rollback = int(page.url.rpartition("/")[2])
    driver.wait_for(rollback, "awaiting_approval")
    with driver.page("reviewer", f"/releases/{rollback}") as page:
        press(page, "Approve", "Approve")
        begun = time.monotonic()
        page.get_by_text("Your decision was recorded").wait_for()
    released = driver.wait_for(rollback, "released")
    served_again(driver, "regretted", released)
    log.info("from the approval of a rollback to the old version: %.1f s", time.monotonic() - begun)

    assert driver.release(released["rolls_back_id"])["state"] == "rolled_back"
