from __future__ import annotations

import re
from typing import Any

import pytest

from airflow_release_plugin.domain.ports import DagAccess
from tests.db.views.conftest import REVIEWER, Browser, Browsers, Installation

FORM = {
    "name": "Critical",
    "kind": "promotion",
    "enabled": "1",
    "levels.0.name": "Standard",
    "levels.0.steps.0.name": "Ops",
    "levels.0.steps.0.roles": "op",
    "levels.0.steps.0.rule": "quorum",
    "levels.0.steps.0.quorum": "2",
    "scope.tags": "critical",
    "validity.approval": "24",
    "validity.wait": "24",
    "validity.execution": "24",
}


@pytest.fixture
def admin(browser_of: Browsers) -> Browser:
    return browser_of("admin")


@pytest.fixture
def viewer(browser_of: Browsers) -> Browser:
    return browser_of("viewer")


def make(browser: Browser, name: str, **more: str) -> int:
    """Create a flow through the form and return its id."""
    answer = browser.post("/flows/create", {**FORM, "name": name, **more})
    assert answer.status_code == 302, answer.text
    return int(answer.location.rsplit("/", 1)[1])


def names(text: str) -> list[str]:
    """Names of the flows in a list, in its order."""
    return re.findall(r'<tr data-flow="\d+" data-name="([^"]+)"', text)


@pytest.mark.req("R30")
def test_an_empty_list_explains_what_a_flow_is_and_offers_one(admin: Browser) -> None:
    text = admin.get("/flows/").text
    assert "An approval flow says who must agree" in text
    assert "New flow" in text
    assert "built in" in text


def test_somebody_without_the_right_sees_the_rules_and_no_controls(admin: Browser, viewer: Browser) -> None:
    flow_id = make(admin, "Critical")
    listed, shown = viewer.get("/flows/").text, viewer.get(f"/flows/{flow_id}").text
    assert "Critical" in listed
    assert not any(word in listed + shown for word in ("New flow", "Delete", "Switch off", 'type="checkbox"'))


@pytest.mark.req("R41")
@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/flows/create", FORM),
        ("/flows/draft", {**FORM, "do": "add:levels"}),
        ("/flows/preview", FORM),
        ("/flows/1/update", {**FORM, "revision": "1"}),
        ("/flows/1/enabled", {"enabled": ""}),
        ("/flows/delete", {"ids": "1"}),
        ("/flows/enabled", {"ids": "1", "enabled": ""}),
        ("/flows/order", {"order": "1"}),
    ],
)
def test_somebody_without_the_right_changes_nothing(
    admin: Browser, viewer: Browser, path: str, data: dict[str, Any]
) -> None:
    make(admin, "Critical")
    before = viewer.get("/flows/1").text
    assert viewer.post(path, data).status_code == 403
    assert viewer.get("/flows/1").text == before


@pytest.mark.parametrize("path", ["/flows/new", "/flows/1/edit"])
def test_somebody_without_the_right_gets_no_form(viewer: Browser, path: str) -> None:
    assert viewer.get(path).status_code == 403


@pytest.mark.req("R30")
def test_a_flow_that_was_made_says_in_words_what_it_does(admin: Browser) -> None:
    flow_id = make(admin, "Critical")
    text = admin.get(f"/flows/{flow_id}").text
    assert "When a Dag tagged critical is released, two of op must approve within 24 hours." in text


@pytest.mark.req("R35")
def test_the_page_of_a_flow_names_those_who_can_approve(admin: Browser) -> None:
    text = admin.get(f"/flows/{make(admin, 'Critical')}").text
    assert "reviewer" in text
    assert "second" in text


def test_errors_keep_what_was_typed_and_stand_at_their_step(admin: Browser) -> None:
    answer = admin.post("/flows/create", {**FORM, "name": "So wrong!", "validity.wait": "many"})
    assert answer.status_code == 422
    assert 'value="So wrong!"' in answer.text
    assert 'value="many"' in answer.text
    assert "is not a number" in answer.text


@pytest.mark.parametrize(
    "form", [{}, {"name": "x"}, {"scope.changes": "a", "validity.events": "b", "levels.0.name": "One"}]
)
@pytest.mark.parametrize("path", ["create", "preview", "draft"])
def test_a_form_without_fields_or_with_strange_ones_is_refused_as_one_with_errors(
    admin: Browser, path: str, form: dict[str, str]
) -> None:
    assert admin.post(f"/flows/{path}", form).status_code in {200, 422}


