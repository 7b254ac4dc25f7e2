"""Which flow applies, and at which level."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.flow.flow import FlowSpec, Level, Scope, StepSpec
from airflow_release_plugin.domain.flow.matching import Outcome, flows_apart, match_flows
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import DagSubject, RiskFacts
from tests.harness.flow_strategies import facts, flows

STEPS = (StepSpec("N", roles=("op",)),)
CATCH_ALL = FlowSpec("default", ReleaseKind.PROMOTION, (Level("Standard", STEPS),))
ORDERS = DagSubject("etl_orders", frozenset({"finance"}), frozenset({"ann"}), "dev")


def flow(name: str = "f", **options: object) -> FlowSpec:
    return replace(CATCH_ALL, name=name, **options)  # type: ignore[arg-type]


def outcomes(*listed: FlowSpec, dag: DagSubject = ORDERS) -> list[Outcome]:
    trials = match_flows(listed, kind=ReleaseKind.PROMOTION, facts=RiskFacts((dag,)))
    return [trial.outcome for trial in trials]


@pytest.mark.req("R30")
@given(st.lists(flows(), max_size=5), st.sampled_from(ReleaseKind), facts, st.integers(-3, 12))
def test_with_a_catch_all_at_the_end_exactly_one_flow_applies(
    listed: list[FlowSpec], kind: ReleaseKind, known: RiskFacts, at_least: int
) -> None:
    everything = [*listed, replace(CATCH_ALL, kind=kind)]
    trials = match_flows(everything, kind=kind, facts=known, at_least=at_least)
    applies = [trial for trial in trials if trial.outcome is Outcome.APPLIES]

    assert [trial.flow for trial in trials] == everything
    assert len(applies) == 1
    assert applies[0].flow.kind is kind
    assert applies[0].flow.enabled
    assert applies[0].level is not None
    assert 1 <= applies[0].level <= len(applies[0].flow.levels)
    assert all(trial.level is None for trial in trials if trial is not applies[0])


@pytest.mark.req("R33")
@given(flows(kinds=(ReleaseKind.PROMOTION,)), facts, st.integers(-5, 15), st.integers(-5, 15))
def test_people_raise_the_level_and_never_lower_it(
    one: FlowSpec, known: RiskFacts, low: int, high: int
) -> None:
    everywhere = replace(one, scope=Scope(), enabled=True)
    low, high = sorted((low, high))
    trials = [
        match_flows([everywhere], kind=one.kind, facts=known, at_least=level)[0] for level in (1, low, high)
    ]
    own, lower, higher = (trial.level or 0 for trial in trials)

    assert own <= lower <= higher <= len(one.levels)
    assert higher >= min(high, len(one.levels))
    assert [trial.raised_from for trial in trials] == [
        None,
        own if lower > own else None,
        own if higher > own else None,
    ]


@given(st.lists(flows(), min_size=1, max_size=5), facts)
def test_a_flow_behind_the_one_that_applies_changes_nothing(listed: list[FlowSpec], known: RiskFacts) -> None:
    first = match_flows([CATCH_ALL], kind=ReleaseKind.PROMOTION, facts=known)[0]

    assert match_flows([CATCH_ALL, *listed], kind=ReleaseKind.PROMOTION, facts=known)[0] == first


def test_the_first_that_fits_applies_and_the_others_say_why_not() -> None:
    assert outcomes(
        flow(kind=ReleaseKind.GATE),
        flow(enabled=False),
        flow(scope=Scope(tags=("sandbox",))),
        flow(scope=Scope(dag_ids=("etl_*",))),
        flow(),
    ) == [
        Outcome.OTHER_KIND,
        Outcome.DISABLED,
        Outcome.OUT_OF_SCOPE,
        Outcome.APPLIES,
        Outcome.LOWER_PRIORITY,
    ]


@pytest.mark.req("R30")
@pytest.mark.parametrize(
    ("scope", "fits"),
    [
        (Scope(), True),
        (Scope(dag_ids=("etl_*",)), True),
        (Scope(dag_ids=("ETL_*",)), False),
        (Scope(dag_ids=("orders",)), False),
        (Scope(tags=("finance", "other")), True),
        (Scope(owners=("bob",)), False),
        (Scope(sources=("dev",)), True),
        (Scope(dag_ids=("etl_*",), owners=("bob",)), False),
        (Scope(dag_ids=("etl_*",), owners=("ann",), tags=("finance",), sources=("dev",)), True),
        (Scope(dag_ids=("[",)), False),
    ],
)
def test_a_dag_fits_a_scope_when_it_fits_every_field_that_is_set(scope: Scope, fits: bool) -> None:
    assert scope.fits(ORDERS) is fits


def test_a_package_is_in_scope_when_one_of_its_dags_is() -> None:
    scope = Scope(tags=("finance",))

    assert scope.covers([DagSubject("harmless"), ORDERS])
    assert not scope.covers([DagSubject("harmless")])
    assert not scope.covers([])


def apart(listed: list[FlowSpec], kind: ReleaseKind, known: RiskFacts) -> dict[str, str]:
    return flows_apart(match_flows(listed, kind=kind, facts=known), kind=kind, facts=known)


def test_dags_under_different_flows_are_named_with_theirs() -> None:
    rest = DagSubject("rest", frozenset(), frozenset({"bob"}), "dev")
    listed = [flow("off", enabled=False), flow("finance", scope=Scope(tags=("finance",))), CATCH_ALL]

    both = apart(listed, ReleaseKind.PROMOTION, RiskFacts((ORDERS, rest)))

    assert both == {"etl_orders": "finance", "rest": "default"}
    assert apart(listed, ReleaseKind.PROMOTION, RiskFacts((ORDERS,))) == {}
    assert apart([CATCH_ALL], ReleaseKind.PROMOTION, RiskFacts((ORDERS, rest))) == {}


@given(st.lists(flows(), max_size=5), st.sampled_from(ReleaseKind), facts)
def test_a_package_falls_under_the_first_of_the_flows_of_its_dags(
    listed: list[FlowSpec], kind: ReleaseKind, known: RiskFacts
) -> None:
    everything = [
        *(replace(each, name=f"{index}") for index, each in enumerate(listed)),
        replace(CATCH_ALL, kind=kind),
    ]
    trials = match_flows(everything, kind=kind, facts=known)
    names = [each.name for each in everything]
    applies = next(trial.flow.name for trial in trials if trial.outcome is Outcome.APPLIES)
    alone = flows_apart(trials, kind=kind, facts=known)

    assert not alone or applies == min(alone.values(), key=names.index)


@pytest.mark.req("R82")
def test_a_dag_that_also_changes_brings_its_flow_and_says_so() -> None:
    finance = flow("finance", scope=Scope(tags=("finance",)))
    also = RiskFacts((DagSubject("a"),), also_changed=(ORDERS,))
    trials = match_flows([finance, CATCH_ALL], kind=ReleaseKind.PROMOTION, facts=also)

    assert trials[0].outcome is Outcome.APPLIES
    apart = flows_apart(trials, kind=ReleaseKind.PROMOTION, facts=also)
    assert apart == {"a": "default", "etl_orders": "finance"}
