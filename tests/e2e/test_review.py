"""A reviewer goes through a release in the browser: tabs, ticks, the tree, and the decision within reach."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.harness.driver import Driver, dag_file, press


@pytest.mark.req("R38")
@pytest.mark.parametrize("width", [1400, 375])
def test_files_are_ticked_off_and_the_decision_stays_in_sight(driver: Driver, width: int) -> None:
    name = f"read_on_{width}"
    driver.write(f"{name}_lib.py", "".join(f"LINE_{number} = {number}\n" for number in range(120)))
    driver.add(name, dag_file(name, f"import {name}_lib"))
    release_id = driver.request(f"{name}.py", title="Read file by file")
    driver.wait_for(release_id, "awaiting_approval")

    look = {"viewport": {"width": width, "height": 800}}
    with driver.page("reviewer", f"/releases/{release_id}", **look) as page:
        tabs = page.get_by_role("navigation", name="R-")
        tabs.get_by_role("link", name="Changes").click()
        tick = page.get_by_role("button", name=f"Viewed: {name}.py")
        tick.click()
        expect(tick).to_have_attribute("aria-pressed", "true")
        expect(page.locator("[data-viewed-number]")).to_have_text("1")
        expect(page.locator(".diff-file").first).not_to_have_attribute("open", "")

        tabs.get_by_role("link", name="Activity").click()
        expect(page.locator("#activity")).to_contain_text("Asked for this release")
        page.go_back()
        expect(page.locator("[data-viewed-number]")).to_have_text("1")
        if width == 375:
            page.locator("[data-file-tree] > summary").click()
        page.locator("[data-file-tree]").get_by_role("link", name=f"{name}_lib.py").click()
        page.get_by_role("button", name=f"Viewed: {name}_lib.py").click()
        tick.click()
        expect(page.locator("[data-viewed-number]")).to_have_text("1")
        page.get_by_role("button", name=f"Viewed: {name}_lib.py").click()
        page.set_viewport_size({"width": width, "height": 400})
        page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
        expect(page.locator(".page-head")).not_to_be_in_viewport()
        expect(page.get_by_role("button", name="Approve", exact=True).first).to_be_in_viewport()
        press(page, "Approve", "Approve")
        page.get_by_text("Your decision was recorded").wait_for()
