"""What the pages say of work that nobody does any more, and that their buttons go on with it."""

from __future__ import annotations

import html

import pytest

from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tasks import TaskKey
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.recovery import lost_work
from airflow_release_plugin.services.releases import creation
from tests.db.views.conftest import DEV, REVIEWER, Browsers, Installation, words
from tests.harness.context import World, steps_of

STILL_COUNTS = "What people approved still counts until"
NOT_AGAIN = "retrying does not ask them again, unless the target changed where this release relies on it."


def lose(world: World, release: Release) -> None:
    del world.twin.started[release.pipeline_dag_id, str(release.pipeline_run_id)]


def look(world: World) -> None:
    for _ in range(2):
        lost_work.run_once(work=steps_of(world))


def page(browser_of: Browsers, path: str, person: str = "dev") -> str:
    return html.unescape(words(browser_of(person).get(path).text))


@pytest.mark.req("R8")
@pytest.mark.req("R89")
def test_an_approved_release_whose_run_was_deleted_says_what_died_and_its_retry_asks_nobody(
    installation: Installation, browser_of: Browsers
) -> None:
    release = installation.waiting("etl")
    installation.do(lambda w: w.decide(release, REVIEWER))
    lost = release.pipeline_run_id
    installation.do(lambda w: lose(w, release))
    before = page(browser_of, f"/releases/{release.id}")
    assert "The pipeline run is missing. Within a minute the release becomes errored" in before

    installation.do(look)
    shown = page(browser_of, f"/releases/{release.id}")

    assert f"The run {lost!r} of the Dag 'release_pipeline', which worked on it, is not in Airflow" in shown
    assert "Then retry the release." in shown
    assert STILL_COUNTS in shown
    assert NOT_AGAIN in shown
    installation.do(lambda w: creation.retry(w.ctx, actor=DEV, release_id=release.id))
    installation.do(lambda w: w.report(release))
    assert release.state is ReleaseState.APPROVED


@pytest.mark.req("R8")
def test_a_check_whose_run_was_deleted_can_be_retried_and_asks(
    installation: Installation, browser_of: Browsers
) -> None:
    release = installation.do(lambda w: w.request(w.submit(w.dag("etl"), DEV), actor=DEV))
    installation.do(lambda w: lose(w, release))
    installation.do(look)

    shown = page(browser_of, f"/releases/{release.id}", "admin")

    assert STILL_COUNTS not in shown
    assert "the reviewers are asked again" in shown


@pytest.mark.req("R8")
def test_a_release_that_awaits_approval_says_that_its_run_is_lost(
    installation: Installation, browser_of: Browsers
) -> None:
    release = installation.waiting("etl")
    installation.do(lambda w: lose(w, release))
    installation.do(look)

    shown = page(browser_of, f"/releases/{release.id}")

    assert "The pipeline run is missing. What people decide counts" in shown


@pytest.mark.req("R37")
def test_a_gate_says_why_it_was_withdrawn(installation: Installation, browser_of: Browsers) -> None:
    gate = installation.gate("etl")
    installation.world.twin.ended_tasks.add(TaskKey("etl", "run", "task", -1, 1))
    installation.do(look)

    shown = page(browser_of, f"/approvals/gates/{gate.id}", "reviewer")

    assert "Try 1 of task 'task' in the run 'run' waits no more: the task is 'failed'." in shown
    assert "Clear the task in Airflow to ask anew." in shown
