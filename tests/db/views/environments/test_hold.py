"""Holding the environment on its page, and what all pages say while it is held."""

from __future__ import annotations

import pytest

from tests.db.views.conftest import Browsers

pytestmark = pytest.mark.req("R19")
FORM = {"reason": "The <b>warehouse</b> moves", "ends_at": "2098-05-01T12:00", "zone": "Europe/Berlin"}


def test_every_page_says_that_it_is_held_until_an_admin_lifts_it(browser_of: Browsers) -> None:
    admin, dev = browser_of("admin"), browser_of("dev")
    assert "are held since" not in dev.get("/releases/").text
    assert admin.post("/environment/hold/set", FORM).status_code == 302

    for path in ("/releases/", "/environment/", "/to-be-released/", "/flows/"):
        page = dev.get(path).text
        assert "Releases to prod are held since" in page
        assert "by admin: The &lt;b&gt;warehouse&lt;/b&gt; moves" in page
    assert "2098-05-01T10:00" in dev.get("/environment/").text
    assert admin.post("/environment/hold/lift", {}).status_code == 302
    assert "are held since" not in dev.get("/releases/").text


def test_the_buttons_are_for_admins(browser_of: Browsers) -> None:
    assert "Hold releases" in browser_of("admin").get("/environment/").text
    assert "Hold releases" not in browser_of("dev").get("/environment/").text
    assert browser_of("dev").post("/environment/hold/set", FORM).status_code == 403
    assert "are held since" not in browser_of("dev").get("/releases/").text


def test_a_number_that_is_none_is_named_and_nothing_is_held(browser_of: Browsers) -> None:
    answer = browser_of("admin").post("/environment/hold/set", {**FORM, "excepted": "R-000001, tomorrow"})

    assert answer.status_code == 422
    assert "tomorrow" in answer.text
    assert "are held since" not in browser_of("dev").get("/releases/").text
