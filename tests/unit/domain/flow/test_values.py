"""What a flow may be, and how it is written down."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given

from airflow_release_plugin.domain.flow.flow import FlowSpec
from airflow_release_plugin.domain.flow.rules import check_flow
from airflow_release_plugin.domain.flow.values import flow_from_dict, flow_to_dict, stored_flow
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.exceptions import InvalidRequestError
from tests.harness.flow_strategies import flows

FLOW: dict[str, Any] = {
    "name": "Four eyes",
    "kind": "promotion",
    "levels": [{"name": "Standard", "steps": [{"name": "Review", "roles": ["op"]}]}],
}
STEP = ("levels", 0, "steps", 0)


def changed(*path: Any, value: Any) -> dict[str, Any]:
    """The flow above with one value put elsewhere."""
    flow = deepcopy(FLOW)
    *way, last = path
    place: Any = flow
    for step in way:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    place[last] = value
    return flow


@pytest.mark.req("R41")
@given(flows())
def test_a_flow_written_down_and_read_again_is_the_same(flow: FlowSpec) -> None:
    check_flow(flow)

    assert flow_from_dict(json.loads(json.dumps(flow_to_dict(flow)))) == flow


@pytest.mark.req("R31")
@pytest.mark.parametrize(
    "name", ["a", "x" * 110, "四眼原则", "Four eyes - v1.2_b", "Größe", "9", "审批 流程", "Ωmega"]
)
def test_names_of_letters_of_any_language_digits_and_a_few_signs_are_good(name: str) -> None:
    assert flow_from_dict({**FLOW, "name": name}).name == name


@pytest.mark.req("R31")
@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 111,
        " a",
        "a ",
        " ",
        "a\n",
        "a\tb",
        "a/b",
        "<b>",
        "🚀 fast",
        "a\x00",
        "a\u00a0b",
        "a:b",
        "a,b",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError):
        flow_from_dict({**FLOW, "name": name})


@pytest.mark.parametrize("window", ["approval", "wait", "execution"])
@pytest.mark.parametrize(
    "hours", [0, -1, 240.5, 241, float("nan"), float("inf"), "24", True, [24], 10**400, "NaN"]
)
def test_validity_is_more_than_0_and_at_most_240_hours(window: str, hours: Any) -> None:
    with pytest.raises(InvalidRequestError):
        flow_from_dict(changed("validity", window, value=hours))


@pytest.mark.parametrize("hours", [0.5, 1, 240, 240.0])
def test_validity_up_to_240_hours_is_good(hours: float) -> None:
    assert flow_from_dict(changed("validity", "wait", value=hours)).validity.wait == hours


@pytest.mark.req("R32")
@pytest.mark.parametrize(("number", "is_good"), [(0, False), (1, True), (10, True), (11, False)])
def test_a_flow_has_1_to_10_levels(number: int, is_good: bool) -> None:
    flow = {**FLOW, "levels": FLOW["levels"] * number}

    if is_good:
        assert len(flow_from_dict(flow).levels) == number
    else:
        with pytest.raises(InvalidRequestError, match="1 to 10 levels"):
            flow_from_dict(flow)


def test_a_flow_that_nothing_would_ever_ask_is_refused_but_one_that_is_stored_is_read() -> None:
    flow = {**FLOW, "kind": "export"}

    with pytest.raises(InvalidRequestError, match="a matter of rights") as refused:
        flow_from_dict(flow)
    assert refused.value.context["problems"][0]["field"] == "kind"
    assert stored_flow(flow).kind is ReleaseKind.EXPORT


@pytest.mark.req("R32")
@pytest.mark.parametrize("kind", [ReleaseKind.GATE, ReleaseKind.RETIREMENT])
def test_kinds_other_than_promotion_rollback_and_import_have_one_level(kind: ReleaseKind) -> None:
    with pytest.raises(InvalidRequestError, match="exactly one level"):
        flow_from_dict({**FLOW, "kind": kind.value, "levels": FLOW["levels"] * 2})


@pytest.mark.req("R41")
@pytest.mark.parametrize(
    "flow",
    [
        [],
        None,
        "flow",
        {},
        {"name": "x"},
        {**FLOW, "extra": 1},
        {**FLOW, 7: 1},
        {**FLOW, "kind": "other"},
        {**FLOW, "kind": None},
        {**FLOW, "name": 5},
        {**FLOW, "name": ["x"]},
        {**FLOW, "levels": None},
        {**FLOW, "levels": {"a": 1}},
        {**FLOW, "levels": "x"},
        {**FLOW, "levels": [[]]},
        {**FLOW, "enabled": "false"},
        {**FLOW, "counts_twice": "no"},
        {**FLOW, "counts_twice": 1},
        {**FLOW, "remark": ["x"]},
        {**FLOW, "remark": "x" * 201},
        {**FLOW, "pipeline_dag_id": 7},
        {**FLOW, "break_glass_roles": "admin"},
        {**FLOW, "break_glass_confirm_minutes": 5},
        {**FLOW, "break_glass_roles": ["admin"], "break_glass_confirm_minutes": 0},
        {**FLOW, "break_glass_roles": ["admin"], "break_glass_confirm_minutes": 1441},
        {**FLOW, "break_glass_roles": [""]},
        {**FLOW, "notifiers": ["x"]},
        {**FLOW, "calendar": ["x"]},
        {**FLOW, "calendar": [{"name": "x", "kind": "deny", "cron": "0 0 * * *", "minutes": 5, "tz": "UTC"}]},
        {**FLOW, "calendar": [{"name": "x", "kind": "deny", "cron": "0 0 * * *", "minutes": 5}] * 31},
        {**FLOW, "scope": {"dag_ids": "etl_*"}},
        {**FLOW, "scope": {"tags": [None]}},
        {**FLOW, "scope": {"tag": ["x"]}},
        {**FLOW, "scope": []},
        changed(*STEP, "users", value="ann"),
        changed(*STEP, "users", value=[5]),
        changed(*STEP, "users", value=[" ann"]),
        changed(*STEP, "roles", value="op"),
        changed(*STEP, "roles", value=[""]),
        changed(*STEP, "roles", value=["op\x00"]),
        changed(*STEP, "roles", value=[]),
        changed(*STEP, "rule", value="most"),
        changed(*STEP, "rule", value=["any"]),
        changed(*STEP, "name", value=""),
        changed(*STEP, "only", value=["ann"]),
        changed(*STEP, "eligible", value=[]),
        changed(*STEP, "escalate_users", value=["boss"]),
        changed(*STEP, "escalate_after_hours", value=5),
        changed("levels", 0, "name", value=""),
        changed("levels", 0, "steps", value=[]),
        changed("levels", 0, "steps", value=FLOW["levels"][0]["steps"] * 11),
        changed("levels", 0, "rule", value={"changes": ["boom"]}),
        changed("levels", 0, "rule", value={"changes": "new"}),
        changed("levels", 0, "rule", value={"min_dags": -1}),
        changed("levels", 0, "rule", value={"min_dags": "3"}),
        changed("levels", 0, "rule", value={"min_lines": float("nan")}),
        changed("levels", 0, "rule", value={"min_lines": 1.5}),
        changed("levels", 0, "rule", value={"min_lines": 10**30}),
        changed("levels", 0, "rule", value={"min_dags": 3, "max_dags": 2}),
    ],
)
def test_what_is_not_a_flow_is_refused_with_a_message(flow: Any) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        flow_from_dict(flow)

    assert len(refused.value.message) > 10


@pytest.mark.parametrize("quorum", [0, -1, 101, 10**9, 1.5, "2", True, None])
def test_a_quorum_is_1_to_100(quorum: Any) -> None:
    step = {"name": "Review", "roles": ["op"], "rule": "quorum", "quorum": quorum}

    if quorum is None:
        assert flow_from_dict(changed(*STEP, value=step)).levels[0].steps[0].quorum == 1
    else:
        with pytest.raises(InvalidRequestError):
            flow_from_dict(changed(*STEP, value=step))


@pytest.mark.parametrize("hours", [0, -1, 241, float("nan")])
def test_escalation_comes_within_240_hours(hours: float) -> None:
    step = {"name": "N", "roles": ["op"], "escalate_after_hours": hours, "escalate_users": ["boss"]}

    with pytest.raises(InvalidRequestError):
        flow_from_dict(changed(*STEP, value=step))


def test_the_first_step_of_a_level_stands_beside_none() -> None:
    with pytest.raises(InvalidRequestError, match="no step is before it to stand beside"):
        flow_from_dict(changed(*STEP, "beside_previous", value=True))


@pytest.mark.parametrize("rule", ["any", "all"])
@pytest.mark.parametrize("field", ["including_users", "including_roles"])
def test_only_a_quorum_says_who_must_be_among_it(rule: str, field: str) -> None:
    step = {"name": "Review", "roles": ["op"], "rule": rule, field: ["risk"]}

    with pytest.raises(InvalidRequestError, match="which only a quorum can"):
        flow_from_dict(changed(*STEP, value=step))
    assert flow_from_dict(changed(*STEP, value={**step, "rule": "quorum", "quorum": 2}))


def test_every_problem_is_named_at_once() -> None:
    broken = {**changed(*STEP, "roles", value=[]), "name": "", "validity": {"wait": 0}}

    with pytest.raises(InvalidRequestError) as refused:
        flow_from_dict(broken)

    assert len(refused.value.context["problems"]) == 3
