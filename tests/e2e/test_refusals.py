"""What must not happen, tried in the browser: the page says why, and nothing is lost."""

from __future__ import annotations

import pytest

from tests.harness.driver import API, Driver, dag_file, error_code, press


@pytest.mark.req("R10")
def test_an_approval_of_other_content_than_the_present_is_refused(driver: Driver) -> None:
    driver.add("stale", dag_file("stale"))
    release_id = driver.request("stale.py", title="Stale")
    driver.wait_for(release_id, "awaiting_approval")

    with driver.page("reviewer", f"/releases/{release_id}") as page:
        page.evaluate("document.querySelector('#approve [name=change_digest]').value = '0'.repeat(64)")
        press(page, "Approve", "Approve")
        assert error_code(page) == "stale_digest"

    assert driver.release(release_id)["state"] == "awaiting_approval"


@pytest.mark.req("R12", "R16")
def test_approving_what_was_revoked_meanwhile_is_refused_and_the_version_is_in_the_list(
    driver: Driver,
) -> None:
    driver.add("taken_back", dag_file("taken_back"))
    release_id = driver.request("taken_back.py", title="Taken back")
    driver.wait_for(release_id, "awaiting_approval")

    with driver.page("reviewer", f"/releases/{release_id}") as late:
        late.get_by_role("button", name="Approve", exact=True).click()
        with driver.page("dev", f"/releases/{release_id}") as page:
            press(page, "Revoke", "Revoke")
            page.locator(".page-head [data-state=revoked]").wait_for()
        with late.expect_navigation() as answer:
            late.locator("dialog[open]").get_by_role("button", name="Approve", exact=True).click()
        assert (answer.value.status, error_code(late)) == (409, "conflict")

    row = driver.row("taken_back.py")
    assert row is not None
    assert (row["version"], row["submission_state"]) == (1, "pending")


@pytest.mark.req("R2")
def test_a_double_click_submits_once_and_an_old_page_submits_nothing_new(driver: Driver) -> None:
    driver.add("twice", dag_file("twice"))
    list_page = "/to-be-released/?search=twice.py"

    with driver.page("dev", list_page) as page, driver.page("dev", list_page) as old:
        press(page, "Submit", "Submit", times=2)
        page.get_by_text("v1 of twice.py was submitted").wait_for()
        with old.expect_navigation() as answer:
            press(old, "Submit", "Submit")
        assert (answer.value.status, error_code(old)) == (409, "unchanged")

    row = driver.row("twice.py")
    assert row is not None
    assert row["version"] == 1


@pytest.mark.req("R36")
def test_a_double_click_approves_once(driver: Driver) -> None:
    driver.add("eager", dag_file("eager"))
    release_id = driver.request("eager.py", title="Eager")
    driver.wait_for(release_id, "awaiting_approval")

    with driver.page("reviewer", f"/releases/{release_id}") as page:
        press(page, "Approve", "Approve", times=2)
        page.get_by_text("Your decision was recorded").wait_for()

    assert len(driver.get(f"{API}/releases/{release_id}/decisions")["items"]) == 1
    driver.wait_for(release_id, "released")


def test_a_file_with_a_syntax_error_is_a_row_with_the_problem_and_cannot_be_submitted(driver: Driver) -> None:
    driver.write("broken.py", "from airflow.sdk import DAG\nwith DAG('broken'\n    pass\n")
    driver.until("the file being in the list", lambda: driver.row("broken.py"))

    with driver.page("dev", "/to-be-released/?search=broken.py") as page:
        row = page.locator("tr", has_text="broken.py")
        assert "line 2" in row.inner_text()
        assert row.get_by_role("button").or_(row.get_by_role("link")).count() == 0
    answer = driver.client("dev").post(f"{API}/submissions", json={"path": "broken.py"})
    assert (answer.status_code, "line 2" in answer.text) in {(422, True), (404, False)}
    (driver.demo.settings.source / "broken.py").unlink()


@pytest.mark.req("R15", "R16", "R80")
def test_what_reads_the_source_where_it_lies_fails_its_check_with_path_and_line(driver: Driver) -> None:
    limits = driver.demo.settings.source / "limits.txt"
    driver.write("limits.txt", "10")
    driver.add("limited", dag_file("limited", f"LIMITS = open({str(limits)!r}).read()"))
    release_id = driver.request("limited.py", title="Needs the source itself")
    driver.wait_for(release_id, "failed")

    with driver.page("dev", f"/releases/{release_id}?tab=checks") as page:
        assert f"limited.py line 3 opens {limits}" in page.locator("main").inner_text()
    row = driver.row("limited.py")
    assert row is not None
    assert (row["version"], row["submission_state"]) == (1, "pending")
    assert driver.client("dev").get("/api/v2/dags/limited").status_code == 404


@pytest.mark.req("R81")
def test_a_file_that_only_running_finds_is_shown_and_released_with_the_version(driver: Driver) -> None:
    # The name is known at run time only, so that the text says nothing of the file.
    name = "rates_of_2026.txt"
    top = f"from pathlib import Path\nRATES = (Path(__file__).parent / {name[::-1]!r}[::-1]).read_text()"
    driver.write(name, "10")
    driver.add("rated", dag_file("rated", top))
    release_id = driver.request("rated.py", title="Reads what only running tells")
    driver.wait_for(release_id, "awaiting_approval")

    with driver.page("reviewer", f"/releases/{release_id}?tab=changes") as page:
        assert name in page.locator("main").inner_text()
    driver.decide(driver.release(release_id))
    released = driver.wait_for(release_id, "released")
    driver.until("the DAG being served", lambda: driver.is_served("rated", released))


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}], ids=str
)
def test_a_form_without_a_token_or_from_another_site_changes_nothing(
    driver: Driver, headers: dict[str, str]
) -> None:
    driver.add("forged", dag_file("forged"))

    with driver.page("dev", "/to-be-released/?search=forged.py") as page:
        form = {"path": "forged.py"}
        if headers:
            form["csrf_token"] = page.locator("[name=csrf_token]").first.input_value()
        url = f"{driver.demo.url}/release/ui/to-be-released/submit"
        answer = page.context.request.post(url, form=form, headers=headers)
        assert (answer.status, 'data-error-code="csrf"' in answer.text()) == (403, True)

    row = driver.row("forged.py")
    assert row is not None
    assert row["submission_id"] is None
