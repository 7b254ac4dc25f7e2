"""A flow may let approvals count only when every thread is resolved (ADR 30)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.states import ApprovalState, ReleaseState
from airflow_release_plugin.exceptions import ConflictError, ExpiredError, InvalidRequestError
from airflow_release_plugin.models import Event, Release
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.discussion import comments
from airflow_release_plugin.services.read_models import release_page
from airflow_release_plugin.services.releases import decisions
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, REVIEWER, World
from tests.harness.discussion import point_at, reopen, resolve, say
from tests.harness.flow_forms import form, level, step

pytestmark = pytest.mark.req("R91")


@pytest.fixture
def release(world: World) -> Release:
    """One that awaits the reviewer's approval under a flow that wants threads resolved."""
    flow_admin.create(
        world.ctx, actor=ADMIN, raw=form("Talked through", resolved_only=True, break_glass_roles=["admin"])
    )
    return world.waiting(world.dag("etl"))


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_an_approval_waits_for_the_last_thread_and_then_counts_at_once(
    world: World, release: Release
) -> None:
    first, second = point_at(world, release), point_at(world, release, line=2)
    digest = release.change_digest

    world.decide(release)

    shown = release_page.get_release(world.ctx, actor=REVIEWER, release_id=release.id)
    assert shown.approval is not None
    assert (release.state, shown.approval.state) == (ReleaseState.AWAITING_APPROVAL, ApprovalState.OPEN)
    assert (shown.approval.open_threads, len(shown.approval.decisions)) == (2, 1)
    assert not shown.approval.may_decide
    assert decisions.inbox(world.ctx, actor=ADMIN) == []
    resolve(world, release, first, DEV)
    assert release.state is ReleaseState.AWAITING_APPROVAL
    resolve(world, release, second, DEV)
    assert (release.state, release.change_digest) == (ReleaseState.APPROVED, digest)
    assert release.released_by is not None
    assert release.released_by.name == "reviewer"
    assert world.promote(release).state is ReleaseState.RELEASED


def test_without_an_open_thread_it_counts_as_ever(world: World, release: Release) -> None:
    say(world, release)
    resolve(world, release, point_at(world, release))

    assert world.decide(release).state is ReleaseState.APPROVED


def test_other_flows_do_not_mind(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    point_at(world, release)

    assert world.decide(release).state is ReleaseState.APPROVED


def test_a_thread_that_is_opened_after_the_approval_stops_nothing(world: World, release: Release) -> None:
    thread = point_at(world, release)
    resolve(world, release, thread)
    world.decide(release)
    reopen(world, release, thread)
    point_at(world, release)

    assert release.state is ReleaseState.APPROVED
    assert world.promote(release).state is ReleaseState.RELEASED


def test_resolving_approves_nothing(world: World, release: Release) -> None:
    resolve(world, release, point_at(world, release))

    assert release.state is ReleaseState.AWAITING_APPROVAL


def test_deleting_the_last_words_of_the_last_thread_lets_it_go_on(world: World, release: Release) -> None:
    point_at(world, release)
    world.decide(release)

    comments.delete_comment(world.ctx, actor=REVIEWER, release_id=release.id, comment_id=1)

    assert release.state is ReleaseState.APPROVED


def test_whoever_comes_after_the_last_approval_is_told_what_is_missing(
    world: World, release: Release
) -> None:
    point_at(world, release)
    world.decide(release)

    with pytest.raises(ConflictError, match="once all of its threads are resolved"):
        world.decide(release, ADMIN)
    assert world.decide(release).state is ReleaseState.AWAITING_APPROVAL  # a second click


def test_a_no_ends_it_whatever_is_open(world: World, release: Release) -> None:
    point_at(world, release)

    assert world.decide(release, verdict=Verdict.REJECT).state is ReleaseState.REJECTED


def test_steps_follow_each_other_while_threads_are_open(world: World) -> None:
    flow_admin.create(
        world.ctx, actor=ADMIN, raw=form("Two", level(step("op"), step("admin")), resolved_only=True)
    )
    release = world.waiting(world.dag("etl"))
    thread = point_at(world, release)
    world.decide(release)
    resolve(world, release, thread)
    assert release.state is ReleaseState.AWAITING_APPROVAL

    assert world.decide(release, ADMIN).state is ReleaseState.APPROVED


def test_what_is_not_resolved_in_time_expires(world: World, release: Release, clock: FrozenClock) -> None:
    thread = point_at(world, release)
    world.decide(release)
    clock.advance(hours=25)

    resolve(world, release, thread)

    assert release.state is ReleaseState.EXPIRED
    with pytest.raises(ExpiredError):
        world.decide(release, ADMIN)


def test_breaking_the_glass_does_not_wait_and_says_how_many_were_open(world: World, release: Release) -> None:
    point_at(world, release)

    assert world.break_glass(release, ADMIN).state is ReleaseState.APPROVED
    (event,) = world.ctx.session.scalars(select(Event).where(Event.tag == EventTag.RELEASE_GLASS_BROKEN))
    assert event.data["open_threads"] == 1


def test_gates_have_no_threads_to_demand(world: World) -> None:
    with pytest.raises(InvalidRequestError, match="gates have none"):
        flow_admin.create(world.ctx, actor=ADMIN, raw=form("Gates", kind="gate", resolved_only=True))
