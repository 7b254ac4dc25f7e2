"""The to-be-released list in a browser: a selection across filters, submitting many, a moved file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.harness.driver import API, UI, Driver, dag_file

if TYPE_CHECKING:
    from playwright.sync_api import Route


@pytest.mark.req("R2", "R3", "R8")
def test_a_selection_across_filters_is_submitted_and_goes_on_to_a_release(driver: Driver) -> None:
    driver.write("desk_helpers.py", "LIMIT = 1\n")
    for name in ("desk_first", "desk_second"):
        driver.add(name, dag_file(name, "import desk_helpers"))

    with driver.page("dev", "/to-be-released/?search=desk_first") as page:
        page.get_by_role("checkbox", name="Select desk_first").check()
        page.get_by_role("searchbox").fill("desk_secnd")
        page.get_by_role("searchbox").press("Enter")
        page.get_by_role("checkbox", name="Select desk_second").check()
        page.reload()
        page.get_by_text("2 selected").wait_for()

        page.get_by_role("button", name="Submit selected").click()
        dialog = page.locator("dialog[open]")
        dialog.get_by_label("What changed").fill("Both at once")
        dialog.get_by_label("Go on to a release of it").check()
        dialog.get_by_role("button", name="Submit").click()
        page.get_by_role("heading", name="New release").wait_for()

        names = page.locator("main table").inner_text()
        assert all(name in names for name in ("desk_first", "desk_second"))
        page.goto(page.url.split("/releases/")[0] + "/to-be-released/?tab=shared&search=desk_helpers")
        assert "desk_first.py v1" in page.locator("tr", has_text="desk_helpers.py").inner_text()


@pytest.mark.req("R8", "R10")
def test_a_hurried_release_is_asked_for_a_reviewer_and_then_for_a_yes(driver: Driver) -> None:
    driver.add("desk_hurried", dag_file("desk_hurried"))
    chosen = driver.submit("desk_hurried.py")["id"]

    with driver.page("dev", f"/releases/new?submission_ids={chosen}") as page:
        page.get_by_label("Title").fill("In a hurry")
        page.get_by_role("button", name="Create release").click()
        assert page.locator("dialog[open]").count() == 0
        people = page.locator("[data-require-one] input")
        assert people.first.evaluate("box => box.validationMessage") == "Choose at least one reviewer."

        people.last.check()
        page.get_by_label("Title").press("Enter")
        assert page.locator("dialog[open]").inner_text().startswith("Release 1 version")
    assert driver.get(f"{API}/releases", search="In a hurry")["total_entries"] == 0


@pytest.mark.req("R2")
def test_what_is_ticked_before_the_page_is_complete_stays_ticked(driver: Driver) -> None:
    driver.add("desk_early", dag_file("desk_early"))
    held: list[Route] = []

    with driver.page("dev", "/to-be-released/?search=desk_early") as page:
        page.route("**/static/to_be_released.js*", lambda route: held.append(route))
        with page.expect_request("**/static/to_be_released.js*"):
            page.reload(wait_until="commit")
        box = page.get_by_label("Select desk_early")
        box.evaluate("box => box.click()")  # as in a browser that shows pages before their scripts have run
        assert page.locator("[data-bar]").is_hidden()

        held[0].continue_()
        page.get_by_text("1 selected").wait_for()
        assert box.is_checked()


@pytest.mark.req("R2", "R5", "R7")
def test_a_moved_file_is_one_row_with_its_code_in_airflow(driver: Driver) -> None:
    driver.add("desk_moved", dag_file("desk_moved"))
    driver.ship("desk_moved.py", title="Before the move")
    (driver.demo.settings.source / "desk_moved.py").unlink()
    driver.write("jobs/desk_moved.py", dag_file("desk_moved"))
    driver.until("the move being seen", lambda: (driver.row("jobs/desk_moved.py") or {}).get("renamed_from"))

    with driver.page("dev", "/to-be-released/?search=desk_moved&change=renamed") as page:
        row = page.locator("tbody tr")
        assert "desk_moved.py jobs/desk_moved.py" in " ".join(row.inner_text().split())
        assert str(row.get_by_label("in Airflow").get_attribute("href")).endswith("dags/dev.desk_moved/code")
    assert [item["path"] for item in driver.get(f"{API}/candidates", search="desk_moved")["items"]] == [
        "jobs/desk_moved.py"
    ]


@pytest.mark.req("R4", "R6")
def test_words_survive_an_expired_login_and_a_submission_is_undone(driver: Driver) -> None:
    driver.write("desk_lib.py", "LIMIT = 1\n")
    driver.add("desk_careful", dag_file("desk_careful", "import desk_lib"))

    with driver.page("dev", "/to-be-released/?search=desk_careful") as page:
        row = page.locator("tbody tr", has_text="desk_careful")
        row.get_by_role("button", name="Submit").click()
        dialog = page.locator("dialog[open]")
        expect(dialog.get_by_label("What is copied")).to_contain_text("imported by desk_careful.py")
        words = dialog.get_by_label("What changed")
        expect(words).to_have_value("New: 2 files with 6 lines.")
        words.fill("Typed with care")

        cookies = page.context.cookies()
        page.context.clear_cookies()
        dialog.get_by_role("button", name="Submit").click()
        expect(page.locator("[data-error-code]")).to_contain_text("not logged in")
        page.context.add_cookies(cookies)
        page.goto(f"{driver.demo.url}{UI}/to-be-released/?search=desk_careful")
        row.get_by_role("button", name="Submit").click()
        expect(dialog.locator("[data-kept]")).to_be_visible()
        expect(dialog.locator("[data-is-suggested]")).to_be_hidden()
        expect(words).to_have_value("Typed with care")

        dialog.get_by_role("button", name="Submit").click()
        page.get_by_role("button", name="Undo").click()
        page.get_by_text("1 version was undone").wait_for()
        assert "Not submitted" in row.inner_text()
        row.get_by_role("button", name="Submit").click()
        expect(words).to_have_value("New: 2 files with 6 lines.")
