"""The page of a release whose check failed offers to add the files that the check names."""

from __future__ import annotations

import re

import pytest

from airflow_release_plugin.domain.release.checks import LACKING, PROOF, CheckItem, CheckStatus
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.models import Release
from tests.db.views.conftest import DEV, Browsers, Installation, words
from tests.harness.context import PASSED, World

pytestmark = pytest.mark.req("R80")


def failed(world: World) -> Release:
    world.write("conf/one.yaml", "one: 1\n")
    release = world.request(world.submit(world.dag("etl"), DEV), actor=DEV)
    facts = {"equal": False, LACKING: ["conf/one.yaml"]}
    return world.report(
        release, [*PASSED, CheckItem(PROOF, CheckStatus.FAILED, "etl.py", "It lists.", facts)]
    )


def test_one_click_adds_them_and_checks_again(installation: Installation, browser_of: Browsers) -> None:
    release = installation.do(failed)
    browser = browser_of("dev")
    page = browser.get(f"/releases/{release.id}").text

    assert "Add these files" in words(page)
    [value] = re.findall(r'name="file" value="([^"]+)" checked', page)
    answer = browser.post(f"/releases/{release.id}/add-files", {"file": [value]})

    assert answer.location.endswith(f"/releases/{release.id}")
    installation.world.ctx.session.expire_all()
    assert (release.state, release.attempt) == (ReleaseState.CHECKING, 2)
    shown = words(browser.get(f"/releases/{release.id}").text)
    assert "1 file was added; it is checked again." in shown
    assert "added by dev: attempt 1 found it lacking" in shown
    told = words(browser.get(f"/releases/{release.id}?tab=activity").text)
    assert "Added 1 file that the check found lacking, and started attempt 2 conf/one.yaml dev" in told
    assert "Add these files" not in shown


def test_others_are_not_offered_it(installation: Installation, browser_of: Browsers) -> None:
    release = installation.do(failed)
    browser = browser_of("admin")

    assert "Add these files" not in words(browser.get(f"/releases/{release.id}").text)
    assert browser.post(f"/releases/{release.id}/add-files", {}).status_code == 403


@pytest.mark.parametrize("value", ["", "x:conf/one.yaml", "conf/one.yaml", "1"])
def test_a_form_that_names_no_file_is_refused(
    installation: Installation, browser_of: Browsers, value: str
) -> None:
    release = installation.do(failed)
    answer = browser_of("dev").post(f"/releases/{release.id}/add-files", {"file": [value]})

    assert answer.status_code in {302, 400, 409, 422}
    installation.world.ctx.session.expire_all()
    assert (release.state, release.attempt) == (ReleaseState.FAILED, 1)
