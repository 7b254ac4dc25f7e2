"""A release that turns out bad after its promotion is out of the target again, whatever happens meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.ports import DagFacts, ServedState
from airflow_release_plugin.domain.release.rollback_scope import UndoRelease
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories import events
from airflow_release_plugin.services.releases import creation, releases
from airflow_release_plugin.services.rollbacks import planning
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.verification import verification
from airflow_release_plugin.services.verification.verification import Verification
from airflow_release_plugin.store.base import tag_ref
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, World, make_world
from tests.harness.crashes import at_every_statement

pytestmark = pytest.mark.req("R18")
TRACE = "Traceback\nKeyError: 'PROD_HOST'\n"
FAILED_AS = "Verification of {0} failed: etl.py: does not import: KeyError: 'PROD_HOST'."


def verify(world: World, release_id: int) -> Verification:
    release = releases.get(world.ctx, actor=DEV, release_id=release_id)
    # No run works on a rollback that the product made itself: an admin looks.
    actor = world.task(release, TaskRole.VERIFY) if release.pipeline_run_id else ADMIN
    return verification.verify(world.ctx, actor=actor, release_id=release_id)


def rollback_of(world: World, bad: Release) -> Release:
    """The rollback that was made of a release."""
    found = releases.list_releases(world.ctx, actor=DEV).items
    return next(release for release in found if release.rolls_back_id == bad.id)


def breaks(world: World, clock: FrozenClock, path: str = "etl.py") -> None:
    """Airflow cannot import the file, and had the time to say so."""
    world.twin.serving[path] = ServedState(path, import_errors=(TRACE,))
    clock.advance(seconds=31)


def second(world: World) -> Release:
    """A second version of ``etl.py`` in the target, whose first one was served."""
    world.released(world.dag("etl"))
    world.dag("etl", lines="x = 2")
    return world.released("etl.py")


def test_prod_gets_its_old_code_back_without_a_human(world: World, clock: FrozenClock) -> None:
    bad = second(world)
    breaks(world, clock)

    result = verify(world, bad.id)

    assert "x = 2" not in world.target()["etl.py"]
    assert world.twin.announced[-1] == ("prod", world.head, ("etl.py",))
    assert result.outcome == FAILED_AS.format(bad.number) + (
        f" Rolled back by {rollback_of(world, bad).number}; its versions are in the list."
    )


def test_the_release_is_failed_and_its_version_is_in_the_list(world: World, clock: FrozenClock) -> None:
    bad = second(world)
    breaks(world, clock)

    verify(world, bad.id)

    assert (bad.state, bad.items[0].submission.state) == (ReleaseState.FAILED, SubmissionState.PENDING)
    mended = world.request(bad.items[0].submission)
    assert mended.state is ReleaseState.CHECKING


def test_a_version_that_newer_work_has_overtaken_does_not_come_back(world: World, clock: FrozenClock) -> None:
    bad = second(world)
    world.dag("etl", lines="x = 3")
    newer = world.submit("etl.py")
    breaks(world, clock)

    verify(world, bad.id)

    assert (bad.items[0].submission.state, newer.state) == (
        SubmissionState.SUPERSEDED,
        SubmissionState.PENDING,
    )


def test_the_rollback_is_a_commit_of_its_own_that_says_why(world: World, clock: FrozenClock) -> None:
    bad = second(world)
    breaks(world, clock)

    verify(world, bad.id)

    rollback = rollback_of(world, bad)
    commit = world.store.commit_facts(str(world.head))
    assert (rollback.state, rollback.rolls_back_id, rollback.requested_by.name) == (
        ReleaseState.RELEASED,
        bad.id,
        "system",
    )
    assert commit.parents == (bad.target_commit,)
    assert ("Exempt", FAILED_AS.format(bad.number)) in commit.trailers
    assert world.store.ref(tag_ref(rollback.number)) == world.head


def test_the_trail_tells_of_it(world: World, clock: FrozenClock) -> None:
    bad = second(world)
    breaks(world, clock)

    verify(world, bad.id)

    trail = events.events_of(world.ctx.session, f"release:{rollback_of(world, bad).id}", limit=100).items
    made = next(event for event in trail if event.tag is EventTag.RELEASE_CREATED)
    assert (made.actor_name, made.data["exempt_reason"]) == ("system", FAILED_AS.format(bad.number))
    assert audit.first_broken_link(world.ctx) is None


def test_a_first_version_that_fails_is_out_of_the_target(world: World, clock: FrozenClock) -> None:
    world.released(world.dag("other"))
    bad = world.released(world.dag("etl"))
    breaks(world, clock)

    verify(world, bad.id)

    assert sorted(world.target()) == ["other.py"]
    assert bad.items[0].submission.state is SubmissionState.PENDING


def test_a_shared_file_goes_back_for_those_that_it_broke(world: World, clock: FrozenClock) -> None:
    world.write("helpers.py", "x = 1\n")
    world.released(world.dag("one", lines="import helpers"), world.dag("two", lines="import helpers"))
    before = world.target()
    world.write("helpers.py", "x = 2\n")
    bad = world.released("one.py")
    world.twin.serve(world.store, "prod", str(world.head))
    breaks(world, clock, "two.py")

    result = verify(world, bad.id)

    assert result.problems == ["two.py, not in this release: does not import: KeyError: 'PROD_HOST'"]
    assert world.target() == before


def test_a_dag_that_nobody_announced_is_a_failure(world: World) -> None:
    bad = second(world)
    facts = [DagFacts(i, "etl.py", "prod", bundle_version=world.head) for i in ("etl", "surprise")]
    world.twin.serving["etl.py"] = ServedState("etl.py", tuple(facts))

    assert verify(world, bad.id).problems == ["etl.py: serves Dags that nobody announced: surprise"]


def test_an_error_beside_the_new_dags_is_a_failure_at_once(world: World) -> None:
    bad = second(world)
    world.twin.serve(world.store, "prod", str(world.head))
    served = world.twin.serving["etl.py"]
    world.twin.serving["etl.py"] = replace(served, import_errors=(TRACE,))

    assert verify(world, bad.id).status == "failed"


def test_a_dag_processor_that_went_straight_to_a_later_commit_is_right(world: World) -> None:
    release = second(world)
    world.released(world.dag("other"))
    world.twin.serve(world.store, "prod", str(world.head))

    assert verify(world, release.id).status == "passed"


def test_what_a_later_release_replaced_is_not_looked_at(world: World, clock: FrozenClock) -> None:
    release = second(world)
    world.dag("etl", lines="x = 3")
    world.released("etl.py")
    breaks(world, clock)

    assert verify(world, release.id).status == "passed"
    assert release.state is ReleaseState.RELEASED


def built_upon(world: World, clock: FrozenClock) -> Release:
    """A release that is bad, and on which a later one builds."""
    world.write("helpers.py", "x = 1\n")
    world.released(world.dag("one", lines="import helpers"))
    world.write("helpers.py", "x = 2\n")
    bad = world.released("one.py")
    world.released(world.dag("two", lines="import helpers"))
    world.twin.serve(world.store, "prod", str(world.head))
    breaks(world, clock, "one.py")
    return bad


def test_what_a_later_release_builds_on_is_left_and_people_are_told(world: World, clock: FrozenClock) -> None:
    bad = built_upon(world, clock)
    head = world.head

    verify(world, bad.id)

    assert (world.head, bad.state) == (head, ReleaseState.FAILED)
    assert "STILL IN 'prod', not rolled back" in bad.state_reason
    assert "'helpers.py', which two.py was released with since" in bad.state_reason
    assert bad.items[0].submission.state is SubmissionState.RELEASED


def test_what_failed_and_is_still_there_can_be_rolled_back_by_people(
    world: World, clock: FrozenClock
) -> None:
    bad = built_upon(world, clock)
    verify(world, bad.id)

    plan = planning.plan(world.ctx, actor=DEV, scope=UndoRelease(bad.id))

    assert [row.unit.name for row in plan.rows] == ["one"]


def test_it_can_be_switched_off(world: World, clock: FrozenClock) -> None:
    manual = World(replace(world.ctx, settings=replace(world.ctx.settings, auto_rollback=False)), world.twin)
    bad = second(manual)
    breaks(manual, clock)
    head = manual.head

    verify(manual, bad.id)

    assert (manual.head, bad.state) == (head, ReleaseState.FAILED)
    assert "[release] auto_rollback is off" in bad.state_reason


def test_a_branch_that_was_moved_by_hand_is_left_alone(world: World, clock: FrozenClock) -> None:
    bad = second(world)
    moved = world.move_by_hand()
    breaks(world, clock)

    verify(world, bad.id)

    assert (world.head, bad.state) == (moved, ReleaseState.FAILED)
    assert "somebody moved it by hand" in bad.state_reason


def test_a_rollback_that_is_not_served_either_is_failed_and_left(world: World, clock: FrozenClock) -> None:
    bad = second(world)
    breaks(world, clock)
    verify(world, bad.id)
    head = world.head
    breaks(world, clock)

    assert verify(world, rollback_of(world, bad).id).status == "failed"
    assert world.head == head
    assert "STILL IN" in rollback_of(world, bad).state_reason


def test_the_same_release_is_not_tried_again_but_its_versions_are(world: World, clock: FrozenClock) -> None:
    bad = second(world)
    breaks(world, clock)
    verify(world, bad.id)

    with pytest.raises(ConflictError, match="it was in the target"):
        creation.retry(world.ctx, actor=DEV, release_id=bad.id)


def test_asking_again_answers_the_same(world: World, clock: FrozenClock) -> None:
    bad = second(world)
    breaks(world, clock)
    first, head = verify(world, bad.id), world.head

    assert (verify(world, bad.id), world.head) == (first, head)


# crashes


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_a_rollback_whose_connection_dies_at_any_statement_is_made_by_a_later_verification(
    session_factory: sessionmaker[Session], own_engine: Engine, tmp_path: Path, clock: FrozenClock
) -> None:
    with session_factory() as session:
        world = make_world(session, tmp_path / "source", clock)
        second(world)
        breaks(world, clock)
        session.commit()

    for statement in at_every_statement(
        own_engine, session_factory, lambda session: verify(world.with_session(session), 2)
    ):
        with session_factory() as fresh:
            seen = world.with_session(fresh)
            assert len(seen.store.history(seen.head)) == 2, statement
            assert "x = 2" in seen.target()["etl.py"]

    with session_factory() as fresh:
        is_rolled_back(world.with_session(fresh))


def is_rolled_back(world: World) -> None:
    bad = releases.get(world.ctx, actor=DEV, release_id=2)
    assert (bad.state, bad.items[0].submission.state) == (ReleaseState.FAILED, SubmissionState.PENDING)
    assert "x = 2" not in world.target()["etl.py"]
    assert len(world.store.history(world.head)) == 3
    assert world.twin.announced[-1] == ("prod", world.head, ("etl.py",))
    assert audit.first_broken_link(world.ctx) is None
