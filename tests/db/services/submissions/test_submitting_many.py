"""What submitting many files costs: few statements for each, however much there is of them already."""

from __future__ import annotations

import pytest

from airflow_release_plugin.services.submissions import submissions
from airflow_release_plugin.services.submissions.submissions import ItemResult
from tests.conftest import BACKENDS
from tests.harness.context import DEV, World, dag_text
from tests.harness.databases import counted

pytestmark = pytest.mark.req("R7", "R93")

MOST_FOR_EACH = 4
"""The ref, the version and its event; and the unit, where that changes."""

MOST_FOR_NEW = 6
"""The unit, besides, and what it is found by."""


def submit(world: World, names: list[str], text: str) -> tuple[list[ItemResult], int]:
    """Change files and submit them; what was handled, and in how many statements."""
    paths = [world.dag(name, lines=f"# {text}") for name in names]
    with counted(world.ctx.session.get_bind()) as statements:
        handled = submissions.submit_many(world.ctx, actor=DEV, paths=paths)
    return handled, len(statements)


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_each_further_file_costs_a_handful_of_statements(world: World) -> None:
    names = [f"dag_{number}" for number in range(24)]
    for text in ("first", "second"):
        submit(world, names, text)

    (_, few), (handled, many) = submit(world, names[:4], "third"), submit(world, names, "fourth")

    assert [each.submission.version for each in handled if each.submission] == [4] * 4 + [3] * 20
    assert many - few <= MOST_FOR_EACH * 20


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_names_of_new_units_are_looked_up_at_once(world: World) -> None:
    submit(world, ["before"], "first")

    (_, few), (handled, many) = (
        submit(world, ["one", "two"], "first"),
        submit(world, [f"dag_{number}" for number in range(12)], "first"),
    )

    assert [each.submission.unit_name for each in handled if each.submission][:2] == ["dag_0", "dag_1"]
    assert many - few <= MOST_FOR_NEW * 10


def test_a_new_unit_whose_name_is_taken_goes_by_its_file(world: World) -> None:
    """The DAG moved on to a new file beside others: the name stays with the unit that had it first."""
    submit(world, ["one"], "first")
    world.write("one.py", dag_text("other"))
    submissions.submit(world.ctx, actor=DEV, path="one.py")
    world.write("team/again.py", dag_text("one"))

    handled = submissions.submit_many(world.ctx, actor=DEV, paths=["team/again.py"])

    assert [each.submission.unit_name for each in handled if each.submission] == ["team/again.py"]


def test_a_file_that_is_refused_takes_no_number(world: World) -> None:
    names = ["one", "two", "three"]
    submit(world, names, "first")
    world.dag("two", lines="# second")
    paths = [world.dag("one", lines="# second"), "two.py", "three.py"]

    handled = submissions.submit_many(world.ctx, actor=DEV, paths=paths)

    assert [(each.submission.version if each.submission else 0) for each in handled] == [2, 2, 0]
    assert "unchanged since v1" in str(handled[2].problem)
    handled = submissions.submit_many(world.ctx, actor=DEV, paths=[world.dag("three", lines="# second")])
    assert [each.submission.version for each in handled if each.submission] == [2]
