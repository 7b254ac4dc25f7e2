"""People see the check at work: how long each file took, what was logged, and where the whole log is."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.domain.release.progress import ItemProgress, ItemState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.models import Release
from airflow_release_plugin.proof.observation import ALL_OF_IT, Confinement
from airflow_release_plugin.services.releases import progress
from tests.db.views.conftest import DEV, Browsers, Installation, words
from tests.harness.context import World

pytestmark = pytest.mark.req("R8")


def asked(world: World) -> Release:
    return world.request(world.submit(world.dag("etl"), DEV), actor=DEV)


def test_the_page_of_a_check_at_work(installation: Installation, browser_of: Browsers) -> None:
    def step(world: World) -> Release:
        release = asked(world)
        done = ItemProgress("etl.py", ItemState.CHECKED, "", 1.25, ("WARNING: no <rates> today",))
        progress.note(
            world.ctx,
            actor=world.task(release, TaskRole.CHECK),
            release_id=release.id,
            attempt=release.attempt,
            files=[done],
        )
        return release

    release = installation.do(step)
    overview, checks = (
        browser_of("dev").get(f"/releases/{release.id}{tab}").text for tab in ("", "?tab=checks")
    )

    assert "1 line logged" in words(overview)
    assert "Check under way" in words(checks)
    for page in (overview, checks):
        assert "1.25 s" in words(page)
        assert "WARNING: no &lt;rates&gt; today" in page
        assert f"/dags/{release.pipeline_dag_id}/runs/" in page
        assert "Log of the check" in words(page)


def test_the_page_of_a_check_that_has_reported(installation: Installation, browser_of: Browsers) -> None:
    items = [
        CheckItem("parse", CheckStatus.PASSED, "etl.py", facts={"dags": [], "seconds": 0.5}),
        CheckItem("confinement", CheckStatus.PASSED, detail=Confinement(True, ALL_OF_IT).sentence),
    ]
    release = installation.do(lambda world: world.report(asked(world), items))
    page = browser_of("dev").get(f"/releases/{release.id}?tab=checks").text

    assert "0.50 s" in words(page)
    assert "Confined: files and network." in words(page)
    assert "Log of the check" in words(page)
