"""Sign-offs that running tasks wait for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from airflow._shared.template_rendering import TRUNCATE_PREFIX, TRUNCATE_SUFFIX

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.flow.gate_question import GateQuestion
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.states import GateState
from airflow_release_plugin.domain.tasks import TaskKey, TaskOperator, TaskRole
from airflow_release_plugin.exceptions import (
    ConflictError,
    ExpiredError,
    InvalidRequestError,
    InvalidTransitionError,
    NotAllowedError,
    NotFoundError,
    StaleDigestError,
    TaskMismatchError,
)
from airflow_release_plugin.models import Gate
from airflow_release_plugin.repositories import events
from airflow_release_plugin.services.approvals import gates
from airflow_release_plugin.services.approvals.gates import GateSubject
from airflow_release_plugin.services.read_models import watch
from airflow_release_plugin.services.releases import decisions
from airflow_release_plugin.services.runtime import audit
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, PIPELINE, REVIEWER, VIEWER, World

SUBJECT = GateSubject("etl", "manual__1", "sign_off", -1, 1, "Publish the numbers?", message="Look at them.")


def by_name(actor: Actor) -> str:
    return actor.name


def key_of(subject: GateSubject) -> TaskKey:
    return TaskKey(subject.dag_id, subject.run_id, subject.task_id, subject.map_index, subject.try_number)


def started(world: World, subject: GateSubject = SUBJECT, **asked: Any) -> TaskKey:
    """The key of the gate's task, which runs."""
    rendered = {"title": subject.title, "message": subject.message, **asked}
    return world.start_gate(key_of(subject), rendered, bundle_version=subject.bundle_version)


def opened(world: World, subject: GateSubject = SUBJECT, **asked: Any) -> Gate:
    return gates.open_gate(world.ctx, actor=PIPELINE, task=started(world, subject, **asked))


def decide(
    world: World, gate: Gate, actor: Actor = REVIEWER, verdict: Verdict = Verdict.APPROVE, digest: str = ""
) -> Gate:
    return decisions.decide_gate(
        world.ctx,
        actor=actor,
        gate_id=gate.id,
        verdict=verdict,
        change_digest=digest or gate.change_digest,
    )


@pytest.mark.req("R37")
@pytest.mark.parametrize("actor", [REVIEWER, ADMIN], ids=by_name)
def test_a_gate_opens_and_one_eligible_person_signs_it_off(
    world: World, actor: Actor, clock: FrozenClock
) -> None:
    gate = opened(world)
    assert (gate.state, gate.expires_at) == (
        GateState.OPEN,
        gates.get(world.ctx, actor=DEV, gate_id=gate.id).expires_at,
    )

    decide(world, gate, actor)

    assert (gate.state, gate.closed_at) == (GateState.APPROVED, clock.now)
    assert audit.first_broken_link(world.ctx) is None


@pytest.mark.req("R37")
def test_a_rejection_closes_the_gate(world: World) -> None:
    assert decide(world, opened(world), verdict=Verdict.REJECT).state is GateState.REJECTED


@pytest.mark.req("R37")
def test_the_same_try_gets_the_same_gate(world: World) -> None:
    gate = opened(world)

    assert opened(world) is gate
    decide(world, gate)
    assert opened(world).state is GateState.APPROVED


@pytest.mark.req("R37")
def test_a_new_try_withdraws_the_gate_of_the_old_one(world: World) -> None:
    old = opened(world)

    new = opened(world, replace(SUBJECT, try_number=2))

    assert (old.state, new.state) == (GateState.WITHDRAWN, GateState.OPEN)
    with pytest.raises(ConflictError):
        decide(world, old)


def test_a_sign_off_of_an_earlier_try_does_not_carry_over(world: World) -> None:
    decide(world, opened(world))

    assert opened(world, replace(SUBJECT, try_number=2)).state is GateState.OPEN