def test_a_name_that_is_taken_is_refused_with_everything_that_was_typed(admin: Browser) -> None:
    make(admin, "Critical")
    answer = admin.post("/flows/create", {**FORM, "remark": "A remark that I typed"})
    assert answer.status_code == 409
    assert "A remark that I typed" in answer.text
    assert "already" in answer.text


def test_an_edit_of_an_old_revision_says_who_saved(admin: Browser) -> None:
    flow_id = make(admin, "Critical")
    admin.post(f"/flows/{flow_id}/update", {**FORM, "revision": "1", "remark": "first"})
    answer = admin.post(f"/flows/{flow_id}/update", {**FORM, "revision": "1", "remark": "second"})
    assert answer.status_code == 409
    assert "saved by admin" in answer.text
    assert 'value="second"' in answer.text


def test_two_revisions_are_compared_field_by_field(admin: Browser) -> None:
    flow_id = make(admin, "Critical")
    admin.post(f"/flows/{flow_id}/update", {**FORM, "revision": "1", "validity.approval": "48"})
    text = admin.get(f"/flows/{flow_id}?old=1&new=2").text
    assert "Validity in hours › Approval" in text
    assert "<del>24</del>" in text
    assert "<ins>48</ins>" in text


def test_a_part_is_added_and_what_was_typed_stays(admin: Browser) -> None:
    text = admin.post("/flows/draft", {**FORM, "name": "", "do": "add:levels.0.steps"}).text
    assert 'name="levels.0.steps.1.name"' in text
    assert 'value="critical"' in text


def test_the_preview_says_what_the_flow_does_before_it_has_a_name(admin: Browser) -> None:
    text = admin.post("/flows/preview", {**FORM, "name": ""}).text
    assert "two of op must approve" in text
    assert 'data-problem="basics"' in text


def test_the_preview_warns_of_steps_that_nobody_can_complete(admin: Browser) -> None:
    text = admin.post("/flows/preview", {**FORM, "levels.0.steps.0.quorum": "9"}).text
    assert 'data-problem="levels"' in text


def test_what_the_form_shows_can_be_saved_as_it_is(admin: Browser) -> None:
    window = {"name": "Friday", "kind": "deny", "mode": "cron", "cron": "0 15 * * FRI", "minutes": "540"}
    fixed = {"name": "Year", "kind": "deny", "mode": "fixed"}
    fixed |= {"start": "2026-12-24T00:00", "end": "2027-01-02T00:00"}
    parts = {f"calendar.{i}.{key}": text for i, w in enumerate((window, fixed)) for key, text in w.items()}
    flow_id = make(admin, "Critical", **parts, **{"calendar.0.zone": "Europe/Berlin"})
    form = admin.get(f"/flows/{flow_id}/edit").text
    assert 'value="0 15 * * FRI"' in form
    assert 'value="2026-12-24T00:00"' in form
    assert "Nothing is released on Fridays after 15:00 Europe/Berlin" in admin.get(f"/flows/{flow_id}").text


@pytest.mark.req("R31")
def test_the_order_is_what_was_sent(admin: Browser) -> None:
    first, second = make(admin, "First"), make(admin, "Second")
    answer = admin.post("/flows/order", {"order": [second, first]}, **{"X-Requested-With": "fetch"})
    assert answer.status_code == 204
    assert names(admin.get("/flows/").text) == ["Second", "First"]


@pytest.mark.req("R31")
def test_a_flow_is_moved_without_a_script(admin: Browser) -> None:
    first, second = make(admin, "First"), make(admin, "Second")
    admin.post("/flows/order", {"order": [first, second], "move": f"up:{second}"})
    assert names(admin.get("/flows/").text) == ["Second", "First"]


def test_an_order_that_misses_a_flow_is_refused(admin: Browser) -> None:
    first, _second = make(admin, "First"), make(admin, "Second")
    answer = admin.post("/flows/order", {"order": [first]})
    assert answer.status_code == 409
    assert "Reload the list" in answer.text


@pytest.mark.req("R30")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=firs", ["First"]),
        ("kind=rollback", ["Second"]),
        ("enabled=no", ["Second"]),
        ("scope=CRIT", ["First"]),
        ("levels=2", []),
        ("who=op", ["First"]),
        ("created_by=adm", ["First", "Second"]),
        ("created_by=dev", []),
        ("created_before=2020-01-01", []),
        ("created_after=2020-01-01", ["First", "Second"]),
        ("updated_by=adm", ["First", "Second"]),
        ("updated_before=2020-01-01", []),
        ("updated_after=2020-01-01&updated_before=2999-01-01", ["First", "Second"]),
        ("updated_after=yesterday", ["First", "Second"]),
    ],
)
def test_every_column_filters(admin: Browser, query: str, found: list[str]) -> None:
    make(admin, "First")
    other = {"kind": "rollback", "enabled": "", "scope.tags": "", "levels.0.steps.0.roles": "admin"}
    make(admin, "Second", **other, **{"levels.0.steps.0.rule": "any"})
    assert names(admin.get(f"/flows/?{query}").text) == found


