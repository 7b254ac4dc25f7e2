"""Whether there are enough people for all steps, against trying every way."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.flow.approval import Step, StepRule
from airflow_release_plugin.domain.flow.feasibility import unmet_steps
from airflow_release_plugin.domain.identity import Person

PEOPLE = tuple(Person(str(i), name) for i, name in enumerate(["ann", "bob", "cat", "dan"]))


def can_be_filled(needs: list[Step], taken: frozenset[Person] = frozenset()) -> bool:
    """Whether some choice of people fills every step; tries all of them."""
    if not needs:
        return True
    step, *rest = needs
    return any(
        can_be_filled(rest, taken | set(chosen))
        for chosen in combinations(sorted_(frozenset(step.eligible) - taken), step.needed)
        if not step.including_users or any(person.name in step.including_users for person in chosen)
    )


def sorted_(people: frozenset[Person]) -> list[Person]:
    return sorted(people, key=lambda person: person.id)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    eligible = tuple(draw(st.lists(st.sampled_from(PEOPLE), unique=True)))
    rule = draw(st.sampled_from(StepRule))
    members = st.lists(st.sampled_from(["ann", "bob", "eve"]), unique=True).map(tuple)
    return Step(
        "n",
        roles=("op",),
        rule=rule,
        quorum=draw(st.integers(1, 4)),
        including_users=draw(members) if rule is StepRule.QUORUM else (),
        eligible=eligible,
    )


@given(st.lists(steps(), min_size=1, max_size=4))
def test_it_agrees_with_trying_every_choice(level: list[Step]) -> None:
    assert (unmet_steps(level) == []) is can_be_filled(level)


@given(st.lists(steps(), min_size=1, max_size=4))
def test_when_people_count_twice_each_step_stands_alone(level: list[Step]) -> None:
    short = [step for step in level if not can_be_filled([step])]

    assert unmet_steps(level, counts_twice=True) == short


@pytest.mark.parametrize("rule", list(StepRule))
def test_a_step_with_nobody_is_unmet(rule: StepRule) -> None:
    nobody = Step("n", roles=("nobody",), rule=rule)

    assert unmet_steps([nobody]) == [nobody]


def test_one_person_listed_twice_is_one_person() -> None:
    twice = Step("n", roles=("op",), rule=StepRule.QUORUM, quorum=2, eligible=(PEOPLE[0], PEOPLE[0]))

    assert unmet_steps([twice], counts_twice=True) == [twice]
    assert unmet_steps([twice]) == [twice]


def test_a_role_with_thousands_of_holders_is_no_problem() -> None:
    crowd = tuple(Person(str(i), f"p{i}") for i in range(3000))
    everybody = Step("n", roles=("viewer",), rule=StepRule.ALL, eligible=crowd)
    one_more = Step("m", roles=("viewer",), eligible=crowd)

    assert unmet_steps([everybody]) == []
    assert unmet_steps([everybody, one_more]) == [one_more]
    assert unmet_steps([one_more, everybody]) == [everybody]
