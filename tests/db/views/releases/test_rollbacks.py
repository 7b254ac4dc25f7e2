"""The pages on which people plan and request a rollback or a retirement."""

from __future__ import annotations

import re

import pytest

from airflow_release_plugin.models import Release
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.releases import releases
from tests.db.views.conftest import ADMIN, DEV, REVIEWER, Browsers, Installation
from tests.harness.context import World

pytestmark = pytest.mark.req("R17")


def released(installation: Installation, lines: str, *names: str) -> Release:
    """Release DAGs with this line on top."""

    def step(world: World) -> Release:
        chosen = [world.submit(world.dag(name, lines=lines), DEV) for name in names]
        release = world.report(world.request(*chosen, actor=DEV))
        return world.promote(world.decide(release, REVIEWER))

    return installation.do(step)  # type: ignore[no-any-return]


def digest_on(page: str) -> str:
    found = re.search(r'name="digest" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def test_the_plan_shows_versions_and_the_exact_diff(installation: Installation, browser_of: Browsers) -> None:
    released(installation, "x = 1", "etl")
    bad = released(installation, "x = 2", "etl")

    page = browser_of("dev").get(f"/rollbacks/new?release_id={bad.id}").text

    assert f"Roll back {bad.number}" in page
    assert "as v1" in page
    words = re.sub(r"</?(span|mark)[^>]*>", "", page)
    assert "<del>x = 2</del>" in words
    assert "<ins>x = 1</ins>" in words


def test_what_was_looked_at_is_requested_and_its_page_opens(
    installation: Installation,
    browser_of: Browsers,
) -> None:
    released(installation, "x = 1", "etl")
    released(installation, "x = 2", "etl")
    dev = browser_of("dev")
    page = dev.get("/rollbacks/new?dag_id=etl&version=1").text

    sent = {"dag_id": "etl", "version": "1", "digest": digest_on(page), "reviewers": "reviewer", "title": ""}
    answer = dev.post("/rollbacks/create", sent)

    assert answer.status_code == 302
    shown = dev.get(answer.headers["Location"].partition("/release")[2]).text
    assert "Roll back etl to v1" in shown
    assert "Rollback" in shown


def test_a_plan_that_is_out_of_date_is_shown_again_with_the_reason(
    installation: Installation,
    browser_of: Browsers,
) -> None:
    released(installation, "x = 1", "etl")
    released(installation, "x = 2", "etl")

    sent = {"dag_id": "etl", "version": "1", "digest": "0" * 64, "reviewers": "reviewer", "title": "Mine"}
    answer = browser_of("dev").post("/rollbacks/create", sent)

    assert answer.status_code == 409
    assert "Look at the plan again" in answer.text
    assert 'value="Mine"' in answer.text


def test_a_shared_file_that_others_need_holds_the_button_until_it_is_decided(
    installation: Installation,
    browser_of: Browsers,
) -> None:
    for number, names in ((1, ("one", "two")), (2, ("one",)), (2, ("two",))):
        installation.world.write("helpers.py", f"x = {number}\n")
        released(installation, f"import helpers  # {number}", *names)
    dev = browser_of("dev")

    blocked = dev.get("/rollbacks/new?dag_id=one&version=1").text
    kept = dev.get("/rollbacks/new?dag_id=one&version=1&keep=helpers.py").text

    assert "Decide about the shared files first" in blocked
    assert "Decide about the shared files first" not in kept


def test_a_released_release_offers_its_rollback_to_those_who_may(
    installation: Installation,
    browser_of: Browsers,
) -> None:
    release = released(installation, "x = 1", "etl")
    link = f"/rollbacks/new?release_id={release.id}"

    assert link in browser_of("dev").get(f"/releases/{release.id}").text
    assert link not in browser_of("viewer").get(f"/releases/{release.id}").text
    assert browser_of("viewer").get(link).status_code == 403


def test_a_dag_is_retired_from_the_chooser(installation: Installation, browser_of: Browsers) -> None:
    released(installation, "x = 1", "etl")
    dev = browser_of("dev")
    assert "Retire a Dag" in dev.get("/rollbacks/new").text

    page = dev.get("/rollbacks/new?retire=etl").text

    assert "Request retirement" in page
    assert "removed" in page


def test_a_rollback_that_only_takes_dags_away_offers_no_run(
    installation: Installation, browser_of: Browsers
) -> None:
    dev, option = browser_of("dev"), 'name="run_after_release"'
    released(installation, "x = 1", "etl")
    assert option not in dev.get("/rollbacks/new?release_id=1").text
    released(installation, "x = 2", "etl")
    assert option in dev.get("/rollbacks/new?release_id=2").text


@pytest.mark.req("R36")
def test_a_retirement_that_nobody_could_approve_cannot_be_requested(
    installation: Installation, browser_of: Browsers
) -> None:
    levels = [{"name": "All", "steps": [{"name": "Admins", "roles": ["admin"]}]}]
    raw = {"name": "Gone", "kind": "retirement", "levels": levels}
    installation.do(lambda w: flow_admin.create(w.ctx, actor=ADMIN, raw=raw))
    released(installation, "x = 1", "etl")
    page = browser_of("admin").get("/rollbacks/new?retire=etl").text
    assert page.count("Nobody could approve") == 1
    assert 'data-dialog="confirm" disabled' in page


def test_what_a_retirement_took_away_is_not_said_to_be_in_the_target(
    installation: Installation, browser_of: Browsers
) -> None:
    released(installation, "x = 1", "etl")
    dev = browser_of("dev")
    sent = {"retire": "etl", "digest": digest_on(dev.get("/rollbacks/new?retire=etl").text), "title": ""}
    dev.post("/rollbacks/create", {**sent, "reviewers": "reviewer"})

    def step(world: World) -> int:
        retirement = releases.get(world.ctx, actor=DEV, release_id=2)
        return world.promote(world.decide(world.report(retirement), REVIEWER)).id

    page = dev.get(f"/releases/{installation.do(step)}").text

    assert 'data-state="taken_out"' in page
    assert 'data-state="promoted"' not in page


def test_what_was_rolled_back_is_not_said_to_be_in_the_target(
    installation: Installation, browser_of: Browsers
) -> None:
    bad = released(installation, "x = 1", "etl")
    dev = browser_of("dev")
    digest = digest_on(dev.get(f"/rollbacks/new?release_id={bad.id}").text)
    dev.post(
        "/rollbacks/create", {"release_id": bad.id, "digest": digest, "title": "", "reviewers": "reviewer"}
    )

    def step(world: World) -> Release:
        rollback = releases.get(world.ctx, actor=DEV, release_id=2)
        return world.promote(world.decide(world.report(rollback), REVIEWER))

    installation.do(step)
    page = dev.get(f"/releases/{bad.id}").text

    assert '<span class="tag fg-skipped" data-state="rolled_back">' in page
    assert 'data-state="promoted"' not in page


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("release_id=99", 404),
        ("release_id=x", 422),
        ("dag_id=etl", 422),
        ("dag_id=nobody&version=1", 404),
        ("moment=2001-01-01T00:00&zone=UTC", 404),
        ("moment=soon", 422),
        ("release_id=1&retire=etl", 422),
    ],
)
def test_what_cannot_be_is_a_page_that_says_why(
    installation: Installation,
    browser_of: Browsers,
    query: str,
    status: int,
) -> None:
    released(installation, "x = 1", "etl")

    answer = browser_of("dev").get(f"/rollbacks/new?{query}")

    assert (answer.status_code, "data-error-code" in answer.text) == (status, True)
