"""Moving the target branch: only what was approved, exactly that, and never past a hand-made change."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.domain.tree.files import TreeChange
from airflow_release_plugin.exceptions import (
    ConflictError,
    ExpiredError,
    NotAllowedError,
    StaleDigestError,
    TargetMovedError,
)
from airflow_release_plugin.models import Approval, Release
from airflow_release_plugin.services.promotion import environments
from airflow_release_plugin.services.releases import creation, releases
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.store.base import tag_ref
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, FAILED, PIPELINE, REVIEWER, World


def test_the_commit_says_what_it_is(world: World, clock: FrozenClock) -> None:
    release = world.request(world.submit(world.dag("etl")), title="Orders", description="Adds orders.")
    world.promote(world.decide(world.report(release)))

    facts = world.store.commit_facts(str(world.head))

    assert (facts.title, facts.body, facts.author, facts.time) == ("Orders", "Adds orders.", "dev", clock.now)
    assert facts.trailers == (
        ("Release", "R-000001"),
        ("Kind", "promotion"),
        ("Requested-by", "dev"),
        ("Approved-by", "reviewer"),
        ("Flow", "default revision 1"),
        ("Change-Digest", release.change_digest),
    )
    assert world.store.ref(tag_ref("R-000001")) == world.head


def test_a_promotion_is_written_down(world: World, clock: FrozenClock) -> None:
    release = world.approved(world.dag("etl"))
    clock.advance(hours=1)

    world.promote(release)

    assert (release.released_at, release.target_commit) == (clock.now, world.head)
    assert environments.get(world.ctx, actor=DEV, name="prod").moved is False
    assert world.twin.announced == [("prod", world.head, ("etl.py",))]


def test_what_was_released_before_is_superseded(world: World) -> None:
    first = world.released(world.dag("etl"))
    world.dag("etl", lines="x = 2")

    second = world.released("etl.py")

    states = [release.items[0].submission.state for release in (first, second)]
    assert states == [SubmissionState.SUPERSEDED, SubmissionState.RELEASED]
    assert world.store.commit_facts(str(world.head)).parents == (first.target_commit,)


def test_promoting_again_answers_the_same_and_does_nothing(world: World) -> None:
    release = world.released(world.dag("etl"))
    head, announced = world.head, list(world.twin.announced)

    assert world.promote(release) is release
    assert (world.head, world.twin.announced) == (head, announced)


@pytest.mark.parametrize("actor", [DEV, REVIEWER], ids=lambda actor: actor.name)
def test_only_the_pipeline_and_admins_promote(world: World, actor: Actor) -> None:
    with pytest.raises(NotAllowedError):
        world.promote(world.approved(world.dag("etl")), actor)
    assert world.head is None


def test_an_admin_promotes_what_others_approved(world: World) -> None:
    assert world.promote(world.approved(world.dag("etl")), ADMIN).state is ReleaseState.RELEASED


@pytest.mark.parametrize("state", ["checking", "awaiting_approval", "rejected", "revoked", "failed"])
def test_only_an_approved_release_is_promoted(world: World, state: str) -> None:
    release = world.request(world.submit(world.dag("etl")))
    if state == "failed":
        world.report(release, FAILED)
    elif state == "revoked":
        releases.revoke(world.ctx, actor=DEV, release_id=release.id)
    elif state != "checking":
        world.report(release)
    if state == "rejected":
        world.decide(release, verdict=Verdict.REJECT)
    assert release.state.value == state

    with pytest.raises(ConflictError, match=f"is '{state}'; only an approved release"):
        world.promote(release)
    assert world.head is None


@pytest.mark.req("R33")
def test_after_the_execution_window_nothing_is_promoted(world: World, clock: FrozenClock) -> None:
    release = world.approved(world.dag("etl"))
    clock.advance(hours=24)

    with pytest.raises(ExpiredError, match="not executed in time"):
        world.promote(release)

    world.ctx.session.rollback()
    assert (release.state, world.head) == (ReleaseState.EXPIRED, None)
    assert release.items[0].submission.state is SubmissionState.PENDING


def test_content_that_was_tampered_with_after_the_approval_is_not_promoted(world: World) -> None:
    release = world.approved(world.dag("etl"))
    (evil,) = world.store.write_files({"etl.py": (0o100644, b"import os; os.system('evil')\n")})
    release.changes = [TreeChange("etl.py", evil)]

    with pytest.raises(StaleDigestError, match="no approval of exactly what it would promote"):
        world.promote(release)
    assert world.head is None


def test_an_approval_of_another_digest_does_not_carry_a_release(world: World) -> None:
    release = world.approved(world.dag("etl"))
    approval = world.ctx.session.scalars(select(Approval)).one()
    approval.change_digest = "0" * 64

    with pytest.raises(StaleDigestError):
        world.promote(release)


# a target that moved on


def two_approved(world: World, *, shared: bool) -> tuple[Release, Release]:
    """Two approved releases; with ``shared`` both bring the same new helper."""
    world.write("helpers.py", "x = 1\n")
    lines = "import helpers" if shared else ""
    return world.approved(world.dag("one", lines=lines)), world.approved(world.dag("two", lines=lines))


def test_a_check_that_says_too_little_runs_again_after_another_promotion_and_the_approval_counts(
    world: World,
) -> None:
    first, second = two_approved(world, shared=False)
    world.promote(first)

    assert world.promote(second).state is ReleaseState.CHECKING
    assert (second.base_commit, second.attempt) == (world.head, 1)
    assert world.twin.triggers[-1][0] == f"{second.number}__1__on_{str(world.head)[:8]}"

    assert world.report(second).state is ReleaseState.APPROVED
    assert world.promote(second).state is ReleaseState.RELEASED
    assert sorted(world.target()) == ["one.py", "two.py"]


def test_an_approval_that_is_too_old_does_not_count_after_the_second_check(
    world: World, clock: FrozenClock
) -> None:
    first, second = two_approved(world, shared=False)
    world.promote(first)
    world.promote(second)
    clock.advance(hours=24)

    assert world.report(second).state is ReleaseState.AWAITING_APPROVAL
    assert world.decide(second, ADMIN).state is ReleaseState.APPROVED


def test_a_second_check_that_fails_ends_the_release(world: World) -> None:
    first, second = two_approved(world, shared=False)
    world.promote(first)
    world.promote(second)

    assert world.report(second, FAILED).state is ReleaseState.FAILED


def test_a_release_whose_files_changed_in_the_target_is_stale(world: World) -> None:
    first, second = two_approved(world, shared=True)
    world.promote(first)
    head = world.head

    assert world.promote(second).state is ReleaseState.STALE
    assert "helpers.py" in second.state_reason
    assert second.items[0].submission.state is SubmissionState.PENDING
    assert world.head == head


def test_a_stale_release_is_retried_on_the_new_target_and_needs_approval(world: World) -> None:
    first, second = two_approved(world, shared=True)
    world.promote(first)
    world.promote(second)

    creation.retry(world.ctx, actor=DEV, release_id=second.id)
    world.report(second)
    assert second.state is ReleaseState.AWAITING_APPROVAL
    world.promote(world.decide(second))

    assert sorted(world.target()) == ["helpers.py", "one.py", "two.py"]


def test_a_release_does_not_delete_what_another_came_to_need_meanwhile(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    world.released(world.dag("one", lines="import helpers"))
    world.dag("one")
    drops_helper = world.approved("one.py")
    world.released(world.dag("two", lines="import helpers"))

    assert world.promote(drops_helper).state is ReleaseState.STALE
    assert "helpers.py" in world.target()


# a target that was moved by hand


def test_a_branch_that_was_moved_by_hand_stops_every_promotion(world: World) -> None:
    world.released(world.dag("etl"))
    release = world.approved(world.dag("other"))
    moved = world.move_by_hand()

    with pytest.raises(TargetMovedError, match="somebody moved it by hand"):
        world.promote(release)

    assert (world.head, release.state) == (moved, ReleaseState.APPROVED)
    assert environments.get(world.ctx, actor=DEV, name="prod").moved


def test_a_branch_that_was_made_by_hand_stops_the_first_promotion(world: World) -> None:
    release = world.approved(world.dag("etl"))
    world.move_by_hand()

    with pytest.raises(TargetMovedError, match="left it at nothing"):
        world.promote(release)
    with pytest.raises(ConflictError, match="made by hand before anything was released"):
        environments.restore(world.ctx, actor=ADMIN, name="prod")


def test_an_admin_puts_the_branch_back_and_promotions_go_on(world: World) -> None:
    done = world.released(world.dag("etl"))
    release = world.approved(world.dag("other"))
    world.move_by_hand()

    view = environments.restore(world.ctx, actor=ADMIN, name="prod")

    assert (view.commit, view.moved) == (done.target_commit, False)
    assert world.twin.announced[-1] == ("prod", done.target_commit, ())
    assert world.promote(release).state is ReleaseState.RELEASED
    assert "hot_fix.py" not in world.target()


@pytest.mark.parametrize("actor", [DEV, REVIEWER, PIPELINE], ids=lambda actor: actor.name)
def test_only_admins_put_a_branch_back(world: World, actor: Actor) -> None:
    world.released(world.dag("etl"))
    world.move_by_hand()

    with pytest.raises(NotAllowedError):
        environments.restore(world.ctx, actor=actor, name="prod")


def test_restoring_a_branch_that_nobody_moved_does_nothing(world: World) -> None:
    world.released(world.dag("etl"))
    before = len(world.twin.announced)

    environments.restore(world.ctx, actor=ADMIN, name="prod")

    assert len(world.twin.announced) == before


def test_a_release_that_was_built_on_a_hand_made_branch_is_stale_once_it_is_gone(world: World) -> None:
    world.released(world.dag("other"))
    world.write("helpers.py", "x = 1\n")
    world.move_by_hand("helpers.py")
    release = world.approved(world.dag("etl", lines="import helpers"))
    environments.restore(world.ctx, actor=ADMIN, name="prod")

    assert world.promote(release).state is ReleaseState.STALE


def test_history_is_linear_and_every_step_is_audited(world: World) -> None:
    done = [world.released(world.dag(name)) for name in ("a", "b", "c")]

    history = world.store.history(world.head)

    assert [facts.id for facts in history] == [release.target_commit for release in reversed(done)]
    assert [len(facts.parents) for facts in history] == [1, 1, 0]
    assert audit.first_broken_link(world.ctx) is None
