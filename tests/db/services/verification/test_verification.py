"""After a promotion: what Airflow serves, and the runs that were asked for."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import ServedState
from airflow_release_plugin.domain.release.checks import CheckStatus
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import ConflictError, NotAllowedError
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories import reports as report_queries
from airflow_release_plugin.services.verification import runs, verification
from airflow_release_plugin.services.verification.verification import Verification
from tests.harness.clock import FrozenClock
from tests.harness.context import DEV, REVIEWER, World, dag_text


def verify(world: World, release: Release) -> Verification:
    return verification.verify(world.ctx, actor=world.task(release, TaskRole.VERIFY), release_id=release.id)


def served(world: World) -> None:
    world.twin.serve(world.store, "prod", str(world.head))


@pytest.mark.req("R18")
def test_until_airflow_has_parsed_the_new_commit_the_verdict_is_pending(world: World) -> None:
    release = world.released(world.dag("etl"))

    result = verify(world, release)

    assert result == Verification(CheckStatus.PENDING, ["etl.py: not served at the new version yet: etl"])
    assert [r.kind.value for r in report_queries.of_release(world.ctx.session, release.id)] == ["check"]


@pytest.mark.req("R18")
def test_a_dag_that_is_served_at_the_new_commit_passes(world: World) -> None:
    release = world.released(world.dag("etl"))
    served(world)

    assert verify(world, release) == Verification(CheckStatus.PASSED, [])


@pytest.mark.req("R18")
def test_a_dag_that_is_served_at_the_old_commit_is_pending(world: World) -> None:
    world.released(world.dag("etl"))
    served(world)
    world.dag("etl", lines="x = 2")
    release = world.released("etl.py")

    assert verify(world, release).status == "pending"


@pytest.mark.req("R18")
def test_every_dag_of_a_file_has_to_be_served(world: World) -> None:
    world.write("regions.py", dag_text("north", "south"))
    release = world.released("regions.py")
    served(world)
    state = world.twin.serving["regions.py"]
    world.twin.serving["regions.py"] = ServedState("regions.py", state.dags[:1])

    assert verify(world, release).problems == ["regions.py: not served at the new version yet: south"]


@pytest.mark.req("R18")
def test_what_is_not_served_in_time_fails(world: World, clock: FrozenClock) -> None:
    release = world.released(world.dag("etl"))
    clock.advance(seconds=181)

    assert verify(world, release).status == "failed"


@pytest.mark.req("R18")
def test_as_long_as_one_file_after_another_is_served_there_is_time(world: World, clock: FrozenClock) -> None:
    release = world.released(world.dag("one"), world.dag("two"))
    served(world)
    not_yet = world.twin.serving.pop("two.py")
    clock.advance(seconds=179)
    assert verify(world, release).status == "pending"

    clock.advance(seconds=179)
    assert verify(world, release).status == "pending"
    world.twin.serving["two.py"] = not_yet
    assert verify(world, release).status == "passed"


@pytest.mark.req("R18")
def test_when_no_further_file_is_served_in_time_it_fails(world: World, clock: FrozenClock) -> None:
    release = world.released(world.dag("one"), world.dag("two"))
    served(world)
    del world.twin.serving["two.py"]
    clock.advance(seconds=179)
    verify(world, release)
    clock.advance(seconds=181)

    assert verify(world, release).status == "failed"


@pytest.mark.req("R18")
def test_an_import_error_that_stays_fails_with_its_last_line(world: World, clock: FrozenClock) -> None:
    release = world.released(world.dag("etl"))
    trace = "Traceback\nModuleNotFoundError: No module named 'pandas'\n"
    world.twin.serving["etl.py"] = ServedState("etl.py", import_errors=(trace,))
    clock.advance(seconds=30)

    result = verify(world, release)

    assert (result.status, result.problems) == (
        "failed",
        ["etl.py: does not import: ModuleNotFoundError: No module named 'pandas'"],
    )


@pytest.mark.req("R18")
def test_an_import_error_of_the_version_that_is_being_mended_fails_nothing(world: World) -> None:
    release = world.released(world.dag("etl"))
    world.twin.serving["etl.py"] = ServedState("etl.py", import_errors=("ImportError: of the old version",))
    assert verify(world, release).status == "pending"

    served(world)

    assert verify(world, release).status == "passed"


@pytest.mark.req("R18")
def test_a_removed_dag_has_to_go_away(world: World) -> None:
    world.released(world.dag("etl"))
    served(world)
    world.delete("etl.py")
    release = world.released("etl.py")

    assert verify(world, release) == Verification(CheckStatus.PENDING, ["etl.py: still served: etl"])
    served(world)
    assert verify(world, release).status == "passed"
    assert report_queries.of_release(world.ctx.session, release.id)[-1].items[0].name == "gone"


def test_the_verdict_is_stored_once_and_stays(world: World, clock: FrozenClock) -> None:
    release = world.released(world.dag("etl"))
    served(world)
    verify(world, release)
    world.twin.serving = {}
    clock.advance(hours=1)

    assert verify(world, release).status == "passed"
    kinds = [report.kind.value for report in report_queries.of_release(world.ctx.session, release.id)]
    assert kinds == ["check", "verification"]


def test_a_release_that_is_not_released_has_nothing_to_verify(world: World) -> None:
    with pytest.raises(ConflictError, match="nothing to verify yet"):
        verify(world, world.approved(world.dag("etl")))


@pytest.mark.parametrize("actor", [DEV, REVIEWER], ids=lambda actor: actor.name)
def test_only_the_pipeline_and_admins_verify_and_run(world: World, actor: Actor) -> None:
    release = world.released(world.dag("etl"))

    with pytest.raises(NotAllowedError):
        verification.verify(world.ctx, actor=actor, release_id=release.id)
    with pytest.raises(NotAllowedError):
        runs.start_runs(world.ctx, actor=actor, release_id=release.id)
