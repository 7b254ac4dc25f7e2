"""Approval flows in a real browser: made, ordered, tried, decided under; ``test_fab.py`` does it again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.harness.driver import API, Driver, error_code, press
from tests.harness.flow_stage import FLOW, NAMES, ZONE, Stage

WHY = "Orders are not being shipped."


@pytest.fixture(scope="module")
def stage(driver: Driver) -> Stage:
    """The demo's roles are those of the simple auth manager."""
    return Stage(driver, approvers="op", admins="admin")


class FlowScenarios:
    """What people do with flows, on the stage that a module sets."""

    @pytest.mark.req("R19", "R30", "R33")
    def test_what_was_filled_in_step_by_step_is_what_is_kept(self, stage: Stage, flow: int) -> None:
        spec = stage.driver.get(f"{API}/flows/{flow}", "admin")["spec"]

        assert (spec["scope"], spec["break_glass_roles"]) == ({"dag_ids": ["stock_*"]}, [stage.admins])
        assert [step["name"] for step in spec["levels"][0]["steps"]] == ["Store keepers"]
        assert spec["validity"] == {"approval": 24, "wait": 24, "execution": 24}
        assert [window["zone"] for window in spec["calendar"]] == [ZONE]

    @pytest.mark.req("R36")
    def test_approvers_are_chosen_by_search_or_typed(self, stage: Stage, flow: int) -> None:
        with stage.driver.page("admin", f"/flows/{flow}/edit#step-levels") as page:
            field = page.locator("[data-combobox]", has=page.locator("#options-levels-0-steps-0-users"))
            users = field.locator("input:not([type=hidden])")
            users.fill("revie")
            offered = page.get_by_role("option", name="reviewer")
            users.press("ArrowDown")
            expect(offered).to_have_attribute("aria-selected", "true")
            users.press("Enter")
            users.fill("admi")
            page.get_by_role("option", name="admin").click()
            users.fill("somebody-else")
            users.press("Enter")
            expect(field.locator(".chip")).to_contain_text(["reviewer", "admin", "somebody-else"])
            expect(page.locator("#flow-preview")).to_contain_text("somebody-else")

    @pytest.mark.req("R31")
    def test_the_order_is_set_by_dragging_and_by_keyboard(self, stage: Stage, flow: int) -> None:
        stage.add("Second", "Third")
        with stage.driver.page("admin", "/flows/") as page:

            def saved(act: Any) -> list[str]:
                with page.expect_response(lambda answer: answer.url.endswith("/flows/order")):
                    act()
                return stage.flows()

            handle = page.get_by_role("button", name="Move Third", exact=True)
            top = page.locator("tr", has_text=FLOW)
            assert saved(lambda: handle.drag_to(top, target_position={"x": 200, "y": 3})) == [
                "Third",
                FLOW,
                "Second",
            ]
            handle.focus()
            assert saved(lambda: handle.press("Alt+ArrowDown")) == [FLOW, "Third", "Second"]
            page.reload()
            shown = page.locator("tr[data-flow] a.strong").all_inner_texts()
            assert shown == [FLOW, "Third", "Second"]

    @pytest.mark.req("R30", "R34")
    def test_flows_are_filtered_switched_off_and_deleted_together(self, stage: Stage, flow: int) -> None:
        stage.add("Old one", "Old two")
        with stage.driver.page("admin", "/flows/?search=old") as page:
            rows = page.locator("tr[data-flow]")
            expect(rows).to_have_count(2)
            rows.first.get_by_role("button", name="Switch off").click()
            page.locator("dialog[open]").get_by_role("button", name="Switch off").click()
            page.goto(page.url.split("?")[0] + "?search=old&enabled=no")
            expect(rows).to_have_count(1)
            page.goto(page.url.split("?")[0] + "?search=old")
            page.get_by_role("checkbox", name="Select all flows").check()
            page.locator("[data-selection]").get_by_role("button", name="Switch on").click()
            page.locator("dialog[open]").get_by_role("button", name="Switch on").click()
            page.get_by_text("2 flows are on").wait_for()
            page.goto(page.url.split("?")[0] + "?search=old&enabled=yes&created_by=admin")
            expect(rows).to_have_count(2)
            page.get_by_role("checkbox", name="Select all flows").check()
            press(page, "Delete", "Delete")
            page.locator(".flash.success").wait_for()

        assert not {"Old one", "Old two"} & set(stage.flows())
        assert FLOW in stage.flows()

    @pytest.mark.req("R31", "R32", "R35")
    def test_the_simulator_says_which_flow_applies_and_why_not_the_others(
        self, stage: Stage, flow: int, waiting: list[int]
    ) -> None:
        with stage.driver.page("dev", f"/simulator/?release={waiting[0]}") as page:
            applies, trials = page.locator("#applies").inner_text(), page.locator("#trials").inner_text()

        assert all(
            words in applies for words in (FLOW, "1 of 1", "Store keepers", "reviewer", "stock_orders")
        )
        assert "dev" not in applies.split("Store keepers")[1].split()  # who asked does not decide
        assert "but a flow above it was found first" in trials

    @pytest.mark.req("R12", "R19", "R38")
    def test_two_are_approved_at_once_a_freeze_holds_them_and_breaking_the_glass_lifts_it(
        self, stage: Stage, waiting: list[int]
    ) -> None:
        with stage.driver.page("reviewer", "/approvals/") as page:
            for name in NAMES:
                page.locator("section.card", has_text=f"Release of {name}").get_by_role("checkbox").check()
            page.get_by_role("button", name="Decide on them").click()
            page.locator("dialog[open]").get_by_label("Comment").fill("Counted twice")
            page.locator("dialog[open]").get_by_role("button", name="Approve").click()
            expect(page.get_by_text("Your decision was recorded")).to_have_count(2)
        with stage.driver.page("dev", f"/releases/{waiting[0]}") as page:
            expect(page.locator(".flash.warning").first).to_contain_text("Stocktaking")
            expect(page.locator(".flash.warning").first).to_contain_text("in 2 days")
            expect(page.locator("#approval")).to_contain_text("Counted twice")
            assert page.get_by_role("button", name="Break the glass").count() == 0
            press(page, "Revoke", "Revoke")
            page.get_by_text("was revoked").wait_for()
        with stage.driver.page("admin", f"/releases/{waiting[1]}") as page:
            page.get_by_role("button", name="Break the glass").click()
            page.locator("dialog[open]").get_by_label("Why this cannot wait").fill(WHY)
            page.locator("dialog[open]").get_by_role("button", name="Break the glass").click()
            expect(page.locator(".emergency")).to_contain_text(WHY)
        stage.driver.wait_for(waiting[1], "released")

    @pytest.mark.req("R10", "R39")
    def test_who_is_eligible_through_what_and_a_deputy_for_a_time(self, stage: Stage, flow: int) -> None:
        with stage.driver.page("reviewer", "/reviewers/") as page:
            card = page.locator("section.card", has=page.get_by_role("heading", name=FLOW))
            expect(card).to_contain_text(f"role {stage.approvers}")
            page.get_by_label("Deputy", exact=True).fill("admin")
            now = datetime.now(ZoneInfo(ZONE))
            page.get_by_label("From").fill(f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}")
            page.get_by_label("To", exact=True).fill(f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M}")
            page.get_by_label("Time zone").fill(ZONE)
            page.get_by_role("button", name="Name deputy").click()
            page.get_by_text("admin may decide for reviewer").wait_for()
            expect(card).to_contain_text("deputy of reviewer")
            press(page, "End", "End")
            page.get_by_text("The deputy's time has ended").wait_for()
            expect(card).not_to_contain_text("deputy of reviewer")

    @pytest.mark.req("R30", "R41")
    def test_a_change_is_a_revision_that_shows_what_it_changed(self, stage: Stage, flow: int) -> None:
        with stage.driver.page("admin", f"/flows/{flow}") as page:
            page.get_by_role("link", name="Edit", exact=True).click()
            page.locator("[name=remark]").fill("Since the audit")
            page.get_by_role("button", name="Save").last.click()
            row = page.locator("#revisions tr", has_text="Remark")
            expect(row.locator("ins")).to_have_text("Since the audit")

    @pytest.mark.req("R41")
    def test_who_may_not_change_flows_is_refused_on_every_way(self, stage: Stage, flow: int) -> None:
        with stage.driver.page("dev", "/flows/") as page:
            page.get_by_role("link", name=FLOW).wait_for()  # reading is for everybody
            assert page.get_by_role("link", name="New flow").count() == 0
            assert page.locator("[data-handle]").count() == 0
            for path in ("new", f"{flow}/edit"):
                page.goto(f"{stage.driver.demo.url}/release/ui/flows/{path}")
                assert error_code(page) == "not_allowed"
        spec = stage.driver.get(f"{API}/flows/{flow}")["spec"]
        for method, path, body in (
            ("POST", "/flows", {"spec": {**spec, "name": "Mine"}}),
            ("PUT", f"/flows/{flow}", {"spec": {**spec, "enabled": False}, "revision": 1}),
            ("POST", f"/flows/{flow}/enabled", {"enabled": False}),
            ("POST", "/flows/delete", {"ids": [flow]}),
            ("PUT", "/flows/order", {"ids": [flow]}),
        ):
            answer = stage.driver.client("dev").request(method, f"{API}{path}", json=body)
            assert (path, answer.status_code) == (path, 403)


class TestWithTheSimpleAuthManager(FlowScenarios):
    """SQLite, as in the demo."""
