"""Somebody's first day: what waits, a review, where the release is then; and all of it in Chinese."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from demo.browser import logged_in, open_releases
from tests.harness.driver import API, Driver, dag_file, press


@pytest.mark.req("R38", "R78", "R90", "R91", "R92")
def test_a_newcomer_reviews_and_finds_what_went_out(driver: Driver) -> None:
    driver.add("first_day", dag_file("first_day", "LIMIT = 3"))
    release_id = driver.request("first_day.py", title="My first review")
    driver.wait_for(release_id, "awaiting_approval")

    with driver.page("reviewer", "/") as page:
        page.get_by_role("link", name="My first review").first.click()
        tabs = page.get_by_role("navigation", name="R-")
        tabs.get_by_role("link", name="Activity").click()
        page.get_by_label("Your comment; Markdown").fill("What is the **limit** for?")
        page.get_by_role("button", name="Comment", exact=True).click()
        expect(page.locator("#discussion strong", has_text="limit")).to_be_visible()

        tabs.get_by_role("link", name="Changes").click()
        page.get_by_label("Comment on line").first.fill("1")
        page.get_by_role("button", name="Write", exact=True).first.click()
        page.get_by_label("Your comment on line 1").fill("Who needs this?")
        page.get_by_role("button", name="Comment", exact=True).first.click()
        expect(page.get_by_role("paragraph").filter(has_text="Who needs this?")).to_be_visible()

        press(page, "Approve", "Approve")
        page.get_by_text("Your decision was recorded").wait_for()
    driver.wait_for(release_id, "released")

    with driver.page("reviewer", "/environment/?search=first_day") as page:
        expect(page.get_by_role("row").filter(has_text="first_day").first).to_contain_text("My first review")
        page.get_by_role("link", name="Insights").click()
        expect(page.locator("main")).to_contain_text("Release frequency")


@pytest.mark.req("R79")
def test_pages_speak_the_language_that_is_chosen_in_airflow(driver: Driver) -> None:
    person = driver.demo.users["dev"]
    with logged_in(driver.browser, driver.demo.url, person.name, person.password, language="zh-CN") as page:
        frame = open_releases(page, driver.demo.url)
        expect(frame.locator("html")).to_have_attribute("lang", "zh-CN")
        expect(frame.get_by_role("link", name="待发布对象").first).to_be_visible()
        ours = next(each for each in page.frames if "/release/ui" in each.url)
        ours.goto(f"{driver.demo.url}/release/ui/releases/999999")
        expect(ours.locator("main")).to_contain_text("发布")
        # Another tab of Airflow switches; this one follows.
        page.context.new_page().goto(f"{driver.demo.url}/release/ui/")
        page.context.pages[-1].evaluate("localStorage.setItem('i18nextLng', 'en')")
        expect(ours.locator("html")).to_have_attribute("lang", "en")
        expect(ours.locator("main")).to_contain_text("release")


@pytest.mark.req("R79")
def test_rest_answers_in_the_language_of_its_caller(driver: Driver) -> None:
    with driver.demo.client("dev") as client:
        path = f"{API}/releases/999999"
        english, chinese = (
            client.get(path, headers={"Accept-Language": tag}).json() for tag in ("en", "zh-CN,zh;q=0.9")
        )
    assert english["error"] == chinese["error"] == "not_found"
    assert "999999" in chinese["detail"]
    assert chinese["detail"] != english["detail"]
    assert "发布" in chinese["detail"]
