"""Whether there are enough people for all nodes, against trying every way."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.flow.approval import Node, NodeRule
from airflow_release_plugin.domain.flow.feasibility import unmet_nodes
from airflow_release_plugin.domain.identity import Person

PEOPLE = tuple(Person(str(i), name) for i, name in enumerate(["ann", "bob", "cat", "dan"]))


def can_be_filled(needs: list[tuple[int, frozenset[Person]]], taken: frozenset[Person] = frozenset()) -> bool:
    """Whether some choice of people fills every node; tries all of them."""
    if not needs:
        return True
    (needed, eligible), *rest = needs
    return any(
        can_be_filled(rest, taken | set(chosen)) for chosen in combinations(sorted_(eligible - taken), needed)
    )


def sorted_(people: frozenset[Person]) -> list[Person]:
    return sorted(people, key=lambda person: person.id)


@st.composite
def nodes(draw: st.DrawFn) -> Node:
    eligible = tuple(draw(st.lists(st.sampled_from(PEOPLE), unique=True)))
    rule = draw(st.sampled_from(NodeRule))
    return Node("n", roles=("op",), rule=rule, quorum=draw(st.integers(1, 4)), eligible=eligible)


@given(st.lists(nodes(), min_size=1, max_size=4))
def test_it_agrees_with_trying_every_choice(level: list[Node]) -> None:
    expected = can_be_filled([(node.needed, frozenset(node.eligible)) for node in level])

    assert (unmet_nodes(level) == []) is expected


@given(st.lists(nodes(), min_size=1, max_size=4))
def test_when_people_count_twice_each_node_stands_alone(level: list[Node]) -> None:
    short = [node for node in level if len(node.eligible) < node.needed]

    assert unmet_nodes(level, counts_twice=True) == short


@pytest.mark.parametrize("rule", list(NodeRule))
def test_a_node_with_nobody_is_unmet(rule: NodeRule) -> None:
    nobody = Node("n", roles=("nobody",), rule=rule)

    assert unmet_nodes([nobody]) == [nobody]


def test_one_person_listed_twice_is_one_person() -> None:
    twice = Node("n", roles=("op",), rule=NodeRule.QUORUM, quorum=2, eligible=(PEOPLE[0], PEOPLE[0]))

    assert unmet_nodes([twice], counts_twice=True) == [twice]
    assert unmet_nodes([twice]) == [twice]


def test_a_role_with_thousands_of_holders_is_no_problem() -> None:
    crowd = tuple(Person(str(i), f"p{i}") for i in range(3000))
    everybody = Node("n", roles=("viewer",), rule=NodeRule.ALL, eligible=crowd)
    one_more = Node("m", roles=("viewer",), eligible=crowd)

    assert unmet_nodes([everybody]) == []
    assert unmet_nodes([everybody, one_more]) == [one_more]
    assert unmet_nodes([one_more, everybody]) == [everybody]
