"""A flow made in the browser, and releases under it, on an installation with any auth manager."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from tests.harness.driver import API, Driver, dag_file

FLOW, ZONE = "Stock 库存", "Asia/Shanghai"
NAMES = ("stock_orders", "stock_items")


@dataclass
class Stage:
    """Where the flows are: an installation, and what its roles are called."""

    driver: Driver
    approvers: str
    admins: str

    def flows(self) -> list[str]:
        """Names in the order in which flows are tried, without the built-in one."""
        return [row["spec"]["name"] for row in self.driver.get(f"{API}/flows", "admin")["items"]][:-1]

    def id_of(self, name: str) -> int:
        """Id of a flow."""
        rows = self.driver.get(f"{API}/flows", "admin")["items"]
        return next(int(row["id"]) for row in rows if row["spec"]["name"] == name)

    def add(self, *names: str) -> None:
        """Make flows that nothing falls under."""
        for name in names:
            step = {"name": "Ops", "roles": [self.approvers]}
            spec = {"name": name, "kind": "retirement", "levels": [{"name": "One", "steps": [step]}]}
            self.driver.post(f"{API}/flows", {"spec": spec}, "admin")

    def make_flow(self) -> int:
        """Make a flow in the browser and read there what it will do; its id."""
        with self.driver.page("admin", "/flows/") as page:
            page.get_by_role("link", name="New flow").first.click()
            fill_steps(page, self)
            said = page.locator("#flow-preview")
            expect(said).to_contain_text(f"a Dag named stock_* is released, one of {self.approvers}")
            expect(said).to_contain_text(ZONE)
            page.get_by_role("button", name="Create flow").click()
            page.get_by_role("heading", name=FLOW).wait_for()
            expect(page.locator("#people")).to_contain_text("reviewer")
        return self.id_of(FLOW)

    def request_releases(self) -> list[int]:
        """Two releases under the flow that await approval."""
        for name in NAMES:
            self.driver.add(name, dag_file(name))
        ids = [self.driver.request(f"{name}.py", title=f"Release of {name}") for name in NAMES]
        for release_id in ids:
            self.driver.wait_for(release_id, "awaiting_approval")
        return ids


def fill_steps(page: Page, stage: Stage) -> None:
    """Fill the form step by step; each is left by its button."""
    following = page.get_by_role("button", name="Next")
    page.locator("[name=name]").fill(FLOW)
    following.click()
    page.get_by_label("Name of the step").fill("Store keepers")
    page.get_by_label("Roles", exact=True).fill(stage.approvers)
    page.get_by_label("Roles", exact=True).press("Enter")
    following.click()
    page.get_by_label("Dag ids").fill("stock_*")
    page.get_by_label("Dag ids").press("Enter")
    following.click()
    page.get_by_role("button", name="Add a window").click()
    page.get_by_label("Name of the window").fill("Stocktaking")
    page.locator("[name='calendar.0.mode']").select_option("fixed")
    page.get_by_label("Time zone").fill(ZONE)
    now = datetime.now(ZoneInfo(ZONE))
    page.locator("[name='calendar.0.start']").fill(f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}")
    page.locator("[name='calendar.0.end']").fill(f"{now + timedelta(hours=50):%Y-%m-%dT%H:%M}")
    page.get_by_label("Roles that may break the glass").fill(stage.admins)
    page.get_by_label("Roles that may break the glass").press("Enter")