def test_tries_of_other_tasks_runs_and_mapped_instances_are_left_alone(world: World) -> None:
    gate = opened(world)

    for other in ({"task_id": "other"}, {"run_id": "manual__2"}, {"map_index": 3}, {"dag_id": "other"}):
        opened(world, replace(SUBJECT, try_number=2, **other))  # type: ignore[arg-type]

    assert gate.state is GateState.OPEN


@pytest.mark.req("R37")
def test_the_author_narrows_who_may_sign_off(world: World) -> None:
    gate = opened(world, approvers=["admin"])

    with pytest.raises(NotAllowedError):
        decide(world, gate, REVIEWER)
    assert decide(world, gate, ADMIN).state is GateState.APPROVED


@pytest.mark.parametrize("approvers", [["dev"], ["nobody"], ["pipeline"]])
def test_the_author_admits_nobody_whom_the_flow_does_not(world: World, approvers: list[str]) -> None:
    with pytest.raises(InvalidRequestError, match=f"Nobody could approve gate .* narrowed to {approvers[0]}"):
        opened(world, approvers=approvers)


@pytest.mark.req("R33", "R37")
def test_a_gate_expires_and_is_never_approved_by_that(world: World, clock: FrozenClock) -> None:
    gate = opened(world, valid_hours=0.5)
    clock.advance(minutes=30)

    assert gate.effective_state(clock.now) is GateState.EXPIRED
    with pytest.raises(ExpiredError):
        decide(world, gate)
    assert gate.state is GateState.EXPIRED


def test_without_a_window_of_its_own_a_gate_has_that_of_the_flow(world: World, clock: FrozenClock) -> None:
    assert opened(world).expires_at == clock.advance(hours=24)


@pytest.mark.parametrize("actor", [DEV, DEV2, VIEWER], ids=by_name)
def test_who_holds_no_approving_role_does_not_sign_off(world: World, actor: Actor) -> None:
    with pytest.raises(NotAllowedError, match="not among those"):
        decide(world, opened(world), actor)


def test_the_service_user_does_not_sign_off(world: World) -> None:
    with pytest.raises(NotAllowedError, match="service users never approve"):
        decide(world, opened(world), PIPELINE)


def test_a_sign_off_of_something_else_is_stale(world: World) -> None:
    with pytest.raises(StaleDigestError):
        decide(world, opened(world), digest="0" * 64)


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("title", "Other"),
        ("message", "Other"),
        ("run_id", "other"),
        ("bundle_version", "abc"),
        ("try_number", 2),
    ],
)
def test_everything_that_people_see_is_in_the_digest(field: str, other: Any) -> None:
    assert replace(SUBJECT, **{field: other}).digest() != SUBJECT.digest()


@pytest.mark.req("R37")
def test_a_gate_is_withdrawn_by_the_pipeline(world: World) -> None:
    gate = opened(world)

    gates.withdraw(world.ctx, actor=PIPELINE, gate_id=gate.id)

    assert gate.state is GateState.WITHDRAWN
    assert decisions.inbox(world.ctx, actor=REVIEWER) == []
    with pytest.raises(InvalidTransitionError):
        gates.withdraw(world.ctx, actor=PIPELINE, gate_id=gate.id)


@pytest.mark.parametrize("actor", [DEV, REVIEWER], ids=by_name)
def test_people_neither_open_nor_withdraw_gates(world: World, actor: Actor) -> None:
    gate = opened(world)

    with pytest.raises(NotAllowedError):
        gates.open_gate(world.ctx, actor=actor, task=key_of(SUBJECT))
    with pytest.raises(NotAllowedError):
        gates.withdraw(world.ctx, actor=actor, gate_id=gate.id)


def test_gates_of_dags_that_one_may_not_read_do_not_exist_for_one(world: World) -> None:
    gate = opened(world)
    world.twin.refused.add((REVIEWER.id, DagAccess.READ, "etl"))

    assert gates.list_gates(world.ctx, actor=REVIEWER).items == []
    for act in (lambda: gates.get(world.ctx, actor=REVIEWER, gate_id=gate.id), lambda: decide(world, gate)):
        with pytest.raises(NotFoundError):
            act()


