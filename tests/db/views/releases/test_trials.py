"""The page of a release, and that of a version, tell which dev run tried exactly these files."""

from __future__ import annotations

import pytest

from tests.db.views.conftest import Browsers, Installation, words
from tests.harness.dev_runs import blobs, dev_run

pytestmark = pytest.mark.req("R84")


@pytest.mark.parametrize(("state", "label"), [("success", "Success"), ("failed", "Failed")])
def test_the_run_is_named_with_its_state_and_leads_to_airflow(
    installation: Installation, browser_of: Browsers, state: str, label: str
) -> None:
    release = installation.waiting("etl")
    read = blobs(installation.world.twin.root, "etl.py")
    installation.world.twin.dev_runs = [dev_run(read, state=state)]

    for page in (f"/releases/{release.id}", f"/to-be-released/submissions/{release.items[0].submission_id}"):
        text = browser_of("dev").get(page).text
        assert "etl was tried in dev with exactly these files: manual__1" in words(text)
        assert f"{label}, 2026-11-29 10:12" in words(text)
        assert "1 file read" in words(text)
        assert "dags/dev.etl/runs/manual__1" in text


def test_that_none_did_is_said_too(installation: Installation, browser_of: Browsers) -> None:
    release = installation.waiting("etl")
    installation.world.twin.dev_runs = [dev_run({"etl.py": "0" * 40})]

    shown = words(browser_of("dev").get(f"/releases/{release.id}").text)

    assert "Not tried in dev with exactly these files: etl" in shown


def test_a_removal_is_not_tried(installation: Installation, browser_of: Browsers) -> None:
    installation.do(lambda w: w.released(w.dag("etl")))
    installation.world.delete("etl.py")
    release = installation.do(lambda w: w.waiting("etl.py"))

    assert "Not tried" not in words(browser_of("dev").get(f"/releases/{release.id}").text)
