from __future__ import annotations

import json

from airflow_release_plugin.proof.comparison import Difference, differences, unsteady


def dag(dag_id="etl", *, tasks=(), **values):
    wrapped = [{"__type": "operator", "__var": {"task_id": task_id, **of}} for task_id, of in tasks]
    return json.dumps({"__version": 3, "dag": {"dag_id": dag_id, "tasks": wrapped, **values}})


def test_the_same_dags_have_no_difference():
    made = {"etl": dag(tasks=[("load", {"sql": "SELECT 1"})], catchup=False)}
    assert differences(made, dict(made)) == ()


def test_a_dag_that_only_one_run_makes_is_named():
    found = differences({"a": dag("a"), "b": dag("b")}, {"b": dag("b"), "c": dag("c")})
    assert found == (Difference("a", first="made"), Difference("c", second="made"))


def test_a_changed_value_is_told_with_its_place_in_the_dag():
    first = {"etl": dag(tasks=[("load", {"sql": "SELECT 1"})], catchup=False)}
    second = {"etl": dag(tasks=[("load", {"sql": "SELECT 2"})], catchup=True)}
    assert differences(first, second) == (
        Difference("etl", "catchup", "false", "true"),
        Difference("etl", "task load, sql", '"SELECT 1"', '"SELECT 2"'),
    )


def test_tasks_are_told_apart_by_their_id_whatever_their_order():
    first = {"etl": dag(tasks=[("a", {}), ("b", {"n": 1})])}
    second = {"etl": dag(tasks=[("b", {"n": 1}), ("a", {}), ("c", {})])}
    [found] = differences(first, second)
    assert (found.where, found.first) == ("task c", "")
    assert "task_id" in found.second


def test_lists_of_one_length_are_compared_item_by_item_and_others_as_a_whole():
    first = {"etl": dag(tags=["a", "b"], params=[1])}
    second = {"etl": dag(tags=["a", "c"], params=[1, 2])}
    assert [(each.where, each.first, each.second) for each in differences(first, second)] == [
        ("params", "[1]", "[1, 2]"),
        ("tags no. 2", '"b"', '"c"'),
    ]


def test_a_long_value_is_cut_off_and_many_places_are_not_all_told():
    first = {"etl": dag(tasks=[(f"t{n}", {"doc": "x" * 500}) for n in range(100)])}
    second = {"etl": dag(tasks=[(f"t{n}", {"doc": "y" * 500}) for n in range(100)])}
    found = differences(first, second)
    assert len(found) == 20
    assert all(len(each.first) == 80 and each.first.endswith("…") for each in found)


def test_what_differs_from_run_to_run_is_told_apart_by_its_place_not_its_value():
    moving = Difference("etl", "start_date", "3", "4")
    steady = Difference("etl", "catchup", "false", "true")
    assert unsteady([moving, steady], [Difference("etl", "start_date", "3", "9")]) == {moving}


def test_a_dag_that_comes_and_goes_is_unsteady_altogether():
    found = [Difference("etl_17", first="made"), Difference("etl", "catchup", "false", "true")]
    assert unsteady(found, [Difference("etl_17", first="made")]) == {found[0]}
