"""A bundle of another installation comes in through the browser, and is let in when nothing is missing."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from airflow_release_plugin.domain.bundle.inventory import STUB_MARK
from airflow_release_plugin.domain.bundle.manifest import BundleConnection, BundleDag, BundleUnit
from airflow_release_plugin.transfer.keys import KeyFolder
from tests.e2e.test_pages import VARIANTS, looked_at
from tests.harness.bundles import EVIDENCE, KEY, write

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from demo.instance import DemoInstance
    from tests.harness.driver import Driver

NAME = "from_plant_a"
NEEDY = BundleUnit(
    unit_id=f"plant-a:{NAME}",
    path=f"{NAME}.py",
    files=(f"{NAME}.py",),
    dags=(BundleDag(NAME, "@daily", ("load",)),),
    version=4,
    digest="d" * 64,
    connections=(BundleConnection("plant_a_shop", "http"),),
    pools=("plant_a_pool",),
    evidence=EVIDENCE,
)


@pytest.fixture(scope="module")
def address(driver: Driver, demo: DemoInstance, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of the page of an import that lacks a connection and a pool; its upload was cut off once."""
    from tests.harness.driver import UI, dag_file

    now = datetime.now(timezone.utc)
    keys = KeyFolder(demo.settings.home / "release" / "keys")
    keys.trust("plant A", KEY.public_key, valid_from=now - timedelta(days=1))
    about: dict[str, Any] = {"created": now, "expires": now + timedelta(days=1), "units": (NEEDY,)}
    about |= {"airflow_version": "3.2.0", "python_version": "3.10.0"}
    content = {NEEDY.path: dag_file(NAME).encode()}
    file = write(tmp_path_factory.mktemp("sent") / "plant-a.dagbundle", content, **about)
    lost = []

    def cut_off(route: Route) -> None:
        lost.append(route.abort()) if not lost else route.continue_()

    with driver.page("admin", "/transfers/imports/") as page:
        page.route("**/append?*", cut_off)
        page.locator("#upload-form input[type=file]").set_input_files(file)
        page.get_by_role("button", name="Upload and check").click()
        page.get_by_text("2 things block").first.wait_for()
        return page.url.partition(UI)[2]


@pytest.mark.req("R53")
@pytest.mark.parametrize(("width", "theme"), VARIANTS)
def test_the_pages_of_an_import_are_whole(driver: Driver, address: str, width: int, theme: str) -> None:
    paths = [address, f"{address}/unit?path={NAME}.py", f"{address}/file?path={NAME}.py"]
    paths += ["/transfers/imports/", "/approvals/"]

    assert looked_at(driver, "admin", paths, width, theme) == {}


@pytest.mark.req("R53", "R56", "R59")
def test_what_is_missing_is_made_as_stubs_and_the_versions_wait_in_the_list(
    driver: Driver, address: str
) -> None:
    from tests.harness.driver import press

    with driver.page("admin", address) as page:
        page.get_by_label("Select everything").check()
        press(page, "Create placeholders", "Create placeholders")
        page.get_by_text("2 placeholders were made").wait_for()
        press(page, "Apply", "Apply")
        page.locator("[data-verdict=applied]").wait_for()
        page.locator(".verdict").get_by_role("link", name="To be released").click()
        page.locator("tr", has_text=NEEDY.path).wait_for()

    shop = driver.get("/api/v2/connections/plant_a_shop", "admin")
    assert (shop["conn_type"], shop["password"]) == ("http", None)
    assert shop["description"].startswith(STUB_MARK)
    assert driver.get("/api/v2/pools/plant_a_pool", "admin")["slots"] == 1
