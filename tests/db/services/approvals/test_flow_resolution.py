"""Which agreement a release needs, from its request to the last decision, whatever is edited meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.identity import Actor, ActorKind, Person
from airflow_release_plugin.domain.states import ApprovalState, ReleaseState
from airflow_release_plugin.exceptions import (
    ConflictError,
    ExpiredError,
    InvalidRequestError,
    NotAllowedError,
    SelfApprovalError,
)
from airflow_release_plugin.models import Approval, Release
from airflow_release_plugin.repositories.approvals import latest_approval
from airflow_release_plugin.services.approvals import approvals, flow_admin, gates
from airflow_release_plugin.services.read_models import simulator
from airflow_release_plugin.services.releases import checks, creation, decisions, previews, releases
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, PIPELINE, REVIEWER, VIEWER, World
from tests.harness.flow_forms import LEAD, LEAD2, OPERATOR, form, join, leave, level, step

BOTH = Actor("77", "both", frozenset({"op", "lead"}))


def flow(world: World, *args: object, **more: object) -> int:
    """Configure a flow; return its id."""
    view = flow_admin.create(world.ctx, actor=ADMIN, raw=form(*args, **more))  # type: ignore[arg-type]
    assert view.id is not None
    return view.id


def approval_of(world: World, release: Release) -> Approval:
    found = latest_approval(world.ctx.session, "release", release.id)
    assert found is not None
    return found


def view(world: World, release: Release, actor: Actor = REVIEWER) -> approvals.ApprovalDetail:
    return approvals.view(world.ctx, approval_of(world, release), actor=actor)


@pytest.mark.req("R30")
def test_the_first_flow_that_fits_is_copied_into_the_approval(world: World) -> None:
    flow(world, "Other", scope={"dag_ids": ["other_*"]})
    flow(world, "Orders", scope={"dag_ids": ["etl_*"]}, remark="copied")
    flow(world, "Rest")
    release = world.waiting(world.dag("etl_orders"))

    shown = view(world, release)
    assert (shown.flow, shown.flow_revision, shown.level) == ("Orders", 1, 1)
    assert approval_of(world, release).flow.remark == "copied"


@pytest.mark.req("R32", "R36")
def test_steps_are_decided_in_order_by_different_people(world: World) -> None:
    join(world, LEAD)
    flow(world, "Two steps", level(step("op"), step("lead", "op")))
    release = world.waiting(world.dag("etl"))

    with pytest.raises(NotAllowedError):
        world.decide(release, LEAD)
    world.decide(release, REVIEWER)
    with pytest.raises(ConflictError, match="decided"):
        world.decide(release, REVIEWER, Verdict.REJECT)
    assert release.state is ReleaseState.AWAITING_APPROVAL
    assert world.decide(release, LEAD).state is ReleaseState.APPROVED


@pytest.mark.req("R36")
def test_a_rejection_at_the_second_step_ends_it(world: World) -> None:
    join(world, LEAD)
    flow(world, "Two steps", level(step("op"), step("lead")))
    release = world.decide(world.waiting(world.dag("etl")), REVIEWER)

    assert world.decide(release, LEAD, Verdict.REJECT).state is ReleaseState.REJECTED


@pytest.mark.req("R36")
def test_one_person_may_decide_at_each_step_where_people_count_twice(world: World) -> None:
    flow(world, "Twice", level(step("op"), step("op")), counts_twice=True)
    release = world.waiting(world.dag("etl"))

    assert world.decide(release, REVIEWER).state is ReleaseState.AWAITING_APPROVAL
    assert world.decide(release, REVIEWER).state is ReleaseState.APPROVED


@pytest.mark.req("R36")
def test_a_second_click_does_not_decide_the_next_step_too(world: World) -> None:
    flow(world, "Twice", level(step("op"), step("op")), counts_twice=True)
    release = world.waiting(world.dag("etl"))

    for _click in range(2):
        assert world.decide(release, REVIEWER, step=0).state is ReleaseState.AWAITING_APPROVAL
    assert [decision.step for decision in view(world, release).decisions] == [0]
    assert world.decide(release, REVIEWER, step=1).state is ReleaseState.APPROVED


@pytest.mark.req("R36")
@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("seen", [0, 2])
def test_a_decision_on_another_step_than_the_waiting_one_is_refused(
    world: World, verdict: Verdict, seen: int
) -> None:
    join(world, LEAD, LEAD2)
    flow(world, "Three steps", level(step("op"), step("lead", name="Lead"), step("lead")))
    release = world.decide(world.waiting(world.dag("etl")), REVIEWER, step=0)

    with pytest.raises(ConflictError, match="step 2, 'Lead', does now") as refused:
        world.decide(release, LEAD, verdict, step=seen)
    assert refused.value.context["current_step"] == 1
    assert [decision.actor.name for decision in view(world, release).decisions] == ["reviewer"]


@pytest.mark.req("R36")
def test_steps_side_by_side_are_decided_in_any_order(world: World) -> None:
    join(world, LEAD)
    flow(world, "Beside", level(step("op"), step("lead", name="Lead", beside_previous=True)))
    release = world.waiting(world.dag("etl"))

    for actor, number in ((REVIEWER, 0), (LEAD, 1)):
        shown = view(world, release, actor)
        assert (shown.current_step, shown.waiting_steps, shown.would_complete) == (number, (0, 1), False)
        (waits,) = decisions.inbox(world.ctx, actor=actor)
        assert waits.step == number
    world.decide(release, LEAD, step=1)
    assert decisions.inbox(world.ctx, actor=LEAD) == []
    shown = view(world, release)
    assert (shown.waiting_steps, shown.would_complete) == ((0,), True)
    assert world.decide(release, REVIEWER, step=0).state is ReleaseState.APPROVED


@pytest.mark.req("R36")
def test_one_approval_counts_at_all_steps_side_by_side_where_people_count_twice(world: World) -> None:
    join(world, LEAD, BOTH)
    beside = (step("op"), step("lead", beside_previous=True), step("lead"))
    flow(world, "Beside", level(*beside), counts_twice=True)
    release = world.waiting(world.dag("etl"))

    world.decide(release, BOTH, step=0)
    assert [decision.step for decision in view(world, release).decisions] == [0, 1]
    assert world.decide(release, LEAD).state is ReleaseState.APPROVED


@pytest.mark.req("R36")
def test_one_rejection_is_recorded_once_however_many_steps_wait(world: World) -> None:
    join(world, BOTH)
    flow(world, "Beside", level(step("op"), step("lead", beside_previous=True)), counts_twice=True)
    release = world.decide(world.waiting(world.dag("etl")), BOTH, Verdict.REJECT)

    assert release.state is ReleaseState.REJECTED
    assert [decision.step for decision in view(world, release).decisions] == [0]


@pytest.mark.req("R36")
def test_a_quorum_waits_for_whoever_must_be_among_it(world: World) -> None:
    join(world, LEAD, OPERATOR, BOTH)
    two = step("op", rule="quorum", quorum=2, including_roles=["lead"])
    flow(world, "Two with a lead", level(two))
    release = world.decide(world.waiting(world.dag("etl")), OPERATOR)

    assert decisions.inbox(world.ctx, actor=REVIEWER) == []
    with pytest.raises(NotAllowedError):
        world.decide(release, REVIEWER)
    with pytest.raises(NotAllowedError):
        world.decide(release, LEAD)
    assert world.decide(release, BOTH).state is ReleaseState.APPROVED


@pytest.mark.req("R36")
def test_a_quorum_without_anybody_who_must_be_among_it_is_refused(world: World) -> None:
    join(world, OPERATOR, LEAD)
    two = step("op", rule="quorum", quorum=2, including_roles=["lead"])

    with pytest.raises(InvalidRequestError, match="One of them must be of lead"):
        flow(world, "Two with a lead", level(two))


@pytest.mark.req("R34")
@pytest.mark.parametrize("deed", ["lower the bar", "switch off", "delete"])
def test_what_happens_to_a_flow_changes_nothing_for_what_is_under_way(world: World, deed: str) -> None:
    join(world, LEAD)
    flow_id = flow(world, "Strict", level(step("op"), step("lead")))
    release = world.waiting(world.dag("etl"))
    before = view(world, release)
    if deed == "lower the bar":
        raw = form("Strict", level(step("user", "viewer", "op")))
        flow_admin.update(world.ctx, actor=ADMIN, flow_id=flow_id, raw=raw, revision=1)
    elif deed == "switch off":
        flow_admin.set_enabled(world.ctx, actor=ADMIN, flow_id=flow_id, enabled=False)
    else:
        flow_admin.delete(world.ctx, actor=ADMIN, flow_ids=[flow_id])

    assert view(world, release) == before
    with pytest.raises(NotAllowedError):
        world.decide(release, VIEWER)
    assert world.decide(release, REVIEWER).state is ReleaseState.AWAITING_APPROVAL
    assert world.decide(release, LEAD).state is ReleaseState.APPROVED
    assert world.promote(release).state is ReleaseState.RELEASED


def test_a_retry_asks_again_under_the_flow_as_it_is_then_and_keeps_no_decision(world: World) -> None:
    join(world, LEAD)
    flow_id = flow(world, "Strict", level(step("op"), step("lead")))
    release = world.decide(world.waiting(world.dag("etl")), REVIEWER)
    checks.mark_errored(world.ctx, actor=world.task(release), release_id=release.id, reason="broke")
    flow_admin.update(
        world.ctx,
        actor=ADMIN,
        flow_id=flow_id,
        raw=form("Strict", level(step("lead"), step("op"))),
        revision=1,
    )
    world.report(creation.retry(world.ctx, actor=DEV, release_id=release.id))

    shown = view(world, release)
    assert (shown.flow_revision, shown.current_step, shown.decisions) == (2, 0, [])
    with pytest.raises(NotAllowedError):
        world.decide(release, REVIEWER)


@pytest.mark.req("R33")
def test_people_raise_the_level_and_both_are_shown(world: World) -> None:
    join(world, LEAD)
    flow(world, "Levels", level(), level(step("lead"), name="High", min_lines=100_000))
    asked = world.request(world.submit(world.dag("etl")), reviewers=["lead"], at_least_level=9)

    shown = view(world, world.report(asked))
    assert (shown.level, shown.level_name, shown.raised_from) == (2, "High", 1)


@pytest.mark.req("R33")
@pytest.mark.parametrize("wanted", [-5, 0, 1])
def test_people_never_lower_the_level(world: World, wanted: int) -> None:
    join(world, LEAD)
    flow(world, "Levels", level(), level(step("lead"), name="High", min_lines=1))
    asked = world.request(world.submit(world.dag("etl")), reviewers=["lead"], at_least_level=wanted)

    shown = view(world, world.report(asked))
    assert (shown.level, shown.raised_from) == (2, None)


@pytest.mark.req("R34", "R36")
@pytest.mark.parametrize(
    "then",
    [
        replace(REVIEWER, roles=frozenset({"viewer"})),
        replace(REVIEWER, roles=frozenset()),
        replace(REVIEWER, roles=frozenset({""})),
        replace(REVIEWER, roles=frozenset({"OP", "op "})),
        replace(REVIEWER, kind=ActorKind.SERVICE),
        Actor("77", "reviewer2", frozenset({"viewer"})),
    ],
)
def test_who_was_demoted_in_the_meantime_may_not_decide(world: World, then: Actor) -> None:
    release = world.waiting(world.dag("etl"))

    with pytest.raises(NotAllowedError):
        world.decide(release, then)
    assert release.state is ReleaseState.AWAITING_APPROVAL


def test_who_got_the_role_in_the_meantime_may_decide(world: World) -> None:
    release = world.waiting(world.dag("etl"))

    assert world.decide(release, OPERATOR).state is ReleaseState.APPROVED


def test_all_needs_everybody_who_was_asked_even_who_left(world: World) -> None:
    join(world, LEAD, LEAD2)
    flow(world, "All", level(step("lead", rule="all")))
    release = world.report(world.request(world.submit(world.dag("etl")), reviewers=["lead"]))
    leave(world, LEAD2)
    late = Actor("12", "late", frozenset({"lead"}))

    assert world.decide(release, LEAD).state is ReleaseState.AWAITING_APPROVAL
    with pytest.raises(NotAllowedError):
        world.decide(release, late)


@pytest.mark.req("R36")
@pytest.mark.parametrize("actor", [DEV, DEV2])
def test_neither_requester_nor_submitter_decides_whatever_role_they_hold(world: World, actor: Actor) -> None:
    powerful = frozenset({"user", "op", "admin"})
    join(world, replace(DEV, roles=powerful), replace(DEV2, roles=powerful))
    one = world.submit(world.dag("one"), DEV)
    two = world.submit(world.dag("two"), DEV2)
    release = world.report(world.request(one, two))

    with pytest.raises(SelfApprovalError):
        world.decide(release, replace(actor, roles=powerful))


def test_a_requester_whose_login_name_is_an_approvers_id_stays_excluded(world: World) -> None:
    """Ids and login names are two different things, also where they look alike."""
    impostor = Actor("20", REVIEWER.id, frozenset({"user"}))
    join(world, impostor)
    flow(world, "Named", level(step(users=("reviewer", "admin"))))
    release = world.waiting(world.dag("etl"))

    with pytest.raises(NotAllowedError):
        world.decide(release, impostor)
    with pytest.raises(InvalidRequestError, match="nobody"):
        flow(world, "By id", level(step(users=("4",))))


def test_a_reviewer_key_that_fits_two_people_names_neither(world: World) -> None:
    join(world, Actor("21", REVIEWER.id, frozenset({"op"})))

    with pytest.raises(InvalidRequestError, match="Not eligible"):
        world.request(world.submit(world.dag("etl")), reviewers=[REVIEWER.id])


@pytest.mark.req("R12")
def test_a_request_is_refused_when_too_few_people_are_left(world: World) -> None:
    join(world, LEAD, LEAD2)
    flow(world, "Two leads", level(step("lead", rule="quorum", quorum=2)))
    leave(world, LEAD2)

    with pytest.raises(InvalidRequestError, match="needs 2 of role lead"):
        world.request(world.submit(world.dag("etl")), reviewers=["lead"])


def test_a_release_whose_approvers_left_during_its_check_says_so(world: World) -> None:
    release = world.request(world.submit(world.dag("etl")))
    leave(world, REVIEWER, ADMIN)

    world.report(release)
    assert release.state is ReleaseState.ERRORED
    assert "Nobody could approve" in release.state_reason


def test_a_service_user_named_as_approver_never_counts(world: World) -> None:
    flow(world, "Named", level(step(users=("pipeline", "reviewer"))))
    release = world.waiting(world.dag("etl"))

    assert [p.name for n in view(world, release).steps for p in n.eligible] == ["reviewer"]
    for actor in (PIPELINE, replace(PIPELINE, roles=frozenset({"op", "admin"}))):
        with pytest.raises(NotAllowedError):
            world.decide(release, actor)


@pytest.mark.req("R39")
def test_after_its_time_a_step_opens_to_the_further_group(world: World, clock: FrozenClock) -> None:
    join(world, LEAD)
    slow = step("op", escalate_after_hours=4, escalate_users=["lead"])
    flow(world, "Escalates", level(slow))
    release = world.waiting(world.dag("etl"))

    clock.advance(hours=4, seconds=-1)
    with pytest.raises(NotAllowedError):
        world.decide(release, LEAD)
    clock.advance(seconds=1)
    assert view(world, release, LEAD).may_decide
    clock.advance(hours=-2)
    with pytest.raises(NotAllowedError):
        world.decide(release, LEAD)
    clock.advance(hours=2)
    assert world.decide(release, LEAD).state is ReleaseState.APPROVED


@pytest.mark.req("R39")
def test_the_time_of_the_second_step_runs_from_when_it_was_reached(world: World, clock: FrozenClock) -> None:
    join(world, LEAD, LEAD2)
    slow = step("lead", escalate_after_hours=4, escalate_users=["lead2"])
    flow(world, "Escalates", level(step("op"), {**slow, "roles": [], "users": ["lead"]}))
    release = world.waiting(world.dag("etl"))
    clock.advance(hours=10)
    world.decide(release, REVIEWER)

    clock.advance(hours=3)
    with pytest.raises(NotAllowedError):
        world.decide(release, LEAD2)
    clock.advance(hours=1)
    assert world.decide(release, LEAD2).state is ReleaseState.APPROVED


@pytest.mark.req("R36")
def test_what_expired_is_not_approved_and_stays_so_once_written_down(
    world: World, clock: FrozenClock
) -> None:
    release = world.waiting(world.dag("etl"))
    clock.advance(hours=24)
    with pytest.raises(ExpiredError):
        world.decide(release)
    releases.get_locked(world.ctx, actor=ADMIN, release_id=release.id)
    clock.advance(hours=-20)

    with pytest.raises(ExpiredError):
        world.decide(release)
    assert approval_of(world, release).state is ApprovalState.EXPIRED


def test_the_validity_is_that_of_the_flow(world: World, clock: FrozenClock) -> None:
    flow(world, "Quick", validity={"approval": 1.5, "wait": 2})
    release = world.waiting(world.dag("etl"))
    clock.advance(hours=1.4)
    world.decide(release)

    clock.advance(hours=2)
    with pytest.raises(ExpiredError):
        world.promote(release)


def test_checking_again_after_other_changes_keeps_the_approval(world: World) -> None:
    first = world.approved(world.dag("one"))
    second = world.approved(world.dag("two"))
    world.promote(first)
    assert world.promote(second).state is ReleaseState.CHECKING
    kept = approval_of(world, second).id

    assert world.report(second).state is ReleaseState.APPROVED
    assert approval_of(world, second).id == kept
    assert world.promote(second).state is ReleaseState.RELEASED


def gate(world: World, dag_id: str, **asked: object) -> approvals.ApprovalDetail:
    return gates.approval_view(world.ctx, world.gate(dag_id, **asked), actor=REVIEWER)


@pytest.mark.req("R37")
def test_gates_go_by_flows_of_their_kind_and_by_the_tags_of_their_dag(world: World) -> None:
    join(world, LEAD)
    world.write("a.py", 'from airflow.sdk import DAG\nwith DAG(dag_id="etl", tags=["critical"]):\n    pass\n')
    world.dag("other")
    flow(world, "Releases")
    flow(world, "Critical", level(step("lead")), kind="gate", scope={"tags": ["critical"]})

    assert gate(world, "etl").flow == "Critical"
    assert gate(world, "other").flow == "default"


@pytest.mark.req("R37")
@pytest.mark.parametrize("hours", [0, -1, 241, float("nan"), float("inf")])
def test_a_gate_is_open_more_than_0_and_at_most_240_hours(world: World, hours: float) -> None:
    with pytest.raises(InvalidRequestError, match="240"):
        gate(world, "etl", valid_hours=hours)


@pytest.mark.req("R37")
@pytest.mark.parametrize("approvers", [["viewer"], [REVIEWER.id], ["Reviewer"], ["pipeline"]])
def test_naming_approvers_of_a_gate_never_adds_anybody(world: World, approvers: list[str]) -> None:
    with pytest.raises(InvalidRequestError, match="Nobody could approve"):
        gate(world, "etl", approvers=approvers)


def test_where_the_auth_manager_lists_nobody_nobody_is_eligible(world: World) -> None:
    world.twin.users.clear()

    with pytest.raises(InvalidRequestError):
        world.request(world.submit(world.dag("etl")))


def test_two_people_of_one_name_are_not_one(world: World) -> None:
    """What counts on a decision is the id."""
    world.twin.users["30"] = Person("30", "reviewer", frozenset({"op"}))
    flow(world, "Two", level(step("op", rule="quorum", quorum=2)))
    release = world.report(world.request(world.submit(world.dag("etl")), reviewers=["30"]))

    world.decide(release, REVIEWER)
    with pytest.raises(ConflictError):
        world.decide(release, REVIEWER, Verdict.REJECT)
    assert world.decide(release, Actor("30", "reviewer", frozenset({"op"}))).state is ReleaseState.APPROVED


@pytest.mark.req("R31")
def test_people_are_told_where_dags_would_fall_under_different_flows(world: World) -> None:
    flow(world, "Orders", scope={"dag_ids": ["orders"]})
    chosen = [world.submit(world.dag(name)) for name in ("orders", "rest")]
    both = {"orders": "Orders", "rest": "default"}

    offered = previews.preview(world.ctx, actor=DEV, submission_ids=[s.id for s in chosen])
    alone = previews.preview(world.ctx, actor=DEV, submission_ids=[chosen[0].id])
    release = world.report(world.request(*chosen))
    found = simulator.of_release(world.ctx, actor=DEV, release_id=release.id)

    assert (offered.flow, offered.per_dag_flows, alone.per_dag_flows) == ("Orders", both, {})
    assert (release.risk_json["per_dag_flows"], found.per_dag_flows) == (both, both)
