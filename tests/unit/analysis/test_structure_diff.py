"""What changed in the structure of DAGs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.analysis.parsed_dag import ParsedDag, ParsedTask
from airflow_release_plugin.analysis.structure_diff import PartState, diff_dags
from airflow_release_plugin.domain.release.risk import ChangeFact

TASKS = (ParsedTask("a", "EmptyOperator", owner="ann"), ParsedTask("b", "PythonOperator", callable="load"))


def dag(**options: Any) -> ParsedDag:
    return ParsedDag("etl", **{"schedule": "@daily", "tasks": TASKS, "edges": (("a", "b"),), **options})


def task(**options: Any) -> ParsedDag:
    """The DAG with another second task."""
    values = {"task_id": "b", "type": "PythonOperator", "callable": "load", **options}
    return dag(tasks=(TASKS[0], ParsedTask(**values)))


def facts(new: ParsedDag, old: ParsedDag | None = None) -> dict[ChangeFact, str]:
    (diff,) = diff_dags([old or dag()], [new])
    return dict(diff.facts())


@pytest.mark.req("R33")
@pytest.mark.parametrize(
    ("new", "fact", "reason"),
    [
        (dag(schedule="@hourly"), ChangeFact.SCHEDULE, "etl: schedule @daily → @hourly"),
        (dag(schedule=None), ChangeFact.SCHEDULE, "etl: schedule @daily → none"),
        (dag(assets_in=("x",)), ChangeFact.SCHEDULE, "etl: assets_in none → x"),
        (dag(catchup=True), ChangeFact.CATCHUP, "etl: catchup False → True"),
        (dag(tags=("new",)), ChangeFact.TAGS, "etl: tags none → new"),
        (dag(owners=("bob",)), ChangeFact.OWNER, "etl: owners none → bob"),
        (dag(edges=(("b", "a"),)), ChangeFact.DEPENDENCIES, "etl: b → a added"),
        (dag(edges=()), ChangeFact.DEPENDENCIES, "etl: a → b removed"),
        (task(retries=3), ChangeFact.RETRIES, "etl.b: retries 0 → 3"),
        (task(pool="big"), ChangeFact.POOL, "etl.b: pool none → big"),
        (task(queue="fast"), ChangeFact.QUEUE, "etl.b: queue none → fast"),
        (task(type="BashOperator"), ChangeFact.OPERATOR, "etl.b: type PythonOperator → BashOperator"),
        (task(callable="store"), ChangeFact.OPERATOR, "etl.b: callable load → store"),
        (task(owner="eve"), ChangeFact.OWNER, "etl.b: owner none → eve"),
        (task(trigger_rule="all_done"), ChangeFact.DEPENDENCIES, "etl.b: trigger_rule none → all_done"),
        (dag(tasks=(*TASKS, ParsedTask("c", "X"))), ChangeFact.TASK_ADDED, "etl.c"),
        (dag(tasks=TASKS[:1], edges=()), ChangeFact.TASK_REMOVED, "etl.b"),
    ],
)
def test_each_change_is_one_fact_with_what_it_was_found_on(
    new: ParsedDag, fact: ChangeFact, reason: str
) -> None:
    assert facts(new) == {fact: reason}


@pytest.mark.parametrize(
    "new", [dag(), dag(description="told"), dag(assets_out=("x",)), dag(tasks=TASKS[::-1])]
)
def test_what_says_nothing_about_risk_is_no_fact(new: ParsedDag) -> None:
    assert facts(new) == {}


def test_new_and_removed_dags_are_only_that() -> None:
    gone, came = ParsedDag("gone", tasks=TASKS), ParsedDag("came", tasks=TASKS)
    diffs = diff_dags([gone, dag()], [came, dag()])

    assert [(d.dag_id, d.state, list(d.facts())) for d in diffs] == [
        ("came", PartState.ADDED, [(ChangeFact.NEW, "came")]),
        ("etl", PartState.SAME, []),
        ("gone", PartState.REMOVED, [(ChangeFact.REMOVED, "gone")]),
    ]


def test_the_states_of_tasks_and_edges_are_those_of_both_sides() -> None:
    new = dag(
        tasks=(ParsedTask("a", "EmptyOperator", owner="eve"), ParsedTask("c", "X")), edges=(("a", "c"),)
    )
    (diff,) = diff_dags([dag()], [new])

    assert diff.tasks == {"a": PartState.CHANGED, "b": PartState.REMOVED, "c": PartState.ADDED}
    assert diff.edges == {("a", "b"): PartState.REMOVED, ("a", "c"): PartState.ADDED}


tasks = st.builds(
    ParsedTask,
    st.sampled_from("abc"),
    st.sampled_from(["X", "Y"]),
    pool=st.sampled_from(["", "p"]),
    retries=st.integers(0, 1),
    callable=st.sampled_from(["", "f"]),
)
dags = st.builds(
    ParsedDag,
    st.sampled_from(["one", "two"]),
    schedule=st.sampled_from([None, "@daily"]),
    catchup=st.booleans(),
    tasks=st.lists(tasks, max_size=3, unique_by=lambda task: task.task_id).map(tuple),
    edges=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), unique=True, max_size=2).map(
        lambda edges: tuple(sorted(edges))
    ),
)
sides = st.lists(dags, max_size=2, unique_by=lambda dag: dag.dag_id)


@given(sides)
def test_the_same_against_itself_has_no_facts(side: list[ParsedDag]) -> None:
    assert all(diff.state is PartState.SAME and not list(diff.facts()) for diff in diff_dags(side, side))


@given(sides, sides)
def test_forth_and_back_are_mirror_images(old: list[ParsedDag], new: list[ParsedDag]) -> None:
    mirror = {
        PartState.ADDED: PartState.REMOVED,
        PartState.REMOVED: PartState.ADDED,
        PartState.CHANGED: PartState.CHANGED,
        PartState.SAME: PartState.SAME,
    }
    forth, back = diff_dags(old, new), diff_dags(new, old)

    assert [mirror[diff.state] for diff in forth] == [diff.state for diff in back]
    assert [{k: mirror[s] for k, s in d.tasks.items()} for d in forth] == [dict(d.tasks) for d in back]
    assert [len(d.attributes) for d in forth] == [len(d.attributes) for d in back]
