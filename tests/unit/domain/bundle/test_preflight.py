from __future__ import annotations

import pytest

from airflow_release_plugin.domain.bundle.inventory import Kind
from airflow_release_plugin.domain.bundle.name_table import KINDS
from airflow_release_plugin.domain.bundle.preflight import (
    DEFAULT_WEIGHTS,
    FIRM,
    MISSING,
    Item,
    PreflightFinding,
    Reason,
    Severity,
    blocking,
    read_policy,
    rows_from,
    with_severity,
)
from airflow_release_plugin.domain.bundle.preflight_messages import WORDS

pytestmark = pytest.mark.req("R53")
POOL, QUEUE, SAME = Reason.MISSING_POOL, Reason.UNKNOWN_QUEUE, Reason.UNCHANGED


def test_every_reason_has_a_weight_and_words() -> None:
    assert set(DEFAULT_WEIGHTS) == set(WORDS) == set(Reason)
    assert all(words.title and words.next_step.endswith(".") for words in WORDS.values())


def test_what_no_policy_makes_lighter_blocks() -> None:
    assert {DEFAULT_WEIGHTS[reason] for reason in FIRM} == {Severity.BLOCK}


def test_names_that_mean_nothing_here_are_told_by_kind_and_stubs_stand_for_all_but_queues() -> None:
    assert tuple(MISSING) == KINDS
    rows = [PreflightFinding(reason, Severity.BLOCK, ()) for reason in (*MISSING.values(), SAME)]

    assert [row.missing_kind for row in rows] == [*KINDS, ""]
    assert [row.placeholder_kind for row in rows] == [*Kind, None, None]


class TestWeighed:
    def test_a_row_has_each_item_once_by_name_and_the_weightiest_row_is_first(self) -> None:
        rows = with_severity(
            [(SAME, Item("a")), (QUEUE, Item("b")), (POOL, Item("d")), (POOL, Item("c"))] * 2
        )

        assert rows == (
            PreflightFinding(POOL, Severity.BLOCK, (Item("c"), Item("d"))),
            PreflightFinding(QUEUE, Severity.WARN, (Item("b"),)),
            PreflightFinding(SAME, Severity.OK, (Item("a"),)),
        )
        assert blocking(rows) == rows[:1]

    def test_a_policy_decides_what_blocks(self) -> None:
        weights = read_policy("unknown_queue: block, Missing_Pool : WARN,").weights

        rows = with_severity([(POOL, Item("c")), (QUEUE, Item("b"))], weights)

        assert [(row.reason, row.severity) for row in rows] == [
            (QUEUE, Severity.BLOCK),
            (POOL, Severity.WARN),
        ]

    def test_rows_survive_as_json(self) -> None:
        rows = with_severity([(POOL, Item("c", "detail", ("etl",)))])

        assert rows_from(row.to_dict() for row in rows) == rows


class TestPolicy:
    def test_an_empty_one_leaves_the_defaults(self) -> None:
        assert read_policy(" , ").weights == DEFAULT_WEIGHTS
        assert not read_policy("").problems

    @pytest.mark.parametrize(
        "part", ["missing_pools: warn", "missing_pool: heavy", "missing_pool", "missing_pool = warn"]
    )
    def test_what_cannot_be_understood_is_a_problem_and_the_rest_counts(self, part: str) -> None:
        policy = read_policy(f"{part}, unknown_queue: block")

        assert policy.problems == (part,)
        assert policy.weights == {**DEFAULT_WEIGHTS, QUEUE: Severity.BLOCK}

    @pytest.mark.parametrize("reason", sorted(FIRM))
    def test_a_firm_reason_keeps_its_weight(self, reason: Reason) -> None:
        policy = read_policy(f"{reason.value}: warn")

        assert policy.problems == (f"{reason.value}: warn",)
        assert policy.weights == DEFAULT_WEIGHTS
        assert not read_policy(f"{reason.value}: block").problems
