"""Somebody edits what production serves: the page shows it, the repair takes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from demo.instance import DemoInstance
    from tests.harness.driver import Driver


@pytest.mark.req("R77")
def test_a_hot_edit_is_shown_and_repaired(driver: Driver, demo: DemoInstance) -> None:
    from tests.harness.driver import dag_file

    driver.add("guarded", dag_file("guarded"))
    driver.ship("guarded.py", title="Guarded")
    file = demo.settings.home / "bundles" / "prod" / "current" / "guarded.py"
    released = file.read_text()
    file.chmod(0o644)
    file.write_text(f"{released}\n# by hand\n")

    with driver.page("admin", "/environment/") as page:
        page.get_by_role("button", name="Verify", exact=True).click()
        page.get_by_text("guarded.py is not as it was released").wait_for()
        page.get_by_role("button", name="Repair", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Repair").click()
        page.get_by_text("Everything is as it was approved").wait_for()

    assert file.read_text() == released
