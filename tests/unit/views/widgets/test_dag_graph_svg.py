"""The picture of two versions of a DAG."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask_babel import Babel

from airflow_release_plugin.analysis.parsed_dag import ParsedDag, ParsedTask
from airflow_release_plugin.analysis.structure_diff import DagDiff, PartState, diff_dags
from airflow_release_plugin.views.widgets.dag_graph_svg import dag_picture, part_counts


@pytest.fixture(autouse=True)
def words() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        yield


def dag(*tasks: str, edges: tuple[tuple[str, str], ...] = (), pool: str = "") -> ParsedDag:
    return ParsedDag(
        "etl", tasks=tuple(ParsedTask(t, "Empty", pool=pool if t == "c" else "") for t in tasks), edges=edges
    )


def changed() -> DagDiff:
    (diff,) = diff_dags(
        [dag("a", "b", "c", edges=(("a", "b"), ("b", "c")))],
        [dag("a", "c", "d<x>", edges=(("a", "c"), ("c", "d<x>")), pool="big")],
    )
    return diff


@pytest.mark.req("R4")
def test_every_part_is_drawn_with_its_state() -> None:
    picture = ElementTree.fromstring(str(dag_picture(changed(), "dag-1")))
    tasks = {g.find("title").text: g.get("class") for g in picture.iter("g")}  # type: ignore[union-attr]
    edges = [path.get("class") for path in picture.iter("path") if "edge" in str(path.get("class"))]

    assert tasks == {
        "a: Unchanged": "task part-same",
        "b: Removed": "task part-removed",
        "c: Changed": "task part-changed",
        "d<x>: Added": "task part-added",
    }
    assert sorted(edges) == ["edge part-added"] * 2 + ["edge part-removed"] * 2  # type: ignore[type-var]


def test_the_state_is_told_without_colour() -> None:
    picture = ElementTree.fromstring(str(dag_picture(changed(), "dag-1")))
    signs = [text.text for text in picture.iter("text") if text.get("class") == "sign" and text.text]
    assert sorted(signs) == ["+", "~", "−"]


def test_it_speaks_to_screen_readers() -> None:
    picture = ElementTree.fromstring(str(dag_picture(changed(), "dag-7")))
    assert picture.get("aria-labelledby") == "dag-7-title dag-7-desc"
    assert picture.find("title").text == "Tasks of etl, before and after"  # type: ignore[union-attr]
    assert "1 Added, 1 Removed, 1 Changed, 1 Unchanged" in str(picture.find("desc").text)  # type: ignore[union-attr]


def test_the_legend_counts_tasks_and_dependencies() -> None:
    diff = changed()
    assert part_counts(diff.tasks) == [(state, 1) for state in PartState]
    assert part_counts(diff.edges) == [(PartState.ADDED, 2), (PartState.REMOVED, 2)]


def test_hundreds_of_tasks_stay_within_the_picture() -> None:
    tasks = tuple(f"t{number}" for number in range(400))
    (diff,) = diff_dags([], [dag(*tasks, edges=tuple((tasks[n // 3], tasks[n]) for n in range(1, 400)))])
    picture = ElementTree.fromstring(str(dag_picture(diff, "dag-1")))
    width, height = int(str(picture.get("width"))), int(str(picture.get("height")))
    boxes = list(picture.iter("rect"))

    assert len(boxes) == 400
    assert all(int(str(b.get("x"))) + 184 <= width and int(str(b.get("y"))) + 32 <= height for b in boxes)
