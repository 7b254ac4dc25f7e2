"""After a promotion, DAGs that a release changes without naming them are waited for like its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_release_plugin.domain.ports import DagFacts, ServedState
from airflow_release_plugin.domain.release.checks import ALSO_CHANGES, CheckItem, CheckStatus
from airflow_release_plugin.domain.release.progress import ItemState
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories import reports as report_queries
from airflow_release_plugin.services.read_models import release_page
from airflow_release_plugin.services.verification import verification
from airflow_release_plugin.services.verification.verification import Verification
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import DEV, World

pytestmark = pytest.mark.req("R82")


def parsed(path: str, *dag_ids: str) -> CheckItem:
    facts = {"dags": [{"dag_id": dag_id} for dag_id in dag_ids], "references": {}}
    return CheckItem("parse", CheckStatus.PASSED, path, facts=facts)


def also_changes(world: World, *seen: str) -> Release:
    """``etl`` in the target, whose check ran ``billing.py``, too, and saw it change; Airflow is behind."""
    world.released(world.dag("billing"))
    world.twin.serve(world.store, "prod", str(world.head))
    seen = seen or ("billing",)
    items = [
        parsed("etl.py", "etl"),
        parsed("billing.py", *seen),
        CheckItem(ALSO_CHANGES, CheckStatus.WARNING, "billing.py", "It would.", {"dag_ids": list(seen)}),
    ]
    release = world.request(world.submit(world.dag("etl")))
    return world.promote(world.decide(world.report(release, items)))


def serve(world: World) -> None:
    world.twin.serve(world.store, "prod", str(world.head))


def verify(world: World, release: Release) -> Verification:
    return verification.verify(world.ctx, actor=world.task(release, TaskRole.VERIFY), release_id=release.id)


def others(world: World, release: Release) -> list[tuple[tuple[str, ...], ItemState, str]]:
    """What the page of the release shows of them."""
    found = release_page.get_release(world.ctx, actor=DEV, release_id=release.id).others
    return [(other.dag_ids, other.reached.state, other.reached.detail) for other in found]


def test_one_is_waited_for_until_it_is_served_at_the_new_commit(world: World) -> None:
    release = also_changes(world)
    before = world.twin.serving["billing.py"]
    serve(world)
    now, world.twin.serving["billing.py"] = world.twin.serving["billing.py"], before

    waits = "billing.py, not in this release: not served at the new version yet: billing"
    assert verify(world, release) == Verification(CheckStatus.PENDING, [waits])
    assert others(world, release) == [(("billing",), ItemState.PROMOTED, "")]

    world.twin.serving["billing.py"] = now
    assert verify(world, release).status == "passed"
    assert others(world, release) == [(("billing",), ItemState.SERVED, "")]
    items = report_queries.of_release(world.ctx.session, release.id)[-1].items
    assert [(item.name, item.path) for item in items] == [("served", "etl.py"), ("served", "billing.py")]


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_one_that_breaks_takes_the_release_back(world: World, clock: FrozenClock) -> None:
    release = also_changes(world)
    serve(world)
    trace = "Traceback\nKeyError: 'RATE'\n"
    world.twin.serving["billing.py"] = ServedState("billing.py", import_errors=(trace,))
    clock.advance(seconds=31)

    result = verify(world, release)

    said = "billing.py, not in this release: does not import: KeyError: 'RATE'"
    assert (result.status, result.problems) == ("failed", [said])
    assert (release.state, said in release.state_reason) == (ReleaseState.FAILED, True)
    assert sorted(world.target()) == ["billing.py"]
    assert others(world, release) == [(("billing",), ItemState.FAILED, said)]


def test_one_that_disappears_takes_the_release_back(world: World, clock: FrozenClock) -> None:
    release = also_changes(world)
    serve(world)
    del world.twin.serving["billing.py"]
    assert verify(world, release).status == "pending"
    clock.advance(seconds=181)

    result = verify(world, release)

    assert result.problems == ["billing.py, not in this release: not served at all: billing"]
    assert release.state is ReleaseState.FAILED
    assert sorted(world.target()) == ["billing.py"]


def test_a_dag_that_the_check_saw_come_is_no_surprise(world: World) -> None:
    release = also_changes(world, "billing", "billing_eu")
    serve(world)
    assert verify(world, release).problems == [
        "billing.py, not in this release: not served at the new version yet: billing_eu"
    ]
    state = world.twin.serving["billing.py"]
    more = DagFacts("billing_eu", "billing.py", "prod", bundle_version=world.head)
    world.twin.serving["billing.py"] = replace(state, dags=(*state.dags, more))

    assert verify(world, release).status == "passed"


def test_a_later_release_of_it_says_what_it_makes(world: World) -> None:
    release = also_changes(world, "billing", "billing_eu")
    world.dag("billing", lines="x = 2")
    world.released("billing.py")
    serve(world)

    assert verify(world, release).status == "passed"


def test_one_that_was_taken_out_since_is_not_waited_for(world: World) -> None:
    release = also_changes(world)
    world.delete("billing.py")
    world.released("billing.py")
    serve(world)

    assert verify(world, release).status == "passed"