@pytest.mark.req("R38")
def test_open_gates_are_in_the_inbox(world: World) -> None:
    gate = opened(world)

    (item,) = decisions.inbox(world.ctx, actor=REVIEWER)

    assert (item.subject, item.subject_id, item.title, item.dag_ids) == (
        "gate",
        gate.id,
        "Publish the numbers?",
        ["etl"],
    )
    assert decisions.inbox(world.ctx, actor=DEV) == []


def test_the_view_says_who_may_decide(world: World) -> None:
    view = gates.approval_view(world.ctx, opened(world), actor=REVIEWER)

    assert view.may_decide
    assert [person.name for person in view.steps[0].eligible] == ["admin", "reviewer"]


def test_gates_are_filtered_by_their_effective_state(world: World, clock: FrozenClock) -> None:
    short = opened(world, valid_hours=1)
    long = opened(world, replace(SUBJECT, dag_id="other"))
    clock.advance(hours=1)

    def found(**wanted: Any) -> list[Gate]:
        return gates.list_gates(world.ctx, actor=DEV, **wanted).items

    assert found() == [long, short]
    assert found(state=GateState.OPEN) == [long]
    assert found(state=GateState.EXPIRED) == [short]
    assert found(dag_id="etl") == [short]


# watching


def test_a_watcher_is_told_what_differs_from_what_it_knows(world: World, clock: FrozenClock) -> None:
    release = world.waiting(world.dag("etl"))
    gate = opened(world)
    known = {f"release:{release.id}": "awaiting_approval", f"gate:{gate.id}": "open"}

    def changed(**extra: str) -> dict[str, str]:
        return watch.changed_states(world.ctx, actor=PIPELINE, known={**known, **extra})

    assert changed() == {}
    decide(world, gate)
    assert changed() == {f"gate:{gate.id}": "approved"}
    clock.advance(hours=24)
    assert changed()[f"release:{release.id}"] == "expired"
    assert changed(**{"gate:999": "open", "release:999": ""}) == {
        f"gate:{gate.id}": "approved",
        f"release:{release.id}": "expired",
        "gate:999": "missing",
        "release:999": "missing",
    }


@pytest.mark.parametrize("key", ["etl", "gate:", "gate:x", "dag:1", "gate:1:2", "gate:" + "9" * 30, "gate:²"])
def test_a_watcher_that_names_no_subject_is_refused(world: World, key: str) -> None:
    with pytest.raises(InvalidRequestError, match="is not a subject"):
        watch.changed_states(world.ctx, actor=PIPELINE, known={key: ""})


def test_people_do_not_watch(world: World) -> None:
    with pytest.raises(NotAllowedError):
        watch.changed_states(world.ctx, actor=DEV, known={})


# what Airflow recorded, and what it did not

OTHER = GateQuestion("Routine: rotate logs?", "Nothing to see.")


def refused(world: World, task: TaskKey, said: GateQuestion | None = None) -> str:
    """Why no gate was opened; the trail has it, and there is no gate."""
    with pytest.raises(TaskMismatchError) as caught:
        gates.open_gate(world.ctx, actor=PIPELINE, task=task, said=said)
    (event,) = events.events_of(world.ctx.session, "gates").items
    assert (event.tag, event.actor_name) == (EventTag.TASK_REFUSED, "pipeline")
    assert {name: event.data[name] for name in vars(task)} == vars(task)
    assert event.data["reason"] in caught.value.message
    assert gates.list_gates(world.ctx, actor=ADMIN).items == []
    return caught.value.message


@pytest.mark.req("R88")
def test_people_see_what_airflow_recorded(world: World) -> None:
    gate = opened(world, replace(SUBJECT, bundle_version="c0ffee"), approvers=["admin"], valid_hours=2)

    assert (gate.title, gate.message, gate.bundle_version) == (
        "Publish the numbers?",
        "Look at them.",
        "c0ffee",
    )
    assert gates.approval_view(world.ctx, gate, actor=ADMIN).steps[0].eligible[0].name == "admin"


