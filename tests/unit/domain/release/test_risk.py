"""The facts that levels look at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.flow.flow import LevelRule
from airflow_release_plugin.domain.release.risk import ChangeFact, DagSubject, RiskFacts
from tests.harness.flow_strategies import facts, rules

TWO = (DagSubject("a", frozenset({"critical"})), DagSubject("b"))


@pytest.mark.req("R33")
@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        (LevelRule(), True),
        (LevelRule(changes=(ChangeFact.POOL, ChangeFact.QUEUE)), True),
        (LevelRule(changes=(ChangeFact.NEW,)), False),
        (LevelRule(tags=("critical",)), True),
        (LevelRule(tags=("Critical",)), False),
        (LevelRule(min_dags=2, max_dags=2), True),
        (LevelRule(min_dags=3), False),
        (LevelRule(max_dags=1), False),
        (LevelRule(min_lines=10), True),
        (LevelRule(min_lines=11), False),
        (LevelRule(min_impacted=1), True),
        (LevelRule(min_impacted=2), False),
        (LevelRule(changes=(ChangeFact.POOL,), min_lines=11), False),
    ],
)
def test_a_rule_holds_when_every_field_that_is_set_holds(rule: LevelRule, holds: bool) -> None:
    known = RiskFacts(TWO, frozenset({ChangeFact.POOL}), lines=10, impacted=("c",))

    assert rule.holds(known) is holds


@given(rules(), rules(), facts)
def test_a_rule_that_implies_another_holds_only_where_that_does(
    one: LevelRule, other: LevelRule, known: RiskFacts
) -> None:
    if one.implies(other) and one.holds(known):
        assert other.holds(known)


@given(rules())
def test_every_rule_implies_itself_and_the_empty_one(rule: LevelRule) -> None:
    assert rule.implies(rule)
    assert rule.implies(LevelRule())


@given(facts, st.sampled_from(ChangeFact))
def test_the_unknown_may_be_any_change(known: RiskFacts, change: ChangeFact) -> None:
    unknown = RiskFacts(known.dags, frozenset({ChangeFact.UNKNOWN}), known.lines, known.impacted)

    assert LevelRule(changes=(change,)).holds(unknown)
