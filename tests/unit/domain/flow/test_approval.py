"""Who may decide, and what decisions add up to."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.flow.approval import (
    CountedDecision,
    DecisionCapacity,
    Requirement,
    Step,
    StepRule,
    Verdict,
    evaluate,
    is_past,
    place_to_decide,
    step_opened_at,
)
from airflow_release_plugin.domain.identity import SYSTEM, Actor, ActorKind, Person

ANN, BOB, CAT = (Actor(str(i), name, frozenset({"op"})) for i, name in enumerate(["ann", "bob", "cat"]))
EVERYBODY = tuple(Person(a.id, a.name, a.roles) for a in (ANN, BOB, CAT))


def step(rule: StepRule = StepRule.ANY, quorum: int = 1, **options: object) -> Step:
    values = {"roles": ("op",), "eligible": EVERYBODY, **options}
    return Step("Approval", rule=rule, quorum=quorum, **values)  # type: ignore[arg-type]


def needs(*steps: Step, excluded: tuple[str, ...] = ()) -> Requirement:
    return Requirement("default", 1, 1, steps, excluded)


def yes(actor: Actor, at: int = 0) -> CountedDecision:
    return CountedDecision(at, actor.id, Verdict.APPROVE)


def no(actor: Actor, at: int = 0) -> CountedDecision:
    return CountedDecision(at, actor.id, Verdict.REJECT)


def may_decide(requirement: Requirement, at: int, actor: Actor, decided: Collection[str]) -> bool:
    """Whether ``actor`` may decide when the people of ``decided`` did before."""
    before = [CountedDecision(0, person, Verdict.APPROVE) for person in decided]
    return place_to_decide(requirement, at, DecisionCapacity(actor), before) is not None


@pytest.mark.req("R36")
@pytest.mark.parametrize(
    ("rule", "quorum", "people", "approved"),
    [
        (StepRule.ANY, 1, [], False),
        (StepRule.ANY, 1, [ANN], True),
        (StepRule.ALL, 1, [ANN, BOB], False),
        (StepRule.ALL, 1, [ANN, BOB, CAT], True),
        (StepRule.QUORUM, 2, [ANN], False),
        (StepRule.QUORUM, 2, [ANN, CAT], True),
        (StepRule.QUORUM, 0, [], False),
    ],
)
def test_a_step_is_complete_with_enough_people(
    rule: StepRule, quorum: int, people: list[Actor], approved: bool
) -> None:
    assert evaluate(needs(step(rule, quorum)), [yes(p) for p in people]).approved is approved


@pytest.mark.req("R36")
def test_one_person_counts_once_however_often_they_approve() -> None:
    progress = evaluate(needs(step(StepRule.QUORUM, 2)), [yes(ANN), yes(ANN)])

    assert (progress.approved, progress.approvals) == (False, (1,))


@pytest.mark.req("R36")
def test_one_person_counts_once_over_all_steps() -> None:
    two = needs(step(), step())

    assert not evaluate(two, [yes(ANN, 0), yes(ANN, 1)]).approved
    assert evaluate(two, [yes(ANN, 0), yes(BOB, 1)]).approved


def test_all_means_everybody_who_was_asked_not_as_many_others() -> None:
    late = Actor("9", "late", frozenset({"op"}))

    assert not evaluate(needs(step(StepRule.ALL)), [yes(ANN), yes(BOB), yes(late)]).approved


def test_a_later_step_counts_nothing_while_an_earlier_one_waits() -> None:
    progress = evaluate(needs(step(), step()), [yes(BOB, 1)])

    assert (progress.current_step, progress.approvals) == (0, (0,))


def test_the_next_step_waits_when_one_is_complete() -> None:
    assert evaluate(needs(step(), step()), [yes(ANN, 0)]).current_step == 1


def test_one_rejection_ends_it_whatever_came_before() -> None:
    progress = evaluate(needs(step(StepRule.QUORUM, 2)), [yes(ANN), no(BOB), yes(CAT)])

    assert (progress.approved, progress.rejected, progress.current_step) == (False, True, None)


def test_who_is_excluded_does_not_count() -> None:
    assert not evaluate(needs(step(), excluded=(ANN.id,)), [yes(ANN)]).approved


@pytest.mark.parametrize("rule", list(StepRule))
def test_a_step_that_names_nobody_is_never_complete(rule: StepRule) -> None:
    nobody = Step("Approval", rule=rule, quorum=0)

    assert not evaluate(needs(nobody), []).approved
    assert not any(may_decide(needs(nobody), 0, actor, ()) for actor in (ANN, BOB, CAT))


def test_a_requirement_without_steps_is_never_approved() -> None:
    assert not evaluate(needs(), []).approved
    assert not may_decide(needs(), 0, ANN, ())


def test_people_are_named_by_login_name() -> None:
    named = Step("Approval", users=(ANN.name,))

    assert named.admits(ANN)
    assert not named.admits(BOB)


def test_a_login_name_that_equals_somebody_elses_id_admits_only_its_owner() -> None:
    named = Step("Approval", users=("1",), escalate_users=("1",), only=("1",))
    impostor = Person("77", "1")

    assert BOB.id == "1"
    assert named.admits(impostor)
    assert not named.admits(BOB)
    assert not named.lets_decide(BOB, escalated=True)


@pytest.mark.parametrize("name", [" ann", "ann ", "Ann", "ANN", "a", "an", "", "ann\n", "ａｎｎ"])
def test_a_name_that_is_only_like_the_one_named_is_somebody_else(name: str) -> None:
    assert not Step("Approval", users=("ann",)).admits(Person("9", name))


def test_only_narrows_to_the_people_it_names() -> None:
    assert step(only=(BOB.name,)).admits(BOB)
    assert not step(only=(BOB.name,)).admits(ANN)


def test_all_lets_nobody_decide_who_got_the_role_later() -> None:
    late = Actor("9", "late", frozenset({"op"}))
    waits_for_all = needs(step(StepRule.ALL, escalate_after_hours=1.0, escalate_users=("boss",)))

    assert not may_decide(waits_for_all, 0, late, ())
    assert place_to_decide(waits_for_all, 0, DecisionCapacity(late), (), escalated=True) is None
    assert (
        place_to_decide(waits_for_all, 0, DecisionCapacity(Actor("8", "boss")), (), escalated=True)
        is not None
    )
    assert not may_decide(waits_for_all, 0, Actor("8", "boss"), ())


def test_only_admits_nobody_by_itself() -> None:
    assert not Step("Approval", only=(ANN.name,)).admits(ANN)
    assert not step(only=("dan",)).admits(Actor("7", "dan", frozenset({"viewer"})))


def test_the_role_held_now_counts_not_the_one_held_when_it_opened() -> None:
    assert not may_decide(needs(step()), 0, Actor(ANN.id, ANN.name, frozenset()), ())


@pytest.mark.req("R36")
@pytest.mark.parametrize(
    "actor", [Actor(ANN.id, ANN.name, ANN.roles, ActorKind.SERVICE), SYSTEM], ids=["service", "system"]
)
def test_only_people_decide(actor: Actor) -> None:
    assert not may_decide(needs(step(users=(actor.id,))), 0, actor, ())


@pytest.mark.parametrize("number", [-1, 1])
def test_nobody_decides_on_a_step_that_does_not_exist(number: int) -> None:
    assert not may_decide(needs(step()), number, ANN, ())


def test_who_has_decided_does_not_decide_again() -> None:
    assert not may_decide(needs(step()), 0, ANN, {ANN.id})


def test_a_requirement_survives_its_stored_form() -> None:
    stored = needs(step(StepRule.QUORUM, 2, only=("ann",), users=("bob",)), excluded=("7",))

    assert Requirement.from_dict(stored.to_dict()) == stored


def test_a_window_is_over_at_its_very_end() -> None:
    end = datetime(2026, 3, 2, tzinfo=timezone.utc)

    assert is_past(end, end)
    assert not is_past(end, end - timedelta(microseconds=1))
    assert not is_past(None, end)


names = st.sampled_from(["ann", "bob", "cat", "dan", "eve"])
roles = st.frozensets(st.sampled_from(["op", "admin", "user"]), max_size=2)
actors = st.builds(lambda n, r, k: Actor(f"id-{n}", n, r, k), names, roles, st.sampled_from(ActorKind))
steps = st.builds(
    Step,
    name=st.just("n"),
    users=st.lists(names, max_size=2).map(tuple),
    roles=st.lists(st.sampled_from(["op", "admin"]), max_size=2).map(tuple),
    rule=st.sampled_from(StepRule),
    quorum=st.integers(-1, 4),
    only=st.lists(names, max_size=2).map(tuple),
    eligible=st.lists(names.map(lambda n: Person(f"id-{n}", n)), max_size=3).map(tuple),
)
requirements = st.builds(
    lambda listed, excluded: needs(*listed, excluded=tuple(f"id-{n}" for n in excluded)),
    st.lists(steps, max_size=3),
    st.lists(names, max_size=2),
)


@given(requirements, st.lists(actors, max_size=12))
def test_an_approval_always_rests_on_distinct_people_who_may_decide(
    requirement: Requirement, tries: list[Actor]
) -> None:
    """People who may not decide try, too; their tries change nothing, and never complete a step."""
    counted: list[CountedDecision] = []
    for actor in tries:
        at = evaluate(requirement, counted).current_step
        decided = {d.actor_id for d in counted}
        if at is not None and may_decide(requirement, at, actor, decided):
            counted.append(CountedDecision(at, actor.id, Verdict.APPROVE))
            assert actor.kind is ActorKind.USER
            assert requirement.steps[at].admits(actor)
    people = [d.actor_id for d in counted]

    assert len(people) == len(set(people))
    assert not set(people) & set(requirement.excluded)
    if evaluate(requirement, counted).approved:
        assert len(people) >= sum(n.needed for n in requirement.steps) >= 1


@given(requirements, st.lists(st.tuples(names, st.integers(0, 3)), max_size=12))
def test_decisions_by_excluded_people_never_lead_to_approval(
    requirement: Requirement, tries: list[tuple[str, int]]
) -> None:
    everyone_is_excluded = Requirement("f", 1, 1, requirement.steps, tuple(f"id-{n}" for n, _ in tries))

    assert not evaluate(
        everyone_is_excluded, [CountedDecision(at, f"id-{n}", Verdict.APPROVE) for n, at in tries]
    ).approved


def member(actor: Actor, at: int = 0) -> CountedDecision:
    """An approval with what the rules know of the person."""
    return CountedDecision(at, actor.id, Verdict.APPROVE, name=actor.name, roles=actor.roles)


RISK = Actor("5", "rik", frozenset({"op", "risk"}))


@pytest.mark.req("R36")
def test_steps_side_by_side_wait_together_and_are_completed_in_any_order() -> None:
    three = needs(step(), step(beside_previous=True), step())

    assert evaluate(three, []).waiting == (0, 1)
    assert evaluate(three, [yes(ANN, 1)]).waiting == (0,)
    assert evaluate(three, [yes(ANN, 1), yes(BOB, 0)]).waiting == (2,)
    assert evaluate(three, [yes(ANN, 1), yes(BOB, 0), yes(CAT, 2)]).approved


def test_a_step_after_two_side_by_side_is_reached_with_the_last_of_their_decisions() -> None:
    start = datetime(2026, 3, 2, tzinfo=timezone.utc)
    steps = (step(), step(beside_previous=True), step())
    late = CountedDecision(0, ANN.id, Verdict.APPROVE, start + timedelta(hours=5))
    early = CountedDecision(1, BOB.id, Verdict.APPROVE, start + timedelta(hours=1))

    assert [step_opened_at(steps, [late, early], start, number) - start for number in range(3)] == [
        timedelta(),
        timedelta(),
        timedelta(hours=5),
    ]


@pytest.mark.req("R36")
@pytest.mark.parametrize("named", [{"including_roles": ("risk",)}, {"including_users": ("rik",)}])
def test_a_quorum_that_must_include_somebody_is_not_complete_without_them(
    named: dict[str, tuple[str, ...]],
) -> None:
    two = needs(step(StepRule.QUORUM, 2, **named))

    assert not evaluate(two, [member(ANN), member(BOB), member(CAT)]).approved
    assert not evaluate(two, [member(RISK)]).approved
    assert evaluate(two, [member(ANN), member(RISK)]).approved


@pytest.mark.req("R36")
def test_the_last_seat_of_a_quorum_is_kept_for_whoever_must_be_among_it() -> None:
    two = needs(step(StepRule.QUORUM, 2, including_roles=("risk",)))

    assert place_to_decide(two, 0, DecisionCapacity(BOB), []) is BOB
    assert place_to_decide(two, 0, DecisionCapacity(BOB), [member(ANN)]) is None
    assert place_to_decide(two, 0, DecisionCapacity(RISK), [member(ANN)]) is RISK
    assert place_to_decide(two, 0, DecisionCapacity(BOB), [member(RISK)]) is BOB
    in_place_of = DecisionCapacity(BOB, (Person(RISK.id, RISK.name, RISK.roles),))
    assert place_to_decide(two, 0, in_place_of, [member(ANN)]) == in_place_of.on_behalf_of[0]


def test_who_must_be_among_a_quorum_has_to_be_asked_by_the_step() -> None:
    two = needs(step(StepRule.QUORUM, 2, including_users=("boss",)))

    assert place_to_decide(two, 0, DecisionCapacity(Actor("8", "boss")), [member(ANN)]) is None