@pytest.mark.req("R30")
def test_several_flows_are_deleted_at_once(admin: Browser) -> None:
    ids = [make(admin, "First"), make(admin, "Second")]
    admin.post("/flows/delete", {"ids": ids})
    assert names(admin.get("/flows/").text) == []


@pytest.mark.req("R30", "R34")
def test_several_flows_are_switched_off_and_on_at_once(admin: Browser) -> None:
    ids = [make(admin, "First"), make(admin, "Second")]
    answer = admin.post("/flows/enabled", {"ids": ids, "enabled": ""})
    assert "2 flows are off: First, Second." in admin.get(answer.location.removeprefix("/release")).text
    assert names(admin.get("/flows/?enabled=no").text) == ["First", "Second"]
    admin.post("/flows/enabled", {"ids": [ids[1]], "enabled": "1"})
    assert names(admin.get("/flows/?enabled=yes").text) == ["Second"]


@pytest.mark.req("R30")
def test_the_page_of_a_flow_shows_what_was_decided_lately(
    installation: Installation, browser_of: Browsers
) -> None:
    assert "Nobody has decided on anything" in browser_of("admin").get("/flows/builtin").text
    release = installation.waiting("orders")
    installation.do(lambda w: w.decide(release, REVIEWER, comment="Counted twice"))
    text = browser_of("admin").get("/flows/builtin").text
    assert f'/releases/{release.id}">{release.number} A release</a>' in text
    assert "Counted twice" in text
    hidden = ("orders", "dev.orders")
    installation.world.twin.refused |= {("viewer", DagAccess.READ, dag_id) for dag_id in hidden}
    assert release.number not in browser_of("viewer").get("/flows/builtin").text


@pytest.mark.req("R34")
def test_a_flow_is_switched_off_and_on(admin: Browser) -> None:
    flow_id = make(admin, "First")
    admin.post(f"/flows/{flow_id}/enabled", {"enabled": ""})
    assert "switched off" in admin.get(f"/flows/{flow_id}").text
    admin.post(f"/flows/{flow_id}/enabled", {"enabled": "1"})
    assert "switched off" not in admin.get(f"/flows/{flow_id}").text


def test_the_simulator_needs_a_number_that_is_one(admin: Browser) -> None:
    assert "Write the number of a release" in admin.get("/simulator/?release=x").text


def test_the_simulator_says_that_a_dag_does_not_exist(admin: Browser) -> None:
    assert "no Dag" in admin.get("/simulator/?dag_id=nothing").text


@pytest.mark.req("R10")
def test_the_reviewers_page_says_who_is_eligible_through_what(admin: Browser, viewer: Browser) -> None:
    make(admin, "Critical")
    text = viewer.get("/reviewers/").text
    assert "reviewer" in text
    assert "role op" in text


@pytest.mark.req("R39")
def test_a_deputy_is_named_and_ended(browser_of: Browsers) -> None:
    reviewer = browser_of("reviewer")
    sent = {"person": "reviewer", "deputy": "dev", "zone": "Europe/Berlin"}
    times = {"starts_at": "2020-01-01T00:00", "ends_at": "2020-12-31T00:00"}
    refused = reviewer.post("/reviewers/deputies", {**sent, **times})
    assert refused.status_code == 422
    assert 'value="dev"' in refused.text
    assert reviewer.post("/reviewers/deputies", {**sent, **_soon()}).status_code == 302
    assert "Nobody has a deputy" not in reviewer.get("/reviewers/").text
    reviewer.post("/reviewers/deputies/1/end", {})
    assert "Nobody has a deputy" in reviewer.get("/reviewers/").text


@pytest.mark.req("R39")
def test_nobody_names_a_deputy_for_somebody_else(browser_of: Browsers) -> None:
    sent = {"person": "reviewer", "deputy": "dev", "zone": "UTC", **_soon()}
    assert browser_of("dev").post("/reviewers/deputies", sent).status_code == 403


def _soon() -> dict[str, str]:
    from datetime import datetime, timedelta, timezone

    now = datetime.now(timezone.utc)
    shape = "%Y-%m-%dT%H:%M"
    ends = (now + timedelta(days=3)).strftime(shape)
    return {"starts_at": (now - timedelta(days=1)).strftime(shape), "ends_at": ends}
