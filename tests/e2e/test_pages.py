"""Every page, both widths and themes: whole, for everybody, nothing from outside, nothing too wide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from demo.browser import logged_in, open_releases
from tests.harness.accessibility import obstacles
from tests.harness.driver import API, UI, Driver, dag_file

PHONE = 375 - 64
"""What the navigation of Airflow leaves of a phone that is 375 px wide."""
RELEASE_TABS = ("", *(f"?tab={name}" for name in ("changes", "structure", "checks", "activity")))
SEARCHED = {
    "/to-be-released/": "search",
    "/releases/": "search",
    "/flows/": "search",
    "/records/": "search",
    "/environment/": "search",
    "/reviewers/": "who",
    "/search/": "q",
}
"""By page, the parameter of its search: pages that found nothing are pages of their own."""
LINKS_TOLD_BY_COLOUR = """[...document.querySelectorAll("main :is(p, .flash) a:not(.button, .icon-button)")]
  .filter((link) => !getComputedStyle(link).textDecorationLine.includes("underline"))
  .map((link) => `a link that colour alone tells from its sentence: ${link.textContent}`)"""
VARIANTS = [(width, theme) for width in (1400, PHONE) for theme in ("light", "dark")]


@pytest.fixture(scope="module")
def pages(driver: Driver, gated: dict[str, int]) -> list[str]:
    """Paths of every kind of page, with something on it."""
    driver.add("looked_at", dag_file("looked_at", 'LONG = "' + "x" * 300 + '"'))
    driver.add("in_the_list", dag_file("in_the_list"))
    waiting = driver.request("looked_at.py", title="Something to look at")
    driver.wait_for(waiting, "awaiting_approval")
    pending = driver.submit("in_the_list.py")["id"]
    (gate,) = driver.waiting_gates("one_gate", driver.run("one_gate"), 1)
    released = driver.get(f"{API}/releases", search="Dags with gates")["items"][0]["id"]
    return [
        "/",
        "/to-be-released/",
        f"/to-be-released/submissions/{pending}",
        "/to-be-released/file?path=etl_orders.py",
        f"/releases/new?submission_ids={pending}",
        "/releases/",
        "/",
        *(f"/releases/{waiting}{tab}" for tab in RELEASE_TABS),
        *(f"/releases/{released}{tab}" for tab in RELEASE_TABS),
        "/approvals/",
        f"/approvals/gates/{gate['id']}",
        f"/to-be-released/submissions/{pending}?against=0&whitespace=ignore",
        f"/compare/releases/{waiting}?other={released}",
        "/environment/",
        "/transfers/",
        "/rollbacks/new",
        f"/rollbacks/new?release_id={released}",
        "/flows/",
        "/flows/builtin",
        "/simulator/?dag_id=one_gate",
        "/reviewers/",
        "/insights/",
        "/notifications/",
        "/search/?q=gate",
        *(f"{path}?{name}=nothing+is+named+so" for path, name in SEARCHED.items()),
        "/records/",
        "/records/dags/one_gate",
        "/transfers/",
        "/transfers/imports/",
        "/dags/one_gate",
        "/dags/dev.looked_at",
    ]


@contextmanager
def watched(page: Page, origin: str) -> Iterator[list[str]]:
    """What goes wrong while the page is used."""
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("response", lambda r: problems.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    page.on(
        "request",
        lambda r: (
            problems.append(f"outside: {r.url}") if urlsplit(r.url).netloc not in {origin, ""} else None
        ),
    )
    yield problems


@pytest.mark.req("R71")
@pytest.mark.parametrize(("width", "theme"), VARIANTS)
def test_every_page_is_whole(driver: Driver, pages: list[str], width: int, theme: str) -> None:
    assert looked_at(driver, "reviewer", pages, width, theme) == {}


def looked_at(
    driver: Driver, user: str, paths: Sequence[str], width: int, theme: str
) -> dict[str, list[str]]:
    """What is wrong with pages in one of the variants, by path."""
    found: dict[str, list[str]] = {}
    look = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
    with driver.page(user, "/", **look) as page:
        for path in paths:
            with watched(page, urlsplit(driver.demo.url).netloc) as problems:
                page.goto(f"{driver.demo.url}{UI}{path}")
                page.locator("main").wait_for()
                page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
                wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
                problems += [f"{wide} px too wide"] if wide > 0 else []
                dark = page.evaluate(
                    # rgb(255, …) or oklch(0.23 …)
                    "getComputedStyle(document.documentElement).backgroundColor.match(/[\\d.]+/)[0] < 100"
                )
                problems += [] if dark is (theme == "dark") else [f"is not {theme}"]
                problems += page.evaluate(LINKS_TOLD_BY_COLOUR)
                problems += obstacles(page, dialogs=width == PHONE)
                found[path] = list(problems)
    return {path: problems for path, problems in found.items() if problems}


@pytest.mark.req("R71")
def test_the_navigation_of_airflow_leads_to_the_pages(driver: Driver) -> None:
    person = driver.demo.users["reviewer"]
    with logged_in(driver.browser, driver.demo.url, person.name, person.password) as page:
        frame = open_releases(page, driver.demo.url)
        frame.get_by_role("heading", name="Under way").wait_for()
        frame.get_by_role("link", name="My approvals").click()
        frame.get_by_role("link", name="My approvals").and_(frame.locator("[aria-current=page]")).wait_for()


def test_the_search_box_is_used_by_keyboard_alone(driver: Driver, pages: list[str]) -> None:
    with driver.page("reviewer", "/flows/") as page:
        box = page.locator("#quick-search")
        page.get_by_role("searchbox", name="Search names").press("Control+k")
        expect(box).to_be_hidden()  # nobody's typing is interrupted
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Control+k")
        text = box.get_by_role("combobox")
        expect(text).to_be_focused()
        text.press_sequentially("looked_at")
        chosen = box.locator("[role=option][aria-selected=true]")
        expect(chosen).to_have_text(re.compile("looked_at"))
        first = chosen.get_attribute("id")
        text.press("ArrowDown")
        expect(text).to_have_attribute("aria-activedescendant", re.compile(r"-1$"))
        text.press("ArrowUp")
        expect(text).to_have_attribute("aria-activedescendant", first or "")
        text.fill("something to look")
        expect(chosen).to_contain_text("Something to look at")
        text.fill("nothing is named so")
        expect(box.get_by_role("status")).to_contain_text("Nothing that you may see")
        page.route("**/search/options*", lambda route: route.abort())
        text.fill("something")
        expect(box.get_by_role("status")).to_contain_text("does not answer")
        page.unroute("**/search/options*")
        text.fill("Something to look")
        text.press("Enter")  # before the answer is here
        page.get_by_role("heading", name="Something to look at").wait_for()
        page.keyboard.press("Control+k")
        page.keyboard.press("Escape")
        expect(box).to_be_hidden()


@pytest.mark.req("R71")
@pytest.mark.parametrize(("width", "theme"), VARIANTS)
def test_the_form_of_a_flow_is_whole_at_each_of_its_steps(driver: Driver, width: int, theme: str) -> None:
    steps = ["basics", "levels", "scope", "validity", "notifications", "review"]
    paths = ["/flows/", *(f"/flows/new?{step}#step-{step}" for step in steps)]
    assert looked_at(driver, "admin", paths, width, theme) == {}


@pytest.mark.req("R71")
def test_options_that_a_search_offers_are_for_everybody(driver: Driver, pages: list[str]) -> None:
    with driver.page("admin", "/reviewers/") as page:
        page.keyboard.press("Control+k")
        page.locator("#quick-search").get_by_role("combobox").fill("gate")
        page.locator("#quick-search").get_by_role("option").first.wait_for()
        assert obstacles(page, dialogs=False) == []
        page.keyboard.press("Escape")
        page.get_by_label("Deputy", exact=True).fill("e")
        page.locator("#options-deputy").get_by_role("option").first.wait_for()
        assert obstacles(page, dialogs=False) == []


@pytest.mark.parametrize("path", ["/releases/999999", "/nowhere"])
def test_what_is_not_there_is_a_page_that_says_so(driver: Driver, path: str) -> None:
    with driver.page("dev", path) as page:
        assert page.locator("[data-error-code]").get_attribute("data-error-code") == "not_found"
        assert obstacles(page, dialogs=False) == []
