"""
A promotion that dies at any point: the next request finishes it, or finds all as it was.

See invariant 6 (docs/concepts/invariants.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.exceptions import TargetMovedError
from airflow_release_plugin.services.promotion import environments, promotions
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.store.base import ReleaseStore, tag_ref
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, PIPELINE, World, make_world
from tests.harness.crashes import die, promotion_crashes

CRASHES = promotion_crashes()
MUST_BE_FINISHED = set(list(CRASHES)[3:])
INTENT = "after the intent is committed"


@pytest.fixture(params=["sqlite", "postgresql"])
def db_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=CRASHES)
def crash(request: pytest.FixtureRequest) -> str:
    """At which point the process goes."""
    return str(request.param)


@pytest.fixture
def crashed(
    crash: str,
    session_factory: sessionmaker[Session],
    store: ReleaseStore,
    tmp_path: Path,
    clock: FrozenClock,
) -> Iterator[World]:
    """The world after a crash in the promotion of the second release, seen by a fresh request."""
    with session_factory() as session:
        world = make_world(session, store, tmp_path / "source", clock)
        world.released(world.dag("old"))
        world.write("helpers.py", "x = 1\n")
        release = world.approved(world.dag("etl", lines="import helpers"))
        die(world, CRASHES[crash], lambda crashing: crashing.promote(release))
    with session_factory() as fresh:
        yield world.with_session(fresh)


def state_of(world: World) -> ReleaseState:
    return releases.get(world.ctx, actor=DEV, release_id=2).state


def test_the_next_promotion_finishes_it(crashed: World) -> None:
    release = promotions.promote(crashed.ctx, actor=PIPELINE, release_id=2)

    assert release.state is ReleaseState.RELEASED
    assert release.items[0].submission.state is SubmissionState.RELEASED
    assert sorted(crashed.target()) == ["etl.py", "helpers.py", "old.py"]
    assert crashed.head == release.target_commit == crashed.store.ref(tag_ref(release.number))
    assert len(crashed.store.history(crashed.head)) == 2
    assert crashed.twin.announced[-1] == ("prod", crashed.head, ("etl.py",))
    assert not environments.get(crashed.ctx, actor=DEV, name="prod").moved
    assert audit.first_broken_link(crashed.ctx) is None


def test_reconcile_leaves_all_done_or_all_as_it_was(crashed: World, crash: str) -> None:
    promotions.reconcile(crashed.ctx, "prod")

    is_finished = crash in MUST_BE_FINISHED
    assert state_of(crashed) is (ReleaseState.RELEASED if is_finished else ReleaseState.APPROVED)
    assert ("etl.py" in crashed.target()) is is_finished
    assert not environments.get(crashed.ctx, actor=DEV, name="prod").moved


@pytest.mark.parametrize("crash", [INTENT])
def test_another_promotion_finishes_the_interrupted_one_first(crashed: World) -> None:
    other = crashed.approved(crashed.dag("other"))
    crashed.ctx.session.commit()

    crashed.promote(other)

    assert (state_of(crashed), other.state) == (ReleaseState.RELEASED, ReleaseState.CHECKING)


@pytest.mark.parametrize("crash", [INTENT])
def test_a_branch_that_was_moved_by_hand_after_the_crash_is_left_alone(crashed: World) -> None:
    moved = crashed.move_by_hand()

    with pytest.raises(TargetMovedError):
        promotions.reconcile(crashed.ctx, "prod")

    assert (state_of(crashed), crashed.head) == (ReleaseState.ERRORED, moved)


@pytest.mark.parametrize("crash", ["after the branch has moved"])
def test_restoring_after_a_crash_finishes_the_promotion_instead_of_undoing_it(crashed: World) -> None:
    view = environments.restore(crashed.ctx, actor=ADMIN, name="prod")

    assert state_of(crashed) is ReleaseState.RELEASED
    assert view.commit == crashed.head
    assert "etl.py" in crashed.target()


@pytest.mark.parametrize("crash", [INTENT])
def test_a_branch_that_was_moved_by_hand_after_the_crash_can_be_put_back(crashed: World) -> None:
    crashed.move_by_hand()

    environments.restore(crashed.ctx, actor=ADMIN, name="prod")

    assert state_of(crashed) is ReleaseState.ERRORED
    assert sorted(crashed.target()) == ["old.py"]
