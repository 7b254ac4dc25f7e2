"""Holding a whole environment: what waits, what goes out all the same, who may, and how it ends."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.ports import ServedState
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.release.rollback_scope import UndoRelease
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import (
    ConflictError,
    FrozenError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
)
from airflow_release_plugin.models import Hold, Release
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.promotion import environments
from airflow_release_plugin.services.read_models import release_page, watch
from airflow_release_plugin.services.releases import creation, holds, releases
from airflow_release_plugin.services.releases.chosen_versions import claim
from airflow_release_plugin.services.rollbacks import planning, rollbacks
from airflow_release_plugin.services.verification import verification
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, PIPELINE, REVIEWER, World
from tests.harness.flow_forms import form

REASON = "The warehouse moves.\nAsk Ann."


def stop(world: World, actor: Actor = ADMIN, **options: Any) -> Hold:
    values = {"environment": "prod", "reason": REASON, **options}
    return holds.set_hold(world.ctx, actor=actor, **values)


def lift(world: World, actor: Actor = ADMIN) -> None:
    holds.lift(world.ctx, actor=actor, environment="prod")


def watched(world: World, release: Release) -> str | None:
    key = f"release:{release.id}"
    return watch.changed_states(world.ctx, actor=PIPELINE, known={key: ""}).get(key)


def exempt(world: World) -> Release:
    """A release that nobody has to approve, checked."""
    chosen = claim(world.ctx, [world.submit(world.dag("etl")).id], most=1)
    terms = creation.ReleaseTerms(exempt_reason="basic mode")
    made = creation.open_release(world.ctx, chosen, ReleaseRequest("Straight on"), terms, actor=DEV)
    return world.report(made)


def is_stopped(world: World, release: Release) -> bool:
    """What the promotion does, and that all who ask beforehand were told the same."""
    held = release_page.get_release(world.ctx, actor=ADMIN, release_id=release.id).execution_block
    told = watched(world, release)
    if held is None:
        assert told == "approved"
        assert world.promote(release).state is ReleaseState.RELEASED
        return False
    assert told == "approved_held"
    assert held.reason == "held since 2026-03-02 09:00 UTC by admin: The warehouse moves. Ask Ann"
    with pytest.raises(FrozenError) as refused:
        world.promote(release)
    assert held.reason in refused.value.message
    return True


@pytest.mark.req("R19")
def test_a_promotion_waits_while_the_target_is_held_and_goes_on_when_it_is_lifted(world: World) -> None:
    stop(world)
    release = world.approved(world.dag("etl"))

    assert is_stopped(world, release)
    assert (world.head, release.state) == (None, ReleaseState.APPROVED)
    lift(world)
    assert not is_stopped(world, release)
    assert release.state is ReleaseState.RELEASED


@pytest.mark.req("R19")
def test_a_release_that_nobody_has_to_approve_waits_too(world: World) -> None:
    stop(world)

    assert is_stopped(world, exempt(world))


@pytest.mark.req("R19")
def test_breaking_the_glass_does_not_lift_a_hold(world: World) -> None:
    raw = form("Frozen", break_glass_roles=["admin"])
    flow_admin.create(world.ctx, actor=ADMIN, raw=raw)
    stop(world)
    release = world.break_glass(world.waiting(world.dag("etl")), ADMIN)

    assert release.state is ReleaseState.APPROVED
    assert is_stopped(world, release)


@pytest.mark.req("R19")
def test_named_releases_go_out_all_the_same(world: World) -> None:
    waits, urgent = world.approved(world.dag("etl")), world.approved(world.dag("fix"))
    stop(world, excepted=[urgent.id])

    assert not is_stopped(world, urgent)
    assert is_stopped(world, waits)


@pytest.mark.req("R17", "R19")
def test_going_back_is_never_held(world: World) -> None:
    bad = world.released(world.dag("etl"))
    stop(world)
    plan = planning.plan(world.ctx, actor=DEV, scope=UndoRelease(bad.id))
    asked = ReleaseRequest("Back", reviewers=["reviewer"])
    rollback = rollbacks.request(
        world.ctx, actor=DEV, scope=UndoRelease(bad.id), digest=plan.digest, release_request=asked
    )
    world.decide(world.report(rollback))

    assert not is_stopped(world, rollback)
    assert (rollback.state, world.target()) == (ReleaseState.RELEASED, {})


@pytest.mark.req("R18", "R19")
def test_an_automatic_rollback_is_never_held(world: World, clock: FrozenClock) -> None:
    world.released(world.dag("etl"))
    world.dag("etl", lines="x = 2")
    bad = world.released("etl.py")
    stop(world)
    world.twin.serving["etl.py"] = ServedState("etl.py", import_errors=("Traceback\nKeyError: 1\n",))
    clock.advance(seconds=31)

    verification.verify(world.ctx, actor=world.task(bad, TaskRole.VERIFY), release_id=bad.id)

    assert "x = 2" not in world.target()["etl.py"]
    (made,) = [r for r in releases.list_releases(world.ctx, actor=DEV).items if r.rolls_back_id == bad.id]
    assert (made.kind, made.state) == (ReleaseKind.ROLLBACK, ReleaseState.RELEASED)


@pytest.mark.req("R19")
def test_an_end_lifts_it_by_itself(world: World, clock: FrozenClock) -> None:
    stop(world, ends_at=clock() + timedelta(hours=2))
    release = world.approved(world.dag("etl"))

    with pytest.raises(FrozenError) as refused:
        world.promote(release)
    assert refused.value.context["until"] == (clock() + timedelta(hours=2)).isoformat()
    clock.advance(hours=2)
    assert environments.get(world.ctx, actor=DEV, name="prod").hold is None
    assert not is_stopped(world, release)
    with pytest.raises(ConflictError, match="not held"):
        lift(world)


@pytest.mark.req("R19")
@pytest.mark.parametrize("is_approved_before", [True, False])
@pytest.mark.parametrize("has_end", [True, False])
def test_the_time_to_execute_does_not_run_out_while_all_is_held(
    world: World, clock: FrozenClock, is_approved_before: bool, has_end: bool
) -> None:
    waits = world.waiting(world.dag("etl"))
    if is_approved_before:
        world.decide(waits)
    stop(world, ends_at=clock() + timedelta(days=8) if has_end else None)
    if not is_approved_before:
        world.decide(waits)
    clock.advance(hours=7 * 24)
    assert waits.effective_state(clock()) is ReleaseState.APPROVED

    lift(world)
    assert waits.expires_at == clock() + timedelta(hours=24)
    clock.advance(hours=23)
    assert not is_stopped(world, waits)


def test_what_had_expired_before_is_not_revived(world: World, clock: FrozenClock) -> None:
    late = world.approved(world.dag("etl"))
    clock.advance(hours=25)
    stop(world)
    lift(world)

    assert late.effective_state(clock()) is ReleaseState.EXPIRED


def test_people_go_on_approving(world: World) -> None:
    stop(world)

    assert world.decide(world.waiting(world.dag("etl"))).state is ReleaseState.APPROVED


def test_said_again_it_has_the_new_reason_end_and_exceptions(world: World, clock: FrozenClock) -> None:
    release = world.approved(world.dag("etl"))
    since = stop(world).held_at
    assert release.expires_at is None
    clock.advance(hours=1)
    hold = stop(world, reason="Longer", excepted=[release.id])

    assert (hold.held_at, hold.reason, hold.excepted) == (since, "Longer", [release.id])
    assert release.expires_at == clock() + timedelta(hours=24)
    assert [event.data["reason"] for event in world.trail(EventTag.ENVIRONMENT_HELD)] == ["Longer", REASON]


@pytest.mark.parametrize("actor", [DEV, REVIEWER, PIPELINE])
def test_it_is_for_admins(world: World, actor: Actor) -> None:
    with pytest.raises(NotAllowedError):
        stop(world, actor)
    stop(world)
    with pytest.raises(NotAllowedError):
        lift(world, actor)
    assert holds.in_force(world.ctx, "prod") is not None


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"reason": "  "}, InvalidRequestError, "Say why"),
        ({"ends_at": "past"}, InvalidRequestError, "is past"),
        ({"ends_at": datetime.max.replace(tzinfo=timezone.utc)}, InvalidRequestError, "too far away"),
        ({"excepted": [77]}, NotFoundError, "no release R-000077"),
        ({"excepted": range(1, 200)}, InvalidRequestError, "at most 100"),
        ({"environment": "staging"}, NotFoundError, "no environment 'staging'"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_held(
    world: World, clock: FrozenClock, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    if options.get("ends_at") == "past":
        options = {"ends_at": clock()}
    with pytest.raises(error, match=message):
        stop(world, **options)
    assert holds.in_force(world.ctx, "prod") is None


def test_the_trail_says_who_held_and_who_lifted(world: World) -> None:
    stop(world)
    lift(world)

    (held,) = world.trail(EventTag.ENVIRONMENT_HELD)
    (lifted,) = world.trail(EventTag.ENVIRONMENT_HOLD_LIFTED)
    assert (held.actor_name, held.data["reason"], held.data["until"]) == ("admin", REASON, None)
    assert (lifted.actor_name, lifted.data["since"]) == ("admin", held.data["since"])
