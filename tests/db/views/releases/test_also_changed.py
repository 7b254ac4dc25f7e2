"""Reviewers see what a release changes without naming it: in the proof, and as a reason for its risk."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.release.checks import (
    ALSO_CHANGES,
    CONFINEMENT,
    PROOF,
    CheckItem,
    CheckStatus,
)
from airflow_release_plugin.models import Release
from tests.db.views.conftest import Browsers, Installation, words
from tests.harness.context import World

ITEMS = [
    CheckItem(CONFINEMENT, CheckStatus.PASSED, facts={"is_whole": True}),
    CheckItem("parse", CheckStatus.PASSED, "etl.py", facts={"dags": [{"dag_id": "etl"}]}),
    CheckItem(PROOF, CheckStatus.PASSED, "etl.py", facts={"equal": True, "opened": 1, "joined": []}),
    CheckItem(ALSO_CHANGES, CheckStatus.WARNING, "billing.py", "It would.", {"dag_ids": ["billing"]}),
]


def waiting(world: World) -> Release:
    return world.report(world.request(world.submit(world.dag("etl"))), ITEMS)


@pytest.mark.req("R82")
def test_the_card_of_the_risk_says_what_also_changes(
    installation: Installation, browser_of: Browsers
) -> None:
    release = installation.do(waiting)

    shown = words(browser_of("reviewer").get(f"/releases/{release.id}").text)

    assert "A Dag changes without being named Also changes billing" in shown
    assert "Also changes: billing" in shown
    assert "billing billing.py What changes It would. Checked" in shown
