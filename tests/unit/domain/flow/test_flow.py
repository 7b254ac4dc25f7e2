"""Which level a flow gives, and which levels can never apply."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from airflow_release_plugin.domain.flow.flow import FlowSpec, Level, LevelRule, StepSpec
from airflow_release_plugin.domain.flow.rules import level_warnings
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import ChangeFact, DagSubject, RiskFacts
from tests.harness.flow_strategies import facts, flows


def level(rule: LevelRule, name: str = "L") -> Level:
    return Level(name, (StepSpec("N", roles=("op",)),), rule)


def flow_of(*rules: LevelRule) -> FlowSpec:
    return FlowSpec("f", ReleaseKind.PROMOTION, tuple(level(rule, f"L{i}") for i, rule in enumerate(rules)))


def test_the_highest_level_that_holds_applies() -> None:
    flow = flow_of(LevelRule(), LevelRule(min_lines=10), LevelRule(min_lines=100))

    assert [flow.level_for(RiskFacts((), lines=n)) for n in (0, 10, 99, 100)] == [1, 2, 2, 3]


def test_a_gap_in_the_rules_is_treated_as_the_highest_level() -> None:
    assert flow_of(LevelRule(min_lines=5), LevelRule(min_lines=10)).level_for(RiskFacts((), lines=1)) == 2


def test_what_is_unknown_may_be_any_change() -> None:
    flow = flow_of(LevelRule(), LevelRule(changes=(ChangeFact.SCHEDULE,)))
    unknown = RiskFacts((), changes=frozenset({ChangeFact.MODIFIED, ChangeFact.UNKNOWN}))

    assert flow.level_for(unknown) == 2


@pytest.mark.parametrize(
    ("lower", "higher", "is_warned"),
    [
        (LevelRule(), LevelRule(), True),
        (LevelRule(min_lines=9), LevelRule(min_lines=5), True),
        (LevelRule(min_lines=5), LevelRule(min_lines=9), False),
        (LevelRule(max_dags=2), LevelRule(max_dags=5), True),
        (LevelRule(max_dags=5), LevelRule(max_dags=2), False),
        (LevelRule(tags=("a",)), LevelRule(tags=("a", "b")), True),
        (LevelRule(tags=("a", "b")), LevelRule(tags=("a",)), False),
        (LevelRule(changes=(ChangeFact.NEW,), tags=("a",)), LevelRule(changes=(ChangeFact.NEW,)), True),
        (LevelRule(), LevelRule(changes=(ChangeFact.NEW,)), False),
    ],
)
def test_a_level_that_can_never_apply_is_warned_of(
    lower: LevelRule, higher: LevelRule, is_warned: bool
) -> None:
    warnings = level_warnings([level(lower), level(higher)])

    assert any("Level 1" in text and "never apply" in text for text in warnings) is is_warned


def test_levels_that_leave_a_gap_are_warned_of() -> None:
    assert any("No level holds for everything" in w for w in level_warnings([level(LevelRule(min_lines=3))]))
    assert level_warnings([level(LevelRule()), level(LevelRule(min_lines=3))]) == []


@given(flows(kinds=(ReleaseKind.PROMOTION,)), facts)
def test_no_change_is_at_a_level_of_which_the_warning_says_that_it_never_applies(
    flow: FlowSpec, given_facts: RiskFacts
) -> None:
    never = [number for number in range(1, len(flow.levels)) if f"Level {number} (" in str(warned(flow))]

    assert flow.level_for(given_facts) not in never


def warned(flow: FlowSpec) -> list[str]:
    return [text for text in level_warnings(flow.levels) if "never apply" in text]


@given(flows(kinds=(ReleaseKind.PROMOTION,)), facts, facts)
def test_more_facts_never_lower_the_level_where_no_level_asks_for_few(
    flow: FlowSpec, one: RiskFacts, other: RiskFacts
) -> None:
    if any(level.rule.max_dags is not None for level in flow.levels):
        return
    if not any(level.rule.is_empty for level in flow.levels):
        return
    both = RiskFacts(
        dags=(*one.dags, *other.dags),
        changes=one.changes | other.changes,
        lines=one.lines + other.lines,
        impacted=(*one.impacted, *other.impacted),
    )

    assert flow.level_for(both) >= flow.level_for(one)


def test_a_tag_of_one_dag_is_enough_for_its_level() -> None:
    flow = flow_of(LevelRule(), LevelRule(tags=("critical",)))
    dags = (DagSubject("a"), DagSubject("b", tags=frozenset({"critical"})))

    assert flow.level_for(RiskFacts(dags)) == 2


CRITICAL = DagSubject("billing", tags=frozenset({"critical"}))


@pytest.mark.req("R82")
@pytest.mark.parametrize(
    "rule",
    [LevelRule(tags=("critical",)), LevelRule(min_dags=2), LevelRule(changes=(ChangeFact.ALSO_CHANGES,))],
)
def test_a_dag_that_also_changes_raises_the_level_like_one_that_is_named(rule: LevelRule) -> None:
    flow = flow_of(LevelRule(), rule)
    named = RiskFacts((DagSubject("a"),))
    also = replace(named, changes=frozenset({ChangeFact.ALSO_CHANGES}), also_changed=(CRITICAL,))

    assert (flow.level_for(named), flow.level_for(also)) == (1, 2)


@pytest.mark.req("R82")
def test_a_dag_that_also_changes_does_not_lead_out_of_a_level_for_few_dags() -> None:
    flow = flow_of(LevelRule(), LevelRule(max_dags=1, tags=("critical",)))

    assert flow.level_for(RiskFacts((CRITICAL,), also_changed=(DagSubject("b"),))) == 2
    assert flow.level_for(RiskFacts((DagSubject("b"),), also_changed=(CRITICAL,))) == 2


@pytest.mark.req("R82")
@given(flows(kinds=(ReleaseKind.PROMOTION,)), facts)
def test_what_it_also_changes_never_lowers_the_level(flow: FlowSpec, known: RiskFacts) -> None:
    assert flow.level_for(known) >= flow.level_for(replace(known, also_changed=()))
