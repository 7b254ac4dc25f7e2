"""Which snapshots go, and which never do."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.models import Snapshot, Submission
from airflow_release_plugin.services.submissions import submissions, undoing
from airflow_release_plugin.services.versions.snapshot_commit import keep_tree
from airflow_release_plugin.store.base import snapshot_ref
from tests.harness.clock import FrozenClock
from tests.harness.context import DEV, World, with_settings
from tests.harness.retention import clean

pytestmark = [pytest.mark.req("R93"), pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])]


def snapshots(world: World) -> set[int]:
    return set(world.ctx.session.scalars(select(Snapshot.id)))


def removed(world: World) -> Submission:
    """A version that was taken off the list."""
    version = world.submit(world.dag("etl"))
    submissions.remove(world.ctx, actor=DEV, submission_id=version.id)
    return version


def test_what_nobody_needs_goes_after_its_days(world: World, clock: FrozenClock) -> None:
    version = removed(world)
    clock.advance(days=29)
    assert clean(world, "snapshots") == {}

    clock.advance(days=2)

    assert clean(world, "snapshots", dry_run=True) == {"snapshots": 1}
    assert snapshots(world) == {version.snapshot_id}
    assert clean(world, "snapshots") == {"snapshots": 1}
    assert (snapshots(world), version.snapshot_id, version.snapshot_gone) == (set(), None, True)
    assert clean(world, "snapshots") == {}


def test_what_waits_is_released_or_in_an_open_release_keeps_it(world: World, clock: FrozenClock) -> None:
    world.released(world.dag("live"))
    waiting = world.submit(world.dag("waiting"))
    asked = world.request(world.submit(world.dag("asked")))
    before = snapshots(world)
    clock.advance(days=400)

    assert clean(world, "snapshots") == {}
    assert snapshots(world) == before
    assert waiting.snapshot_id in before
    assert asked.items[0].submission.snapshot_id in before


def test_what_a_stopped_release_may_try_again_keeps_it(world: World, clock: FrozenClock) -> None:
    release = world.decide(world.waiting(world.dag("etl")), verdict=Verdict.REJECT)
    clock.advance(days=400)

    assert clean(world, "snapshots") == {}
    (item,) = release.items
    assert item.submission.state is SubmissionState.PENDING


def test_what_comes_back_when_a_newer_one_is_undone_keeps_it(world: World, clock: FrozenClock) -> None:
    older = world.submit(world.dag("etl"))
    newer = world.submit(world.dag("etl", lines="x = 1"))
    clock.advance(days=400)
    assert clean(world, "snapshots") == {}

    undoing.undo_submits(world.ctx, actor=DEV, submission_ids=[newer.id])

    assert older.state is SubmissionState.PENDING
    assert older.snapshot_id in snapshots(world)


def test_a_version_without_its_source_never_comes_back_unchecked(world: World, clock: FrozenClock) -> None:
    version = removed(world)
    clock.advance(days=400)
    clean(world)

    (refused,) = undoing.undo_removals(world.ctx, actor=DEV, submission_ids=[version.id])

    assert "kept no longer" in refused.problem
    assert version.state is SubmissionState.REMOVED


def test_an_undone_submission_leaves_an_older_one_without_its_source_where_it_is(
    world: World, clock: FrozenClock
) -> None:
    older = world.submit(world.dag("etl"))
    newer = world.submit(world.dag("etl", lines="x = 1"))
    submissions.remove(world.ctx, actor=DEV, submission_id=newer.id)
    clock.advance(days=400)
    assert clean(world, "snapshots") == {"snapshots": 2}
    newer.snapshot_gone = False  # as if it had been put back before
    undoing.undo_removals(world.ctx, actor=DEV, submission_ids=[newer.id])

    undoing.undo_submits(world.ctx, actor=DEV, submission_ids=[newer.id])

    assert older.state is SubmissionState.SUPERSEDED


def test_its_ref_goes_a_day_after_it(world: World, clock: FrozenClock) -> None:
    version = removed(world)
    assert version.snapshot is not None
    ref = snapshot_ref(version.snapshot.tree_id)
    clock.advance(days=31)
    clean(world)
    assert world.store.ref(ref) is not None

    clock.advance(hours=25)
    clean(world)

    assert world.store.ref(ref) is None


def test_the_same_files_submitted_again_keep_the_ref(world: World, clock: FrozenClock) -> None:
    version = removed(world)
    assert version.snapshot is not None
    tree = version.snapshot.tree_id
    clock.advance(days=31)
    clean(world)
    clock.advance(hours=23)

    again = world.submit("etl.py")
    world.ctx.session.commit()
    clock.advance(days=3)
    clean(world)

    assert again.snapshot is not None
    assert again.snapshot.tree_id == tree
    assert world.store.ref(snapshot_ref(tree)) is not None


def test_whoever_is_about_to_keep_the_same_files_again_holds_the_ref(
    world: World, clock: FrozenClock
) -> None:
    version = removed(world)
    assert version.snapshot is not None
    tree = version.snapshot.tree_id
    clock.advance(days=31)
    clean(world)
    clock.advance(days=2)

    keep_tree(world.ctx, "dev", tree, [])
    clean(world)

    assert world.store.ref(snapshot_ref(tree)) is not None


def test_nothing_goes_where_it_is_kept_for_ever(world: World, clock: FrozenClock) -> None:
    removed(world)
    clock.advance(days=4000)

    assert clean(with_settings(world, keep_snapshots_days=0), "snapshots") == {}
