"""Approving and rejecting, and the inbox."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.states import ApprovalState, ReleaseState, SubmissionState
from airflow_release_plugin.exceptions import (
    ConflictError,
    ExpiredError,
    NotAllowedError,
    NotFoundError,
    SelfApprovalError,
    StaleDigestError,
)
from airflow_release_plugin.models import Approval, Release
from airflow_release_plugin.repositories.approvals import latest_approval
from airflow_release_plugin.services.read_models import compare, release_changes, release_page
from airflow_release_plugin.services.releases import creation, decisions, releases
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, FAILED, PIPELINE, REVIEWER, VIEWER, World


def by_name(actor: Actor) -> str:
    return actor.name


def approval_of(world: World, release: Release) -> Approval:
    found = latest_approval(world.ctx.session, "release", release.id)
    assert found is not None
    return found


@pytest.mark.req("R36")
@pytest.mark.parametrize("actor", [REVIEWER, ADMIN], ids=by_name)
def test_one_eligible_person_approves(world: World, actor: Actor, clock: FrozenClock) -> None:
    release = world.waiting(world.dag("etl"))
    clock.advance(hours=1)

    world.decide(release, actor)

    assert release.state is ReleaseState.APPROVED
    assert release.released_by is not None
    assert release.released_by.name == actor.name
    assert approval_of(world, release).state is ApprovalState.APPROVED
    assert release.expires_at == clock.advance(hours=24)


def test_a_decision_keeps_what_was_seen_and_the_roles_held(world: World, clock: FrozenClock) -> None:
    release = world.decide(world.waiting(world.dag("etl")))

    (decision,) = approval_of(world, release).decisions

    assert (decision.actor, decision.roles, decision.verdict) == (
        replace(world.twin.users[REVIEWER.id], roles=frozenset()),
        ["op"],
        Verdict.APPROVE,
    )
    assert (decision.change_digest, decision.decided_at) == (release.change_digest, clock.now)


@pytest.mark.req("R16", "R36")
def test_one_rejection_ends_the_release_and_gives_the_versions_back(world: World) -> None:
    release = world.waiting(world.dag("etl"))

    decisions.decide_release(
        world.ctx,
        actor=REVIEWER,
        release_id=release.id,
        verdict=Verdict.REJECT,
        change_digest=release.change_digest,
        comment="wrong table",
    )

    assert (release.state, release.state_reason) == (
        ReleaseState.REJECTED,
        "Rejected by reviewer: wrong table",
    )
    assert release.items[0].submission.state is SubmissionState.PENDING


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_decision_on_another_digest_is_stale(world: World, verdict: Verdict) -> None:
    release = world.waiting(world.dag("etl"))

    with pytest.raises(StaleDigestError, match="Reload the page") as refused:
        world.decide(release, verdict=verdict, digest="0" * 64)

    assert refused.value.context.items() >= {"current": release.change_digest}.items()
    assert release.state is ReleaseState.AWAITING_APPROVAL


@pytest.mark.req("R36")
@pytest.mark.parametrize("verdict", list(Verdict))
def test_nobody_decides_on_a_release_that_they_requested(world: World, verdict: Verdict) -> None:
    release = world.report(world.request(world.submit(world.dag("etl")), actor=ADMIN))

    with pytest.raises(SelfApprovalError):
        world.decide(release, ADMIN, verdict)


@pytest.mark.req("R36")
def test_nobody_decides_on_a_release_that_holds_what_they_submitted(world: World) -> None:
    theirs = world.submit(world.dag("etl"), ADMIN)
    release = world.report(world.request(theirs, world.submit(world.dag("other"))))

    with pytest.raises(SelfApprovalError):
        world.decide(release, ADMIN)


def test_another_name_of_the_same_person_does_not_help(world: World) -> None:
    release = world.waiting(world.dag("etl"))

    with pytest.raises(SelfApprovalError):
        world.decide(release, Actor(DEV.id, "somebody", frozenset({"admin"})))


@pytest.mark.req("R36")
@pytest.mark.parametrize("actor", [DEV2, VIEWER], ids=by_name)
def test_who_holds_no_approving_role_does_not_decide(world: World, actor: Actor) -> None:
    with pytest.raises(NotAllowedError, match="not among those who may decide"):
        world.decide(world.waiting(world.dag("etl")), actor)


@pytest.mark.parametrize("roles", [frozenset({"viewer"}), frozenset({"admin"})])
def test_a_service_user_never_approves_whatever_its_roles(world: World, roles: frozenset[str]) -> None:
    with pytest.raises(NotAllowedError, match="service users never approve"):
        world.decide(world.waiting(world.dag("etl")), replace(PIPELINE, roles=roles))


def test_who_was_eligible_and_lost_the_role_does_not_decide(world: World) -> None:
    release = world.waiting(world.dag("etl"))

    with pytest.raises(NotAllowedError):
        world.decide(release, replace(REVIEWER, roles=frozenset({"user"})))


def test_who_may_not_read_the_code_does_not_decide_on_it(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    for dag_id in ("etl", "dev.etl"):
        world.twin.refused.add((REVIEWER.id, DagAccess.READ_CODE, dag_id))

    with pytest.raises(NotAllowedError, match="may not read the code of etl"):
        world.decide(release)


def test_who_may_not_see_the_release_is_told_that_there_is_none(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    for dag_id in ("etl", "dev.etl"):
        world.twin.refused.add((DEV2.id, DagAccess.READ, dag_id))

    with pytest.raises(NotFoundError):
        world.decide(release, DEV2)


def test_approving_twice_changes_nothing(world: World) -> None:
    release = world.approved(world.dag("etl"))
    events = len(release_page.get_events(world.ctx, actor=ADMIN, release_id=release.id).items)

    assert world.decide(release).state is ReleaseState.APPROVED
    assert len(approval_of(world, release).decisions) == 1
    assert len(release_page.get_events(world.ctx, actor=ADMIN, release_id=release.id).items) == events


def test_a_verdict_is_not_changed_afterwards(world: World) -> None:
    release = world.approved(world.dag("etl"))

    with pytest.raises(ConflictError):
        world.decide(release, verdict=Verdict.REJECT)


def test_a_second_person_finds_the_approval_closed(world: World) -> None:
    with pytest.raises(ConflictError, match="closed: approved"):
        world.decide(world.approved(world.dag("etl")), ADMIN)


def test_before_the_check_there_is_nothing_to_decide(world: World) -> None:
    with pytest.raises(ConflictError, match="does not await approval yet"):
        world.decide(world.request(world.submit(world.dag("etl"))))


def test_a_revoked_release_is_not_approved(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    releases.revoke(world.ctx, actor=DEV, release_id=release.id)

    with pytest.raises(ConflictError, match="closed: withdrawn"):
        world.decide(release)


@pytest.mark.req("R33")
def test_after_the_window_nobody_approves(world: World, clock: FrozenClock) -> None:
    release = world.waiting(world.dag("etl"))
    clock.advance(hours=24)

    with pytest.raises(ExpiredError):
        world.decide(release)
    assert release.effective_state(clock.now) is ReleaseState.EXPIRED


@pytest.mark.req("R33")
def test_an_expired_release_gives_its_versions_back(world: World, clock: FrozenClock) -> None:
    release = world.waiting(world.dag("etl"))
    clock.advance(hours=24)

    releases.get_locked(world.ctx, actor=DEV, release_id=release.id)

    assert (release.state, release.items[0].submission.state) == (
        ReleaseState.EXPIRED,
        SubmissionState.PENDING,
    )
    assert approval_of(world, release).state is ApprovalState.EXPIRED


def test_a_retried_release_needs_approval_again(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    first = approval_of(world, release)
    release.move_to(ReleaseState.STALE)
    release.items[0].submission.move_to(SubmissionState.PENDING)
    creation.retry(world.ctx, actor=DEV, release_id=release.id)

    assert first.state is ApprovalState.WITHDRAWN
    assert world.report(release).state is ReleaseState.AWAITING_APPROVAL
    assert approval_of(world, release) is not first


# the page and the inbox


def test_the_page_offers_what_the_person_may_do(world: World) -> None:
    release = world.waiting(world.dag("etl"))

    def actions(actor: Actor) -> list[str]:
        return release_page.get_release(world.ctx, actor=actor, release_id=release.id).actions

    assert actions(DEV) == ["revoke"]
    assert actions(DEV2) == []
    assert actions(REVIEWER) == actions(ADMIN) == ["approve", "reject", "revoke"]
    assert actions(PIPELINE) == []
    world.decide(release)
    assert actions(REVIEWER) == ["revoke"]


def test_the_page_says_why_one_may_not_decide(world: World) -> None:
    release = world.waiting(world.dag("etl"))

    view = release_page.get_release(world.ctx, actor=DEV, release_id=release.id)

    assert view.approval is not None
    assert not view.approval.may_decide
    assert "somebody else must decide" in str(view.approval.why_not)


@pytest.mark.req("R38")
def test_the_inbox_holds_what_waits_for_the_person(world: World, clock: FrozenClock) -> None:
    first = world.waiting(world.dag("one"))
    clock.advance(hours=1)
    second = world.waiting(world.dag("two"))

    def inbox(actor: Actor) -> list[int]:
        return [item.subject_id for item in decisions.inbox(world.ctx, actor=actor)]

    assert inbox(REVIEWER) == inbox(ADMIN) == [first.id, second.id]
    assert inbox(DEV) == inbox(DEV2) == inbox(PIPELINE) == []
    world.decide(first)
    assert inbox(REVIEWER) == [second.id]
    clock.advance(hours=24)
    assert inbox(REVIEWER) == []


def test_the_inbox_leaves_out_what_the_person_may_not_read(world: World) -> None:
    world.waiting(world.dag("etl"))
    for dag_id in ("etl", "dev.etl"):
        world.twin.refused.add((REVIEWER.id, DagAccess.READ, dag_id))

    assert decisions.inbox(world.ctx, actor=REVIEWER) == []


@pytest.mark.req("R4")
def test_the_diff_shows_what_would_change_in_the_target(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    world.released(world.dag("etl", lines="import helpers"))
    world.dag("etl", lines="y = 2")
    release = world.waiting("etl.py")

    changes = {
        f.path: f.change.value
        for f in release_changes.get_changes(world.ctx, actor=DEV, release_id=release.id)
    }
    of_version = compare.get_version_comparison(
        world.ctx, actor=DEV, submission_id=release.items[0].submission_id
    ).files

    assert changes == {"etl.py": "modified", "helpers.py": "deleted"}
    assert {file.path: file.change.value for file in of_version} == changes


def test_the_diff_is_for_people_who_may_read_the_code(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    for dag_id in ("etl", "dev.etl"):
        world.twin.refused.add((REVIEWER.id, DagAccess.READ_CODE, dag_id))

    with pytest.raises(NotAllowedError):
        release_changes.get_changes(world.ctx, actor=REVIEWER, release_id=release.id)


def test_the_page_says_when_the_pipeline_does_not_move(world: World) -> None:
    release = world.request(world.submit(world.dag("etl")))

    def problem() -> str:
        pipeline = release_page.get_release(world.ctx, actor=DEV, release_id=release.id).pipeline
        assert pipeline is not None
        return str(pipeline.problem)

    assert problem() == "None"
    world.twin.ages = {"scheduler": 3.0, "triggerer": None, "dag_processor": 600.0}
    assert problem().startswith("Not running: dag_processor, triggerer.")
    world.twin.started.clear()
    assert problem().startswith("The pipeline run is missing")


def test_a_failed_check_leaves_nothing_in_the_inbox(world: World) -> None:
    world.report(world.request(world.submit(world.dag("etl"))), FAILED)

    assert decisions.inbox(world.ctx, actor=REVIEWER) == []
