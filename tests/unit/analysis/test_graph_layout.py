"""Where the tasks of a DAG stand in its picture."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.analysis.graph_layout import lay_out

NODES = st.integers(0, 30).map(lambda number: f"t{number}")


def test_nothing_takes_no_place() -> None:
    layout = lay_out([], [])
    assert (layout.places, layout.layers, layout.rows) == ({}, 0, 0)


@pytest.mark.req("R4")
def test_a_task_stands_after_all_that_it_waits_for() -> None:
    layout = lay_out("abcd", [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d")])
    assert [layout.places[task][0] for task in "abcd"] == [0, 1, 2, 3]


def test_parallel_chains_do_not_cross() -> None:
    edges = [(f"{chain}{step}", f"{chain}{step + 1}") for chain in "zyx" for step in range(4)]
    places = lay_out({task for edge in edges for task in edge}, reversed(edges)).places
    rows = [[places[f"{chain}{step}"][1] for step in range(5)] for chain in "zyx"]
    assert all(len(set(row)) == 1 for row in rows)


def test_an_edge_that_was_turned_round_does_not_break_the_picture() -> None:
    layout = lay_out("abc", [("a", "b"), ("b", "a"), ("b", "c"), ("c", "c")])
    assert layout.layers == 3


def test_an_edge_to_an_unknown_task_does_not_count() -> None:
    assert set(lay_out("a", [("a", "gone")]).places) == {"a"}


@given(st.sets(NODES), st.lists(st.tuples(NODES, NODES), max_size=60))
def test_every_task_has_a_place_of_its_own(nodes: set[str], edges: list[tuple[str, str]]) -> None:
    layout = lay_out(nodes, edges)
    assert set(layout.places) == nodes
    assert len(set(layout.places.values())) == len(nodes)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=60))
def test_edges_without_a_cycle_lead_to_the_right(pairs: list[tuple[int, int]]) -> None:
    edges = [(f"t{min(pair)}", f"t{max(pair)}") for pair in pairs if pair[0] != pair[1]]
    places = lay_out({task for edge in edges for task in edge}, edges).places
    assert all(places[up][0] < places[down][0] for up, down in edges)


def test_a_thousand_tasks_take_a_moment() -> None:
    tasks = [f"t{number}" for number in range(1000)]
    edges = [*pairwise(tasks), *((task, tasks[(index * 7) % 1000]) for index, task in enumerate(tasks))]
    start = time.process_time()
    lay_out(tasks, edges)
    assert time.process_time() - start < 5  # 0.1 s on an idle machine
