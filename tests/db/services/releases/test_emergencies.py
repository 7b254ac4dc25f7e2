"""Breaking the glass by two people, and the review that every broken glass asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.states import EmergencyState, ReleaseState
from airflow_release_plugin.exceptions import (
    ConflictError,
    FrozenError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    SelfApprovalError,
)
from airflow_release_plugin.models import Emergency, Event, Notice, Release
from airflow_release_plugin.repositories.approvals import latest_approval
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.read_models import inbox, release_page
from airflow_release_plugin.services.releases import checks, creation, emergencies
from airflow_release_plugin.services.runtime import audit
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, PIPELINE, REVIEWER, VIEWER, World
from tests.harness.flow_forms import LEAD, form, join, leave, level, step

pytestmark = pytest.mark.req("R39")
ALWAYS = {"name": "always", "kind": "deny", "cron": "0 * * * *", "minutes": 60}
DUTY = Actor("50", "duty", frozenset({"duty"}))
DUTY2 = Actor("51", "duty2", frozenset({"duty"}))
FIRST, SECOND = "Prices are wrong in production", "I saw it, they are"
FOUND = "It was one. The check of prices comes first now."


@pytest.fixture
def two(world: World) -> World:
    """A flow that never executes, with a role of which two may break the glass together."""
    join(world, DUTY, DUTY2)
    raw = form(
        "Frozen",
        level(step("op")),
        break_glass_roles=["duty"],
        break_glass_confirm_minutes=15,
        calendar=[ALWAYS],
    )
    flow_admin.create(world.ctx, actor=ADMIN, raw=raw)
    return world


def broken(world: World) -> Release:
    """A release whose glass the two broke."""
    release = world.break_glass(world.waiting(world.dag("etl")), DUTY, FIRST)
    return world.break_glass(release, DUTY2, SECOND)


def the_one(world: World) -> Emergency:
    return world.ctx.session.scalars(select(Emergency)).one()


def actions(world: World, release: Release, actor: Actor) -> list[str]:
    return release_page.get_release(world.ctx, actor=actor, release_id=release.id).actions


def review(world: World, release: Release, actor: Actor, comment: str = FOUND) -> Emergency:
    row = the_one(world)
    return emergencies.review(
        world.ctx, actor=actor, release_id=release.id, emergency_id=row.id, comment=comment
    )


def test_one_person_alone_changes_nothing(two: World) -> None:
    release = two.break_glass(two.waiting(two.dag("etl")), DUTY, FIRST)

    assert (release.state, release.break_glass_reason) == (ReleaseState.AWAITING_APPROVAL, "")
    with pytest.raises(ConflictError, match="asked for this already"):
        two.break_glass(release, DUTY, FIRST)
    with pytest.raises(ConflictError, match="only an approved release"):
        two.promote(release)


def test_the_second_person_makes_it_count_with_both_names(two: World) -> None:
    release = broken(two)

    approval = latest_approval(two.ctx.session, "release", release.id)
    assert approval is not None
    said = [(decision.actor_name, decision.comment) for decision in approval.decisions]
    assert said == [("duty", FIRST), ("duty2", SECOND)]
    assert two.promote(release).state is ReleaseState.RELEASED
    commit = two.store.commit_facts(str(release.target_commit))
    assert [who for key, who in commit.trailers if key == "Approved-by"] == ["duty", "duty2"]
    assert audit.first_broken_link(two.ctx) is None


def test_a_freeze_of_what_is_approved_is_lifted_by_two_as_well(two: World) -> None:
    release = two.approved(two.dag("etl"))
    two.break_glass(release, DUTY, FIRST)
    with pytest.raises(FrozenError):
        two.promote(release)

    assert two.promote(two.break_glass(release, DUTY2, SECOND)).state is ReleaseState.RELEASED


def test_who_comes_too_late_begins_anew(two: World, clock: FrozenClock) -> None:
    release = two.break_glass(two.waiting(two.dag("etl")), DUTY, FIRST)
    clock.advance(minutes=15)
    two.break_glass(release, DUTY2, SECOND)

    assert release.break_glass_reason == ""
    rows = two.ctx.session.scalars(select(Emergency).order_by(Emergency.id)).all()
    assert [row.state(clock()) for row in rows] == [EmergencyState.LAPSED, EmergencyState.ASKED]
    assert two.break_glass(release, DUTY, FIRST).state is ReleaseState.APPROVED


def test_whoever_lost_the_role_meanwhile_was_not_the_first(two: World) -> None:
    release = two.break_glass(two.waiting(two.dag("etl")), DUTY, FIRST)
    leave(two, DUTY)

    assert two.break_glass(release, DUTY2, SECOND).state is ReleaseState.AWAITING_APPROVAL


@pytest.mark.parametrize("actor", [ADMIN, REVIEWER, replace(PIPELINE, roles=DUTY.roles)])
def test_the_second_one_needs_the_role_too(two: World, actor: Actor) -> None:
    release = two.break_glass(two.waiting(two.dag("etl")), DUTY, FIRST)

    with pytest.raises(NotAllowedError):
        two.break_glass(release, actor, SECOND)
    with pytest.raises(SelfApprovalError):
        two.break_glass(release, replace(DEV, roles=frozenset({"user", "duty"})), SECOND)
    assert release.break_glass_reason == ""


def test_what_was_asked_of_an_earlier_attempt_is_not_confirmed(two: World) -> None:
    release = two.break_glass(two.waiting(two.dag("etl")), DUTY, FIRST)
    checks.mark_errored(two.ctx, actor=two.task(release), release_id=release.id, reason="broke")
    two.report(creation.retry(two.ctx, actor=DEV, release_id=release.id))

    assert two.break_glass(release, DUTY2, SECOND).state is ReleaseState.AWAITING_APPROVAL


def test_a_flow_for_which_no_two_people_could_do_it_is_refused(world: World) -> None:
    join(world, DUTY)
    raw = form("Alone", break_glass_roles=["duty"], break_glass_confirm_minutes=15)

    with pytest.raises(InvalidRequestError, match="those who could are: duty"):
        flow_admin.create(world.ctx, actor=ADMIN, raw=raw)


def test_the_built_in_flow_wants_two_where_the_setting_says_so(world: World) -> None:
    settings = replace(world.ctx.settings, break_glass_confirm_minutes=5)
    world = replace(world, ctx=replace(world.ctx, settings=settings))
    chief = Actor("60", "chief", ADMIN.roles)
    join(world, chief)
    release = world.break_glass(world.waiting(world.dag("etl")), ADMIN, FIRST)

    assert release.state is ReleaseState.AWAITING_APPROVAL
    assert world.break_glass(release, chief, SECOND).state is ReleaseState.APPROVED


def test_the_second_person_finds_it_in_their_approvals_and_the_first_does_not(two: World) -> None:
    release = two.break_glass(two.waiting(two.dag("etl")), DUTY, FIRST)

    (waits,) = inbox.get_inbox(two.ctx, actor=DUTY2).emergencies
    assert (waits.state, waits.may_confirm, waits.release.id) == (EmergencyState.ASKED, True, release.id)
    assert inbox.get_inbox(two.ctx, actor=DUTY).emergencies == ()
    assert inbox.get_inbox(two.ctx, actor=REVIEWER).emergencies == ()
    assert "break_glass" in actions(two, release, DUTY2)
    assert "break_glass" not in actions(two, release, DUTY)


def test_it_stays_open_until_somebody_else_has_reviewed_it(two: World) -> None:
    release = two.promote(broken(two))

    (waits,) = inbox.get_inbox(two.ctx, actor=REVIEWER).emergencies
    assert (waits.state, waits.may_review) == (EmergencyState.TO_REVIEW, True)
    assert inbox.count_waiting(two.ctx, actor=REVIEWER) == 1
    assert "review_emergency" in actions(two, release, REVIEWER)
    review(two, release, REVIEWER)

    row = the_one(two)
    assert (row.reviewed_by_name, row.review) == ("reviewer", FOUND)
    assert inbox.count_waiting(two.ctx, actor=REVIEWER) == 0
    assert "review_emergency" not in actions(two, release, REVIEWER)
    with pytest.raises(ConflictError, match="reviewer has reviewed it"):
        review(two, release, ADMIN)
    told = two.ctx.session.scalars(select(Event).where(Event.tag == EventTag.RELEASE_GLASS_REVIEWED)).one()
    assert (told.actor_name, told.data["comment"]) == ("reviewer", FOUND)


def test_what_one_person_broke_is_reviewed_as_well(world: World) -> None:
    release = world.break_glass(world.waiting(world.dag("etl")), ADMIN, FIRST)

    assert the_one(world).confirm_until is None
    with pytest.raises(NotAllowedError):
        review(world, release, ADMIN)
    assert review(world, release, replace(LEAD, roles=ADMIN.roles)).reviewed_by_name == "lead"


@pytest.mark.parametrize("actor", [DUTY, DUTY2, VIEWER, DEV, PIPELINE])
def test_neither_the_two_nor_others_whom_the_flow_does_not_ask_review_it(two: World, actor: Actor) -> None:
    release = broken(two)

    with pytest.raises(NotAllowedError):
        review(two, release, actor)
    with pytest.raises(NotAllowedError):
        review(
            two, release, replace(actor, roles=frozenset({"op", "admin"})) if actor in {DUTY, DEV} else actor
        )
    assert inbox.get_inbox(two.ctx, actor=actor).emergencies == ()


@pytest.mark.parametrize("comment", ["", "  fine  "])
def test_a_review_says_what_came_out(two: World, comment: str) -> None:
    with pytest.raises(InvalidRequestError, match="Say what came out"):
        review(two, broken(two), REVIEWER, comment)


def test_only_what_is_broken_is_reviewed(two: World) -> None:
    release = two.break_glass(two.waiting(two.dag("etl")), DUTY, FIRST)

    with pytest.raises(ConflictError, match="not broken"):
        review(two, release, REVIEWER)
    with pytest.raises(NotFoundError, match="no emergency 99"):
        emergencies.review(two.ctx, actor=REVIEWER, release_id=release.id, emergency_id=99, comment=FOUND)


def told(world: World, event: NotificationEvent) -> list[str]:
    rows = world.ctx.session.scalars(select(Notice).where(Notice.event == event).order_by(Notice.id))
    return sorted(row.person_name for row in rows)


def test_those_who_could_be_the_second_are_told_and_then_those_who_could_review(two: World) -> None:
    release = two.break_glass(two.waiting(two.dag("etl")), DUTY, FIRST)

    assert told(two, NotificationEvent.GLASS_ASKED) == ["duty2"]
    assert told(two, NotificationEvent.GLASS_BROKEN) == []

    two.break_glass(release, DUTY2, SECOND)

    assert told(two, NotificationEvent.GLASS_ASKED) == ["duty2"]
    reviewing = told(two, NotificationEvent.GLASS_BROKEN)
    assert {"admin", "reviewer"} <= set(reviewing)
    assert {"dev", "duty", "duty2", "viewer"}.isdisjoint(reviewing)
    row = two.ctx.session.scalars(
        select(Notice).where(Notice.event == NotificationEvent.GLASS_BROKEN)
    ).first()
    assert row is not None
    assert row.facts["summary"].endswith("its glass was broken by duty and duty2; that waits for a review")
    assert (row.facts["reason"], row.facts["mentioned"]) == (FIRST, [])


def test_who_may_not_see_the_release_is_not_told_of_its_emergency(two: World) -> None:
    release = two.waiting(two.dag("etl"))
    for dag_id in ("etl", "dev.etl"):
        two.twin.refused.add((DUTY2.id, DagAccess.READ, dag_id))

    two.break_glass(release, DUTY, FIRST)

    assert told(two, NotificationEvent.GLASS_ASKED) == []


def test_the_list_has_open_reviews_first_and_nothing_that_one_may_not_see(
    two: World, clock: FrozenClock
) -> None:
    lapsed = two.break_glass(two.waiting(two.dag("late")), DUTY, FIRST)
    clock.advance(minutes=20)
    to_review = broken(two)
    asked = two.break_glass(two.waiting(two.dag("asked")), DUTY, FIRST)

    def listed(actor: Actor = ADMIN, **more: Any) -> list[tuple[int, str]]:
        page = emergencies.list_emergencies(two.ctx, actor=actor, **more)
        assert page.total_entries == len(page.items)
        return [(row.release.id, row.state.value) for row in page.items]

    everything = [(to_review.id, "to_review"), (asked.id, "asked"), (lapsed.id, "lapsed")]
    assert listed() == everything
    for state in EmergencyState:
        assert listed(state=state) == [row for row in everything if row[1] == state.value]
    for dag_id in ("asked", "dev.asked"):
        two.twin.refused.add((VIEWER.id, DagAccess.READ, dag_id))
    assert listed(VIEWER) == [everything[0], everything[2]]
