"""The search box over HTTP: options for the box, and a page of its own."""

from __future__ import annotations

import re

from airflow_release_plugin.domain.ports import DagAccess
from tests.db.views.conftest import Browser, Browsers, Installation


def test_every_page_has_the_button_and_it_leads_somewhere_without_a_script(dev: Browser) -> None:
    (address,) = re.findall(r'href="([^"]*/search/)"[^>]* data-opens-search', dev.get("/releases/").text)
    assert 'name="q"' in dev.get(address.removeprefix("/release")).text


def test_what_was_found_is_grouped_and_leads_to_its_page(installation: Installation, dev: Browser) -> None:
    release = installation.waiting("orders", title="Orders fail early")
    options = dev.get("/search/options?q=orders").text
    titles = re.findall(r'role="presentation">([^<]*)<', options)
    assert titles == ["Releases", "Dags", "Versions"]
    assert f'/releases/{release.id}"' in options
    assert f"{release.number} Orders fail early" in options
    assert 'data-state="awaiting_approval"' in options
    for address in re.findall(r'role="option"[^>]* href="([^"]*)"', options):
        assert dev.get(address.removeprefix("/release")).status_code == 200
    assert "3 hits" in options
    assert "Orders fail early" in dev.get("/search/?q=orders").text


def test_nothing_found_is_said(dev: Browser) -> None:
    for path in ("/search/?q=zzz", "/search/options?q=zzz"):
        assert "Nothing that you may see is named so." in dev.get(path).text
    assert "Write a number such as R-12" in dev.get("/search/").text


def test_what_is_found_is_text_not_markup(installation: Installation, dev: Browser) -> None:
    installation.waiting("orders", title="<b>Orders</b>")
    for path in ("/search/?q=orders", "/search/options?q=orders"):
        assert "&lt;b&gt;Orders" in dev.get(path).text


def test_who_may_not_see_it_does_not_find_it(installation: Installation, browser_of: Browsers) -> None:
    installation.waiting("orders", title="Secret orders")
    hidden = ("orders", "dev.orders")
    installation.world.twin.refused |= {("viewer", DagAccess.READ, dag_id) for dag_id in hidden}
    assert "orders" not in browser_of("viewer").get("/search/options?q=orders").text.lower()


def test_a_field_offers_people_and_roles(dev: Browser) -> None:
    people, roles = dev.get("/reviewers/people?q=sec").text, dev.get("/reviewers/roles?q=").text
    assert re.findall('data-value="([^"]*)"', people) == ["second"]
    assert "1 person" in people
    assert re.findall('data-value="([^"]*)"', roles) == ["admin", "op", "user", "viewer"]
    assert "Airflow knows nobody of that name." in dev.get("/reviewers/people?q=zzz").text
