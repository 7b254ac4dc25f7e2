"""The page of a release that runs its DAGs: start status, and starting what was not started (R11)."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.ports import RunFacts
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.verification import runs
from tests.db.views.conftest import DEV, REVIEWER, Browsers, Installation, words
from tests.harness.context import World, dag_text

pytestmark = pytest.mark.req("R11")


def started(home: Installation, *, unknown: str = "") -> Release:
    """A release of two DAGs whose runs the pipeline has started; Airflow knows one DAG only if wished so."""

    def step(world: World) -> Release:
        world.write("regions.py", dag_text("north", "south"))
        asked = world.request(world.submit("regions.py", DEV), actor=DEV, run_after_release=True)
        release = world.promote(world.decide(world.report(asked), REVIEWER))
        if unknown:
            world.twin.unstartable[unknown] = NotFoundError(f"Airflow does not know the DAG {unknown!r}.")
        runs.start_runs(world.ctx, actor=world.task(release, TaskRole.RUN), release_id=release.id)
        return release

    return home.do(step)  # type: ignore[no-any-return]


def test_the_runs_are_summed_up_and_linked(installation: Installation, browser_of: Browsers) -> None:
    release = started(installation)
    run_id = f"release__{release.number}__1"
    installation.world.twin.started["north", run_id] = RunFacts("north", run_id, "success", ended=True)

    page = browser_of("viewer").get(f"/releases/{release.id}").text

    assert "1 of 2 runs succeeded" in words(page)
    assert f'href="/dags/south/runs/{run_id}"' in page
    assert "data-live=" in page


def test_a_deleted_run_is_called_so(installation: Installation, browser_of: Browsers) -> None:
    release = started(installation)
    del installation.world.twin.started["south", f"release__{release.number}__1"]

    shown = words(browser_of("dev").get(f"/releases/{release.id}").text)

    assert "1 deleted" in shown
    assert "The run was deleted in Airflow." in shown
    assert "Start what is not started" not in shown


def test_the_requester_starts_what_could_not_be_started(
    installation: Installation, browser_of: Browsers
) -> None:
    release = started(installation, unknown="north")
    address = f"/releases/{release.id}"
    others, requester = browser_of("viewer"), browser_of("dev")

    assert "Airflow does not know the DAG &#39;north&#39;." in others.get(address).text
    assert "Start what is not started" not in others.get(address).text
    assert others.post(f"{address}/run", {}).status_code == 403
    still = requester.post(f"{address}/run", {})
    assert still.headers["Location"].endswith(f"{address}#runs")
    assert "1 Dag could not be started" in words(requester.get(address).text)
    installation.world.twin.unstartable.clear()
    requester.post(f"{address}/run", {})

    assert "The Dag Runs were started." in words(requester.get(address).text)
    assert installation.world.twin.started["north", f"release__{release.number}__1"].state == "queued"
