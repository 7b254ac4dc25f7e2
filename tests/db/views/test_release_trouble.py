"""What goes wrong around a release is said on its pages, with what was typed kept."""

from __future__ import annotations

import html

import pytest

from tests.db.views.conftest import DEV, REVIEWER, Browsers, Installation, words
from tests.harness.context import dag_text


@pytest.mark.req("R8")
def test_a_scheduler_that_is_down_is_said_with_what_waits(
    installation: Installation, browser_of: Browsers
) -> None:
    release = installation.waiting("etl")
    installation.do(lambda w: w.decide(release, REVIEWER))
    installation.world.twin.ages = {"scheduler": 600.0}

    shown = words(browser_of("dev").get(f"/releases/{release.id}").text)

    assert "Not running: scheduler. The promotion waits until they are back." in shown


@pytest.mark.req("R10")
def test_a_version_in_another_open_release_is_refused_and_what_was_typed_stays(
    installation: Installation, browser_of: Browsers
) -> None:
    busy = installation.waiting("etl")
    form = {
        "submission_ids": [busy.items[0].submission_id],
        "title": "Orders, again",
        "reviewers": ["reviewer"],
    }

    answer = browser_of("dev").post("/releases/create", form)

    assert answer.status_code == 409
    assert busy.number in words(answer.text)
    assert 'value="Orders, again"' in answer.text


@pytest.mark.req("R7")
def test_a_dag_of_two_files_is_refused_with_both_names(
    installation: Installation, browser_of: Browsers
) -> None:
    installation.do(lambda w: w.submit(w.dag("etl"), DEV))
    installation.world.write("copy.py", dag_text("etl"))

    answer = browser_of("dev").post("/to-be-released/submit", {"path": "copy.py"})

    assert answer.status_code == 409
    assert "Dag 'etl' of 'copy.py' is also in 'etl.py' v1" in html.unescape(words(answer.text))
