"""Breaking the glass by two people and the review afterwards, on the pages."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_release_plugin.services.approvals import flow_admin
from tests.db.views.conftest import ADMIN, Browsers, Installation

pytestmark = pytest.mark.req("R39")
FLOW: dict[str, Any] = {
    "name": "Careful",
    "kind": "promotion",
    "levels": [{"name": "One", "steps": [{"name": "Devs", "roles": ["viewer"]}]}],
    "break_glass_roles": ["op", "admin"],
    "break_glass_confirm_minutes": 15,
}


def test_two_people_break_the_glass_and_a_third_one_reviews_it(
    installation: Installation, browser_of: Browsers
) -> None:
    installation.do(lambda w: flow_admin.create(w.ctx, actor=ADMIN, raw=FLOW))
    release = installation.waiting("etl", reviewers=["viewer"])
    reviewer, admin, viewer = (browser_of(name) for name in ("reviewer", "admin", "viewer"))
    page = f"/releases/{release.id}"
    sent = {"change_digest": release.change_digest}

    assert reviewer.post(f"{page}/break-glass", {**sent, "reason": "Orders stand still."}).status_code == 302
    told = admin.get(page).text
    assert "Waits for a second person" in told
    assert "You are the second person" in told
    assert 'data-dialog="break-glass"' not in reviewer.get(page).text
    assert "Waits for a second person" in admin.get("/approvals/").text
    assert "Waits for a second person" in admin.get("/").text

    assert admin.post(f"{page}/break-glass", {**sent, "reason": "I see it as well."}).status_code == 302
    assert "Emergency: the approval flow was overridden" in viewer.get(page).text
    assert "To be reviewed" in viewer.get("/approvals/").text
    assert "To be reviewed" not in admin.get("/approvals/").text
    assert 'data-dialog="review-1"' in viewer.get(page).text
    assert 'data-dialog="review-1"' not in admin.get(page).text

    words = {"comment": "It was one; <b>prices</b> come first now."}
    assert viewer.post(f"{page}/emergencies/1/review", words).status_code == 302
    shown = viewer.get(page).text
    assert "&lt;b&gt;prices&lt;/b&gt; come first now" in shown
    assert "Reviewed by" in shown
    assert "To be reviewed" not in viewer.get("/approvals/").text
