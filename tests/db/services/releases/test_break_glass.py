"""Breaking the glass: who may, what it lifts, what it leaves behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import (
    ConflictError,
    FrozenError,
    InvalidRequestError,
    NotAllowedError,
    SelfApprovalError,
    StaleDigestError,
)
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories.approvals import latest_approval
from airflow_release_plugin.services.approvals import deputies, flow_admin
from airflow_release_plugin.services.read_models import release_page
from airflow_release_plugin.services.releases import checks, creation
from airflow_release_plugin.services.runtime import audit
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, PIPELINE, REVIEWER, VIEWER, World
from tests.harness.flow_forms import form, join, level, step

REASON = "Prices are wrong in production"
ALWAYS = {"name": "always", "kind": "deny", "cron": "0 * * * *", "minutes": 60}
DUTY = Actor("50", "duty", frozenset({"duty"}))


@pytest.fixture
def frozen(world: World) -> World:
    """A flow that never executes, with a role that may break the glass."""
    join(world, DUTY)
    raw = form("Frozen", level(step("op")), break_glass_roles=["duty"], calendar=[ALWAYS])
    flow_admin.create(world.ctx, actor=ADMIN, raw=raw)
    return world


def smash(world: World, release: Release, actor: Actor = DUTY, **options: str) -> Release:
    return world.break_glass(release, actor, **{"reason": REASON, **options})


@pytest.mark.req("R39")
def test_it_approves_what_is_left_and_lifts_the_freeze(frozen: World) -> None:
    release = smash(frozen, frozen.waiting(frozen.dag("etl")))

    assert release.state is ReleaseState.APPROVED
    assert frozen.promote(release).state is ReleaseState.RELEASED


@pytest.mark.req("R19", "R39")
def test_what_is_approved_already_is_let_through_the_freeze(frozen: World) -> None:
    release = frozen.approved(frozen.dag("etl"))
    with pytest.raises(FrozenError):
        frozen.promote(release)

    assert frozen.promote(smash(frozen, release)).state is ReleaseState.RELEASED


@pytest.mark.req("R39")
def test_it_lifts_the_schedule_too(frozen: World, clock: FrozenClock) -> None:
    asked = frozen.request(
        frozen.submit(frozen.dag("etl")), scheduled_at=clock() + timedelta(hours=5), reviewers=["reviewer"]
    )
    release = smash(frozen, frozen.report(asked))

    assert frozen.promote(release).state is ReleaseState.RELEASED


@pytest.mark.req("R39")
@pytest.mark.parametrize("actor", [ADMIN, REVIEWER, VIEWER, replace(PIPELINE, roles=DUTY.roles)])
def test_it_needs_a_role_of_the_flow(frozen: World, actor: Actor) -> None:
    release = frozen.waiting(frozen.dag("etl"))

    with pytest.raises(NotAllowedError):
        smash(frozen, release, actor)
    assert release.break_glass_reason == ""


@pytest.mark.parametrize("roles", [frozenset[str](), frozenset({""})])
def test_without_roles_in_the_flow_nobody_may(world: World, roles: frozenset[str]) -> None:
    flow_admin.create(world.ctx, actor=ADMIN, raw=form())
    release = world.waiting(world.dag("etl"))

    with pytest.raises(NotAllowedError, match="none is configured"):
        smash(world, release, replace(ADMIN, roles=roles))


@pytest.mark.req("R39")
def test_nobody_does_it_for_their_own(frozen: World) -> None:
    release = frozen.waiting(frozen.dag("etl"))

    with pytest.raises(SelfApprovalError):
        smash(frozen, release, replace(DEV, roles=frozenset({"user", "duty"})))


@pytest.mark.req("R39")
def test_a_deputy_does_not_get_the_role(frozen: World) -> None:
    now = frozen.ctx.clock()
    deputies.name_deputy(
        frozen.ctx,
        actor=DUTY,
        person="duty",
        deputy="viewer",
        starts_at=now,
        ends_at=now + timedelta(days=1),
    )

    with pytest.raises(NotAllowedError):
        smash(frozen, frozen.waiting(frozen.dag("etl")), VIEWER)


@pytest.mark.req("R39")
@pytest.mark.parametrize("reason", ["", "   ", "fix", "         x         "])
def test_it_needs_a_reason(frozen: World, reason: str) -> None:
    release = frozen.waiting(frozen.dag("etl"))

    with pytest.raises(InvalidRequestError, match="Say why"):
        smash(frozen, release, reason=reason)


def test_it_is_bound_to_what_was_seen(frozen: World) -> None:
    with pytest.raises(StaleDigestError):
        smash(frozen, frozen.waiting(frozen.dag("etl")), digest="0" * 64)


def test_there_is_no_glass_where_nothing_holds_the_release_back(world: World) -> None:
    release = world.approved(world.dag("etl"))

    with pytest.raises(ConflictError, match="nothing to override"):
        smash(world, release, ADMIN)


def test_an_expired_release_is_not_revived(frozen: World, clock: FrozenClock) -> None:
    release = frozen.waiting(frozen.dag("etl"))
    clock.advance(hours=25)

    with pytest.raises(ConflictError):
        smash(frozen, release)


def test_a_rejected_release_is_not_revived(frozen: World) -> None:
    release = frozen.decide(frozen.waiting(frozen.dag("etl")), REVIEWER, Verdict.REJECT)

    with pytest.raises(ConflictError):
        smash(frozen, release)


@pytest.mark.req("R39")
def test_it_stands_out_in_the_trail_and_on_the_page(frozen: World) -> None:
    release = smash(frozen, frozen.waiting(frozen.dag("etl")))

    told = release_page.get_events(frozen.ctx, actor=ADMIN, release_id=release.id).items
    emergencies = [event for event in told if event.tag == EventTag.RELEASE_GLASS_BROKEN]
    assert [(e.actor_name, e.data["reason"]) for e in emergencies] == [("duty", REASON)]
    approval = latest_approval(frozen.ctx.session, "release", release.id)
    assert approval is not None
    assert approval.glass_broken
    assert [(d.actor_name, d.comment) for d in approval.decisions] == [("duty", REASON)]
    assert audit.first_broken_link(frozen.ctx) is None


@pytest.mark.req("R39")
def test_another_attempt_needs_another_reason(frozen: World) -> None:
    release = smash(frozen, frozen.waiting(frozen.dag("etl")))
    checks.mark_errored(frozen.ctx, actor=frozen.task(release), release_id=release.id, reason="broke")
    frozen.report(creation.retry(frozen.ctx, actor=DEV, release_id=release.id))

    assert release.state is ReleaseState.AWAITING_APPROVAL
    frozen.decide(release)
    with pytest.raises(FrozenError):
        frozen.promote(release)


def test_the_page_offers_it_to_whom_it_is_for(frozen: World) -> None:
    release = frozen.approved(frozen.dag("etl"))

    def actions(actor: Actor) -> list[str]:
        return release_page.get_release(frozen.ctx, actor=actor, release_id=release.id).actions

    assert "break_glass" in actions(DUTY)
    assert "break_glass" not in actions(ADMIN)
    assert "break_glass" not in actions(replace(DEV, roles=frozenset({"user", "duty"})))
