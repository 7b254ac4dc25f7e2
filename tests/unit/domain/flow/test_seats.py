"""At which of several steps somebody's verdict is counted."""

from __future__ import annotations

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
)
from airflow_release_plugin.domain.flow.feasibility import unmet_steps
from airflow_release_plugin.domain.flow.seats import open_seats
from airflow_release_plugin.domain.identity import Actor, Person

ANN = Actor("1", "ann", frozenset({"team"}))
BEA = Actor("2", "bea", frozenset({"team", "risk"}))
CAT = Actor("3", "cat", frozenset({"risk"}))
CROWD = tuple(Actor(str(i), f"p{i}", frozenset(roles)) for i, roles in enumerate(["a", "b", "ab", "ab", "c"]))


def beside(*steps: Step, counts_twice: bool = False) -> Requirement:
    return Requirement("f", 1, 1, steps, counts_twice=counts_twice)


def step(role: str, *people: Actor, **options: object) -> Step:
    eligible = tuple(Person(p.id, p.name, p.roles) for p in people if role in p.roles)
    values = {"beside_previous": True, "eligible": eligible, **options}
    return Step(role, roles=(role,), **values)  # type: ignore[arg-type]


def steps_of(requirement: Requirement, actor: Actor, *given_before: CountedDecision) -> list[int]:
    return [seat.step for seat in open_seats(requirement, DecisionCapacity(actor), given_before)]


@pytest.mark.req("R36")
def test_who_could_decide_at_two_steps_takes_the_one_that_nobody_else_can() -> None:
    risk_needs_bea = beside(step("team", ANN, BEA), step("risk", ANN, BEA))
    team_needs_bea = beside(step("team", BEA, CAT), step("risk", BEA, CAT))

    assert steps_of(risk_needs_bea, BEA) == [1, 0]
    assert steps_of(team_needs_bea, BEA) == [0, 1]


@pytest.mark.req("R36")
def test_a_later_step_is_thought_of_as_well() -> None:
    later = step("risk", ANN, BEA, CAT, rule=StepRule.ALL, beside_previous=False)
    requirement = beside(step("team", ANN, BEA), step("risk", BEA, CAT), later)

    # Everybody of risk is wanted in the end, which bea makes impossible wherever she decides now.
    assert steps_of(requirement, BEA) == [0, 1]


def test_a_step_that_is_complete_has_no_seat_left() -> None:
    requirement = beside(step("team", ANN, BEA), step("risk", BEA, CAT))
    given_before = CountedDecision(0, ANN.id, Verdict.APPROVE, name="ann", roles=ANN.roles)

    assert steps_of(requirement, BEA, given_before) == [1]
    assert steps_of(requirement, ANN, given_before) == []


quorums = st.builds(
    lambda role, quorum, member: step(
        role,
        *CROWD,
        rule=StepRule.QUORUM,
        quorum=quorum,
        including_roles=(member,) if member else (),
    ),
    st.sampled_from("abc"),
    st.integers(1, 2),
    st.sampled_from(["", "a", "b"]),
)


@pytest.mark.req("R36")
@given(st.lists(quorums, min_size=1, max_size=3), st.permutations(CROWD))
def test_where_the_people_are_enough_nobody_is_stranded_by_the_order_in_which_they_come(
    steps: list[Step], order: list[Actor]
) -> None:
    """Whoever comes takes the seat that is offered first; who comes later can still complete the rest."""
    requirement = beside(*steps)
    if unmet_steps(steps):
        return
    given_before: list[CountedDecision] = []
    for actor in [*order, *order]:
        seats = open_seats(requirement, DecisionCapacity(actor), given_before)
        if seats:
            given_before.append(seats[0].decision(actor))

    assert evaluate(requirement, given_before).approved