@pytest.mark.req("R88")
@pytest.mark.parametrize(
    "state", [None, "queued", "scheduled", "deferred", "success", "failed", "up_for_retry"]
)
def test_a_task_that_does_not_run_opens_no_gate(world: World, state: str | None) -> None:
    task = started(world)
    if state is None:
        world.twin.tasks.clear()
    else:
        world.twin.tasks[task] = replace(world.twin.tasks[task], state=state)

    assert "a gate is opened by its own task, while it runs" in refused(world, task)


@pytest.mark.req("R88")
@pytest.mark.parametrize("try_number", [0, 2])
def test_a_try_that_is_not_the_present_one_opens_no_gate(world: World, try_number: int) -> None:
    assert "not known to Airflow in this try" in refused(
        world, replace(started(world), try_number=try_number)
    )


@pytest.mark.req("R88")
@pytest.mark.parametrize(
    "operator", [TaskOperator("my.PythonOperator"), TaskOperator("a.B", TaskRole.CHECK), None]
)
def test_a_task_that_is_no_gate_opens_none(world: World, operator: TaskOperator | None) -> None:
    task = started(world)
    world.twin.operators[task] = operator  # type: ignore[assignment]

    assert "not an ApprovalGateSensor" in refused(world, task)


@pytest.mark.req("R88")
@pytest.mark.parametrize(
    "said",
    [
        OTHER,
        GateQuestion("Publish the numbers?", "Look at them. Or not."),
        GateQuestion("Publish the numbers?", "Look at them.", approvers=("reviewer",)),
        GateQuestion("Publish the numbers?", "Look at them.", valid_hours=240),
    ],
)
def test_a_call_that_says_something_else_than_airflow_recorded_opens_none(
    world: World, said: GateQuestion
) -> None:
    assert "asks something else by Airflow's record" in refused(world, started(world), said)


def test_a_secret_that_airflow_masked_stays_masked_and_is_no_difference(world: World) -> None:
    task = started(world, message="Key *** of *** is used.")

    gate = gates.open_gate(
        world.ctx,
        actor=PIPELINE,
        task=task,
        said=GateQuestion("Publish the numbers?", "Key s3cret of bob's is used."),
    )

    assert gate.message == "Key *** of *** is used."


def test_text_that_airflow_cut_is_refused_with_the_setting(world: World) -> None:
    cut = f"{TRUNCATE_PREFIX}Look at...{TRUNCATE_SUFFIX}"

    with pytest.raises(InvalidRequestError, match=r"shorten it, or raise .*max_templated_field_length"):
        opened(world, message=cut)


def test_fields_that_airflow_forgot_are_refused_with_the_setting(world: World) -> None:
    task = started(world)
    del world.twin.rendered_fields[task]

    with pytest.raises(InvalidRequestError, match="num_dag_runs_to_retain_rendered_fields"):
        gates.open_gate(world.ctx, actor=PIPELINE, task=task)


@pytest.mark.req("R88")
def test_a_sign_off_of_another_text_of_the_same_try_counts_for_nothing(world: World) -> None:
    other = decide(world, opened(world, replace(SUBJECT, title=OTHER.title)))

    gate = opened(world)

    assert (other.state, gate.state, gate.id != other.id) == (GateState.APPROVED, GateState.OPEN, True)


def test_a_question_that_changed_while_it_was_open_is_asked_anew(world: World) -> None:
    first = opened(world, approvers=["admin"])
    again = opened(world)

    assert (first.state, again.state) == (GateState.WITHDRAWN, GateState.OPEN)
    assert opened(world) is again
    assert opened(world, approvers=["admin"]).state is GateState.OPEN


def test_a_gate_says_who_started_the_run(world: World) -> None:
    task = world.start_gate(key_of(SUBJECT), {"title": "Go on?"}, run_started_by="dev")

    assert gates.open_gate(world.ctx, actor=PIPELINE, task=task).run_started_by == "dev"
