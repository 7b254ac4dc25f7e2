"""The page of what somebody was told."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.states import NotificationState
from airflow_release_plugin.models import Notice, NoticeChoice, Notification, Release
from airflow_release_plugin.services.runtime import preferences
from airflow_release_plugin.views.web.language import COOKIE
from tests.db.views.conftest import DEV, REVIEWER, Browsers, Installation, words
from tests.harness.context import World
from tests.harness.marked_language import TAG

pytestmark = pytest.mark.req("R40")


def released(world: World) -> Release:
    waiting = world.report(
        world.request(world.submit(world.dag("etl"), DEV), actor=DEV, reviewers=["reviewer"])
    )
    return world.promote(world.decide(waiting, REVIEWER))


def test_it_teaches_who_was_told_of_nothing_yet(installation: Installation, browser_of: Browsers) -> None:
    page = words(browser_of("viewer").get("/notifications/?show=all").text)

    assert "0 notifications" in page
    assert "What you request, and what you are asked to approve, is told here." in page
    assert "you are told on this page alone" in page


def test_what_happened_is_told_and_read(installation: Installation, browser_of: Browsers) -> None:
    release = installation.do(released)
    browser = browser_of("dev")
    page = browser.get("/notifications/").text

    shown = words(page)
    assert "2 unread notifications" in shown
    assert "Released: It is released to prod." in shown
    assert "Decided: reviewer approved it." in shown
    assert f'href="/release/releases/{release.id}"' in page
    [newest, oldest] = map(int, re.findall(r'data-reads="(\d+)"', page))

    browser.post("/notifications/read", {"notice": newest})
    assert "1 unread notification" in words(browser.get("/notifications/").text)
    browser.post("/notifications/read", {"all": "1"})
    page = words(browser.get("/notifications/").text)
    assert "You have read everything." in page
    assert "2 notifications" in words(browser.get("/notifications/?show=all").text)
    assert oldest < newest


def test_the_language_that_somebody_chose_is_kept_for_what_is_sent(
    installation: Installation, browser_of: Browsers
) -> None:
    def kept(world: World) -> dict[str, str]:
        return preferences.languages(world.ctx, {DEV.id, REVIEWER.id})

    browser_of("reviewer").get("/notifications/")  # chose nothing: the browser may be anybody's
    browser = browser_of("dev")
    browser.client.set_cookie(COOKIE, TAG, domain="localhost")
    browser.get("/notifications/")

    assert installation.do(kept) == {DEV.id: TAG}


def test_nobody_reads_for_others(installation: Installation, browser_of: Browsers) -> None:
    installation.do(released)
    ids = installation.do(lambda world: [row.id for row in world.ctx.session.scalars(select(Notice))])

    browser_of("viewer").post("/notifications/read", {"notice": ids})

    assert "2 unread notifications" in words(browser_of("dev").get("/notifications/").text)


def test_the_way_is_chosen_and_kept(installation: Installation, browser_of: Browsers) -> None:
    browser = browser_of("dev")

    answer = browser.post("/notifications/ways", {"decided": "digest", "released": "none"})

    assert answer.location.endswith("/notifications/")
    kept = installation.do(
        lambda world: {
            row.event.value: row.way.value for row in world.ctx.session.scalars(select(NoticeChoice))
        }
    )
    assert kept == {"decided": "digest", "released": "none"}
    assert '<option value="digest" selected>' in browser.get("/notifications/").text


@pytest.mark.parametrize(
    ("path", "data"),
    [("read", {"notice": "x"}), ("ways", {"decided": "by pigeon"})],
)
def test_a_form_that_cannot_be_read_is_refused(
    installation: Installation, browser_of: Browsers, path: str, data: dict[str, str]
) -> None:
    assert browser_of("dev").post(f"/notifications/{path}", data).status_code in {400, 422}


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("person", "/notifications/"),
        ("export", "/transfers/"),
        ("import", "/transfers/imports/1"),
        ("environment", "/environment/"),
    ],
)
def test_what_is_sent_again_leads_to_what_it_is_about(
    installation: Installation, browser_of: Browsers, kind: str, page: str
) -> None:
    row = Notification(
        event=NotificationEvent.DIGEST,
        subject_type=kind,
        subject_id=1,
        notifier_json={"notifier": "my.Notifier"},
        notice={"environment": "prod"},
        state=NotificationState.FAILED,
        attempts=5,
        error="Timeout: slow",
        next_attempt_at=datetime.now(timezone.utc),
        made_at=datetime.now(timezone.utc),
    )
    installation.do(lambda world: world.ctx.session.add(row))

    assert browser_of("admin").post(f"/notifications/{row.id}/retry", {}).location.endswith(page)
