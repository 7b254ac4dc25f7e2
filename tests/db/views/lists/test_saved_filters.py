"""Filters with names stand beside the filters of each list, and lead to addresses that can be shared."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from airflow_release_plugin.domain.list_pages import ListPage
from airflow_release_plugin.views.lists.saved_filters import ENDPOINTS
from tests.db.views.conftest import Browser, Browsers

LISTS = {
    ListPage.TO_BE_RELEASED: "/to-be-released/?change=new&search=%2B+a%26b",
    ListPage.RELEASES: "/releases/?search=%2B+a%26b&state=failed",
    ListPage.RECORDS: "/records/?place=never&search=%2B+a%26b",
    ListPage.ENVIRONMENT: "/environment/?search=%2B+a%26b",
    ListPage.INBOX: "/approvals/?kind=gate",
}


def place(answer: object) -> str:
    parts = urlsplit(str(answer.headers["Location"]))  # type: ignore[attr-defined]
    return f"{parts.path.removeprefix('/release')}?{parts.query}"


def option(page: str) -> tuple[str, bool]:
    """Id of the saved filter that is on offer, and whether it is the chosen one."""
    found = re.search(r'<option value="(\d+)"( selected)?>Mine</option>', page)
    assert found, page
    return found[1], bool(found[2])


@pytest.mark.parametrize("page", LISTS)
def test_a_filter_is_saved_opened_and_deleted_on_its_list(dev: Browser, page: ListPage) -> None:
    address = LISTS[page]
    assert 'id="save-filter"' in dev.get(address).text

    saved = dev.post(
        "/filters/save", {"page": page.value, "name": "Mine", "query": address.partition("?")[2]}
    )
    assert place(saved) == address
    shown = dev.get(address).text
    chosen, is_chosen = option(shown)
    assert (is_chosen, 'id="delete-filter"' in shown) == (True, True)
    plain = dev.get(f"{address.partition('?')[0]}?search=other").text
    assert option(plain) == (chosen, False)

    assert place(dev.get(f"/filters/open?page={page.value}&id={chosen}")) == address
    assert place(dev.post(f"/filters/{chosen}/delete", {})) == address
    assert "Mine</option>" not in dev.get(address).text


def test_every_list_that_keeps_filters_has_an_address() -> None:
    assert ENDPOINTS.keys() == set(ListPage) == LISTS.keys()


def test_without_a_choice_the_list_opens_as_it_is(dev: Browser) -> None:
    assert place(dev.get("/filters/open?page=records&id=")) == "/records/?"


def test_filters_are_not_for_others(dev: Browser, browser_of: Browsers) -> None:
    dev.post("/filters/save", {"page": "records", "name": "Mine", "query": "place=never"})
    chosen, _ = option(dev.get("/records/?place=never").text)
    other = browser_of("reviewer")

    assert other.get(f"/filters/open?id={chosen}").status_code == 404
    assert other.post(f"/filters/{chosen}/delete", {}).status_code == 404
    assert "Mine" not in other.get("/records/?place=never").text


def test_a_name_stays_text_and_a_list_that_is_none_is_refused(dev: Browser) -> None:
    dev.post("/filters/save", {"page": "records", "name": "<b>Mine", "query": "place=never"})

    assert "&lt;b&gt;Mine" in dev.get("/records/?place=never").text
    answer = dev.post("/filters/save", {"page": "elsewhere", "name": "x", "query": "a=1"})
    assert (answer.status_code, "names no list" in answer.text) == (422, True)
