"""Pages on which people decide: the inbox, a release, a gate, a new release; all on Airflow's twin."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.states import NotificationState
from airflow_release_plugin.models import Gate, Notification, Release
from airflow_release_plugin.services.approvals import flow_admin
from tests.db.views.conftest import ADMIN, DEV, REVIEWER, Browsers, Installation
from tests.harness.context import World
from tests.harness.databases import counted


def subject_of(thing: Release | Gate) -> str:
    kind = "release" if isinstance(thing, Release) else "gate"
    return f"{kind}:{thing.id}:0:{thing.change_digest}"


@pytest.mark.req("R38")
def test_several_requests_are_approved_with_one_comment(
    installation: Installation, browser_of: Browsers
) -> None:
    release, gate = installation.waiting("etl"), installation.gate("etl")
    reviewer = browser_of("reviewer")
    assert "2 decisions wait for you" in reviewer.get("/approvals/").text
    sent = {"subjects": [subject_of(release), subject_of(gate)], "verdict": "approve", "comment": "Both read"}
    answer = reviewer.post("/approvals/decide", sent)
    assert answer.text.count("Your decision was recorded") == 2
    assert "Nothing waits for you" in answer.text
    assert "Both read" in reviewer.get(f"/releases/{release.id}").text


@pytest.mark.req("R38")
def test_one_that_cannot_be_decided_is_named_and_does_not_stop_the_others(
    installation: Installation, browser_of: Browsers
) -> None:
    good, changed = installation.waiting("etl"), installation.waiting("dim")
    subjects = [subject_of(good), f"release:{changed.id}:0:{'0' * 64}"]
    sent = {"subjects": subjects, "verdict": "approve", "comment": ""}
    text = browser_of("reviewer").post("/approvals/decide", sent).text
    assert text.count("Your decision was recorded") == 1
    assert "1 decision waits for you" in text
    assert "Reload the page" in text


@pytest.mark.req("R36", "R38")
def test_every_form_that_decides_names_the_step_that_it_showed(
    installation: Installation, browser_of: Browsers
) -> None:
    release, gate = installation.waiting("etl"), installation.gate("etl")
    reviewer = browser_of("reviewer")

    for path in (f"/releases/{release.id}", f"/approvals/gates/{gate.id}"):
        assert reviewer.get(path).text.count('name="step" value="0"') == 2  # approve and reject
        sent = {"verdict": "approve", "change_digest": "0" * 64, "step": "1"}
        assert reviewer.post(f"{path}/decide", sent).status_code == 409
        assert reviewer.post(f"{path}/decide", {**sent, "step": "x"}).status_code == 422


@pytest.mark.req("R40")
def test_an_admin_sees_what_was_not_told_on_the_page_and_has_it_sent_again(
    installation: Installation, browser_of: Browsers
) -> None:
    release, gate = installation.waiting("etl"), installation.gate("etl")
    for kind, thing in (("release", release), ("gate", gate)):
        row = Notification(
            event=NotificationEvent.REQUESTED,
            subject_type=kind,
            subject_id=thing.id,
            notifier_json={"notifier": "my.Notifier"},
            notice={},
            state=NotificationState.FAILED,
            attempts=5,
            error="Timeout: <slow>",
            next_attempt_at=datetime.now(timezone.utc),
            made_at=datetime.now(timezone.utc),
        )
        installation.do(lambda w, row=row: w.ctx.session.add(row))
        page = f"/releases/{release.id}" if kind == "release" else f"/approvals/gates/{gate.id}"
        assert "Timeout: &lt;slow&gt;" in browser_of("admin").get(page).text
        assert "my.Notifier" not in browser_of("reviewer").get(page).text
        retry = f"/notifications/{row.id}/retry"
        assert browser_of("dev").post(retry, {}).status_code == 403
        assert browser_of("admin").post(retry, {}).location.endswith(page)
        text = browser_of("admin").get(page).text
        trail = browser_of("admin").get(f"{page}?tab=activity").text
        assert "Notification sent again" in trail or kind == "gate"
        assert "given up" not in text


@pytest.mark.req("R38")
def test_the_inbox_is_narrowed_to_one_kind(installation: Installation, browser_of: Browsers) -> None:
    installation.waiting("etl", title="Orders")
    installation.gate("etl")
    text = browser_of("reviewer").get("/approvals/?kind=gate").text
    assert "Go on?" in text
    assert "Orders" not in text


@pytest.mark.parametrize(
    "data", [{}, {"subjects": "x:1:0:2"}, {"subjects": "release:one:0:2"}, {"subjects": "gate:1:2"}]
)
def test_a_decision_on_nothing_is_refused(
    installation: Installation, browser_of: Browsers, data: dict[str, str]
) -> None:
    assert browser_of("reviewer").post("/approvals/decide", {"verdict": "approve", **data}).status_code == 422


@pytest.mark.req("R37")
def test_the_message_of_a_gate_is_markdown_that_can_do_nothing(
    installation: Installation, browser_of: Browsers
) -> None:
    gate = installation.gate("etl", "**12** rows <script>alert(1)</script>")
    text = browser_of("reviewer").get(f"/approvals/gates/{gate.id}").text
    assert "<strong>12</strong> rows &lt;script&gt;" in text


@pytest.mark.req("R37")
def test_the_tab_of_a_dag_shows_its_gates(installation: Installation, browser_of: Browsers) -> None:
    installation.waiting("etl")
    installation.gate("etl")
    assert "Go on?" in browser_of("dev").get("/dags/etl").text


@pytest.mark.req("R10")
def test_a_new_release_says_which_flow_and_who(installation: Installation, browser_of: Browsers) -> None:
    submission = installation.do(lambda w: w.submit(w.dag("etl"), DEV))
    text = browser_of("dev").get(f"/releases/new?submission_ids={submission.id}").text
    assert "level 1 of 1" in text
    assert "reviewer" in text
    assert 'name="scheduled_at"' in text


LEVELS = {
    "name": "Careful",
    "kind": "promotion",
    "levels": [
        {"name": "Low", "steps": [{"name": "Ops", "roles": ["op"]}], "rule": {"max_dags": 5}},
        {"name": "High", "steps": [{"name": "Admins", "roles": ["admin"]}], "rule": {"min_dags": 6}},
    ],
    "break_glass_roles": ["admin"],
}


@pytest.mark.req("R36")
def test_what_nobody_could_approve_is_said_once_and_cannot_be_requested(
    installation: Installation, browser_of: Browsers
) -> None:
    installation.do(lambda w: flow_admin.create(w.ctx, actor=ADMIN, raw=LEVELS))
    submission = installation.do(lambda w: w.submit(w.dag("etl"), DEV))
    admin = browser_of("admin")
    fields = {"title": "Up", "submission_ids": submission.id, "at_least_level": "2", "reviewers": "admin"}

    page = admin.get(f"/releases/new?submission_ids={submission.id}&at_least_level=2").text
    refused = admin.post("/releases/create", fields)

    assert refused.status_code == 422
    for text in (page, refused.text):
        assert text.count("Nobody could approve") == 1
        assert text.count('class="button primary" type="button" data-dialog="confirm" disabled') == 1
        assert 'type="submit" class="button primary" disabled' in text
        assert "Leave it to the flow" in text  # the way back from a level that was raised
        assert 'name="reviewers"' not in text


@pytest.mark.req("R32", "R36")
def test_people_raise_the_level_and_it_is_said_on_the_release(
    installation: Installation, browser_of: Browsers
) -> None:
    installation.do(lambda w: flow_admin.create(w.ctx, actor=ADMIN, raw=LEVELS))
    submission = installation.do(lambda w: w.submit(w.dag("etl"), DEV))
    dev = browser_of("dev")
    assert "at least level 2" in dev.get(f"/releases/new?submission_ids={submission.id}").text
    sent = {"title": "Up", "submission_ids": submission.id, "reviewers": "admin", "at_least_level": "2"}
    assert dev.post("/releases/create", sent).status_code == 302
    installation.do(lambda w: w.report(w.ctx.session.get(Release, 1)))  # type: ignore[arg-type]
    text = dev.get("/releases/1").text
    assert "level 2: High" in text
    assert "Raised from level 1" in text


@pytest.mark.req("R19")
def test_a_scheduled_release_says_that_it_waits(installation: Installation, browser_of: Browsers) -> None:
    later = (datetime.now(timezone.utc) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    submission = installation.do(lambda w: w.submit(w.dag("etl"), DEV))
    sent = {"title": "Later", "submission_ids": submission.id, "reviewers": "reviewer"}
    answer = browser_of("dev").post("/releases/create", {**sent, "scheduled_at": later, "zone": "UTC"})
    assert answer.status_code == 302
    release = installation.do(lambda w: w.report(w.ctx.session.get(Release, 1)))  # type: ignore[arg-type]
    installation.do(lambda w: w.decide(release, REVIEWER))
    text = browser_of("dev").get("/releases/1").text
    assert "Approved; scheduled" in text
    assert "Not before" in text


def test_a_schedule_that_is_no_time_keeps_what_was_typed(
    installation: Installation, browser_of: Browsers
) -> None:
    submission = installation.do(lambda w: w.submit(w.dag("etl"), DEV))
    sent = {"title": "Typed", "submission_ids": submission.id, "reviewers": "reviewer"}
    answer = browser_of("dev").post("/releases/create", {**sent, "scheduled_at": "soon"})
    assert answer.status_code == 422
    assert 'value="Typed"' in answer.text


@pytest.mark.req("R19")
def test_breaking_the_glass_needs_the_role_and_a_reason_and_stands_out(
    installation: Installation, browser_of: Browsers
) -> None:
    installation.do(lambda w: flow_admin.create(w.ctx, actor=ADMIN, raw=LEVELS))
    release = installation.waiting("etl")
    path, digest = f"/releases/{release.id}", {"change_digest": release.change_digest}
    reviewer, admin = browser_of("reviewer"), browser_of("admin")
    assert "Break the glass" not in reviewer.get(path).text
    assert reviewer.post(f"{path}/break-glass", {**digest, "reason": "It burns a lot"}).status_code == 403
    assert "Break the glass" in admin.get(path).text
    assert admin.post(f"{path}/break-glass", {**digest, "reason": "short"}).status_code == 422
    assert admin.post(f"{path}/break-glass", {**digest, "reason": "It burns a lot"}).status_code == 302
    text = reviewer.get(path).text
    assert "the approval flow was overridden" in text
    assert "It burns a lot" in text
    assert "Emergency" in reviewer.get("/releases/").text


@pytest.mark.req("R19")
def test_a_frozen_release_says_when_it_goes_on_and_what_an_emergency_overrode(
    installation: Installation, browser_of: Browsers
) -> None:
    now = datetime.now(timezone.utc)
    times = {"start": now - timedelta(hours=1), "end": now + timedelta(days=2)}
    freeze = {"name": "Fair", "kind": "deny", **{name: time.isoformat() for name, time in times.items()}}
    raw = {**LEVELS, "calendar": [freeze]}
    installation.do(lambda w: flow_admin.create(w.ctx, actor=ADMIN, raw=raw))
    release = installation.waiting("etl")
    installation.do(lambda w: w.decide(release, REVIEWER))
    held = browser_of("dev").get("/releases/1").text
    assert "Approved; frozen by &#39;Fair&#39;" in held
    assert "It then goes on by itself." in held
    sent = {"change_digest": release.change_digest, "reason": "It burns a lot"}
    browser_of("admin").post("/releases/1/break-glass", sent)
    text = browser_of("dev").get("/releases/1").text
    assert "Emergency: freeze and schedule were overridden" in text
    assert "the approval flow was overridden" not in text


@pytest.mark.req("R12", "R16")
def test_a_release_that_ended_says_where_its_versions_are(
    installation: Installation, browser_of: Browsers
) -> None:
    release = installation.waiting("etl")
    where = "Its versions went back to the list"
    dev = browser_of("dev")
    assert where not in dev.get("/releases/1").text
    installation.do(lambda w: w.decide(release, REVIEWER, Verdict.REJECT, comment="Not on a Friday"))
    assert where in dev.get("/releases/1").text


def test_what_the_check_will_find_is_not_said_to_be_unknown_before_it(
    installation: Installation, browser_of: Browsers
) -> None:
    submission = installation.do(lambda w: w.submit(w.dag("etl"), DEV))
    installation.do(lambda w: w.request(submission))
    text = browser_of("reviewer").get("/releases/1?tab=structure").text
    assert "Known after the check" in text
    assert "is not known" not in text


@pytest.mark.req("R38")
def test_a_reviewer_sees_what_changed_since_they_last_approved(
    installation: Installation, browser_of: Browsers
) -> None:
    first = installation.waiting("etl")
    installation.do(lambda w: w.decide(first, REVIEWER))
    installation.do(lambda w: w.promote(first))

    def again(world: World) -> Release:
        path = world.dag("etl", lines="x = 2")
        return world.report(world.request(world.submit(path, DEV), actor=DEV))

    second = installation.do(again)
    text = browser_of("reviewer").get(f"/releases/{second.id}?tab=changes&diff=since-my-approval").text
    assert "Changes since you last approved these Dags" in text
    assert "x = 2" in re.sub("<[^>]*>", "", text)


@pytest.mark.req("R13")
@pytest.mark.parametrize(("days", "words"), [(0, "1 release"), (2, "Nothing matches")])
def test_releases_are_filtered_by_when_they_were_asked_for(
    installation: Installation, browser_of: Browsers, days: int, words: str
) -> None:
    day = (datetime.now(timezone.utc) + timedelta(days=days)).date().isoformat()
    installation.waiting("etl")
    assert words in browser_of("dev").get(f"/releases/?requested_after={day}").text


def flow(number: int) -> dict[str, Any]:
    return {**LEVELS, "name": f"Flow {number}", "scope": {"dag_ids": [f"x{number}"]}}


PAGES = (
    "/",
    "/flows/",
    "/flows/1",
    "/reviewers/",
    "/simulator/?dag_id=etl",
    "/approvals/",
    "/releases/",
    "/releases/1",
    "/dags/etl",
    "/to-be-released/",
)


def test_pages_cost_the_same_number_of_statements_however_much_they_show(
    installation: Installation, browser_of: Browsers, own_engine: Engine
) -> None:
    admin = browser_of("admin")

    def fill(numbers: range) -> None:
        for number in numbers:
            installation.do(lambda w, n=number: flow_admin.create(w.ctx, actor=ADMIN, raw=flow(n)))
            installation.waiting(f"waits{number}")
            installation.gate("etl" if number else "other", message=str(number)) if number < 2 else None

    def costs() -> dict[str, int]:
        found = {}
        for path in PAGES:
            with counted(own_engine) as statements:
                answer = admin.get(path)
            assert answer.status_code == 200, (path, re.sub(r"<[^>]+>", "", answer.text)[-400:])
            found[path] = len(statements)
        return found

    installation.do(lambda w: w.dag("etl"))
    fill(range(3))
    costs()
    few = costs()
    fill(range(3, 30))
    costs()  # contents that are new are read once
    assert costs() == few
    assert max(few.values()) <= 35


def test_texts_are_as_long_as_over_rest_and_line_ends_count_once(
    installation: Installation, browser_of: Browsers
) -> None:
    """Browsers send two characters for each end of a line, and let people type as if it were one."""
    release, reviewer, admin = installation.waiting("etl"), browser_of("reviewer"), browser_of("admin")
    decision = {"verdict": "approve", "change_digest": release.change_digest}
    refused = [
        reviewer.post(f"/releases/{release.id}/decide", {**decision, "comment": "x" * 2001}),
        reviewer.post(f"/releases/{release.id}/revoke", {"reason": "x" * 900_000}),
        admin.post("/environment/hold/set", {"reason": "x" * 2001}),
        admin.post(f"/releases/{release.id}/break-glass", {"reason": "x" * 2001}),
    ]
    assert [answer.status_code for answer in refused] == [413] * 4
    text = "a\r\n" * 999 + "b"
    assert reviewer.post(f"/releases/{release.id}/decide", {**decision, "comment": text}).status_code == 302
    shown = installation.do(lambda world: world.ctx.session.refresh(release) or release)
    assert shown.state.value == "approved"
