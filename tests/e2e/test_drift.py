"""Somebody edits what production serves: it is seen, then repaired, or adopted and served once approved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from demo.instance import DemoInstance
    from tests.harness.driver import Driver

ENVIRONMENT = "/release/api/v1/environments/prod"


@pytest.mark.req("R77")
def test_a_hot_edit_is_shown_and_repaired_or_adopted(driver: Driver, demo: DemoInstance) -> None:
    from tests.harness.accessibility import obstacles
    from tests.harness.driver import dag_file

    driver.add("guarded", dag_file("guarded"))
    driver.ship("guarded.py", title="Guarded")
    file = demo.settings.home / "bundles" / "prod" / "current" / "guarded.py"
    released = file.read_text()
    edit(file, f"{released}\n# by hand\n")

    with driver.page("admin", "/environment/") as page:
        page.get_by_role("button", name="Verify", exact=True).click()
        page.get_by_text("guarded.py is not as it was released").wait_for()
        assert obstacles(page, dialogs=True) == []
        page.get_by_role("button", name="Repair", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Repair").click()
        page.get_by_text("Everything is as it was approved").wait_for()
    assert file.read_text() == released

    edit(file, f"{released}\n# a good fix\n")
    driver.get(f"{ENVIRONMENT}/verify", "admin")
    with driver.page("admin", "/releases/") as page:
        page.get_by_role("link", name="See what drifted").click()
        page.get_by_role("link", name="Adopt").click()
        page.locator("ins", has_text="# a good fix").wait_for()
        assert obstacles(page, dialogs=True) == []
        page.get_by_label("Title").fill("A good fix")
        page.get_by_role("checkbox", name="reviewer").check()
        page.get_by_role("button", name="Request approval").click()
        page.get_by_role("dialog").get_by_role("button", name="Request").click()
        page.get_by_text("and prod is repaired").wait_for()
        assert page.get_by_role("link", name="See what drifted").count() == 0
    assert file.read_text() == released

    (adopted,) = driver.get("/release/api/v1/releases", search="A good fix")["items"]
    assert adopted["kind"] == "import"
    driver.decide(driver.wait_for(adopted["id"], "awaiting_approval"))
    done = driver.wait_for(adopted["id"], "released")
    driver.until("the fix being served", lambda: driver.is_served("guarded", done))
    assert file.read_text() == f"{released}\n# a good fix\n"
    assert driver.get(f"{ENVIRONMENT}/verify", "admin")["findings"] == []


def edit(file: Path, text: str) -> None:
    """Change a served file in place, as root can."""
    file.chmod(0o644)
    file.write_text(text)
