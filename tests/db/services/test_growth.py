"""What lists cost in a database that has released for years: rows gone through, never seconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session

from airflow_release_plugin.domain.tasks import TaskKey
from airflow_release_plugin.repositories import pages
from airflow_release_plugin.services.read_models import inbox
from airflow_release_plugin.services.releases import name_search
from benchmarks.filled_database import Size, fill
from benchmarks.list_looks import PERSON, looks, with_rights
from benchmarks.waiting_work import fill_inboxes
from tests.harness.context import ADMIN, REVIEWER, World, make_world
from tests.harness.databases import counted
from tests.harness.postgres import PostgresServer

FEW, MANY = 3_000, 12_000
LONG = 5_000
"""Rows that one step of a plan reads of a table that grows; no list shows or counts as many."""
UNITS = 400
COUNTED = 300
"""Rows that a list counts here; the product counts more, so that these databases would not reach it."""
GROWING = {
    "release",
    "release_item",
    "release_submission",
    "release_event",
    "release_approval",
    "release_title_word",
    "release_word",
    "release_word_gram",
}
WHOLE_TABLES = ("insights of", "records, by release")
"""Figures are of all that was released in the period. Versions that came with no release have no place in an
index on releases, so all are put in order by it."""
WALKED = ("releases, by title, person", "records, last page, person")
"""A person's own are thousands here. To put them in another order, or to find the last of them, a walk along
an index (or the table, which costs the same, so that the database takes either) is cheaper than to look up
each. How far these go is bounded with all others."""


@pytest.fixture(scope="module")
def filled(postgres: PostgresServer) -> Iterator[dict[int, Engine]]:
    """A database of each size."""
    engines = {}
    for releases in (FEW, MANY):
        url = postgres.create_database(f"filled_{releases}", template="migrated")
        engines[releases] = create_engine(url)
        fill(engines[releases], Size(releases=releases, units=UNITS))
    yield engines
    for releases, engine in engines.items():
        engine.dispose()
        postgres.drop_database(f"filled_{releases}")


def plans(session: Session, look: Callable[[], object]) -> list[dict[str, Any]]:
    """How the database carries out each question of a use case."""
    questions: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            questions.append((statement, parameters))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    session.expunge_all()
    look()
    event.remove(connection, "before_cursor_execute", note)
    cursor = connection.connection.cursor()
    found = []
    for statement, parameters in questions:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
        (row,) = cursor.fetchone()
        found.append((row if isinstance(row, list) else json.loads(row))[0]["Plan"])
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def is_long_scan(node: dict[str, Any]) -> bool:
    """Whether a table, or an index, is read on and on, not only the rows that are wanted."""
    return "Relation Name" in node and node["Actual Rows"] + node.get("Rows Removed by Filter", 0) > LONG


def rows_gone_through(plan: dict[str, Any]) -> float:
    kinds = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    return sum(node["Actual Loops"] * node.get(kind, 0) for node in nodes(plan) for kind in kinds)


def cost(session: Session, folder: Path) -> dict[str, tuple[float, int, set[str]]]:
    """By look: rows gone through, number of statements, growing tables that are read on and on."""
    ctx = with_rights(make_world(session, folder, lambda: datetime.now(timezone.utc)).ctx)
    found = {}
    for who, actor in (("admin", ADMIN), ("person", PERSON)):
        for what, look in looks(ctx, actor).items():
            each = plans(session, look)
            scans = {node["Relation Name"] for plan in each for node in nodes(plan) if is_long_scan(node)}
            found[f"{what}, {who}"] = (sum(map(rows_gone_through, each)), len(each), scans & GROWING)
    return found


@pytest.mark.req("R93")
def test_lists_cost_what_they_show_whatever_was_released(
    filled: dict[int, Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_COUNTED", COUNTED)
    monkeypatch.setattr(name_search, "MOST_BY_INITIALS", COUNTED)
    costs = {}
    for releases, engine in filled.items():
        with Session(engine) as session:
            costs[releases] = cost(session, tmp_path / str(releases))

    few, many = costs[FEW], costs[MANY]
    listed = [look for look in many if not look.startswith(WHOLE_TABLES)]
    # A list that is not empty any more has its items to read, too.
    assert {look: (few[look][1], many[look][1]) for look in many if many[look][1] > few[look][1] + 1} == {}
    assert {look: many[look][2] for look in listed if many[look][2] and look not in WALKED} == {}
    most = {look: (5 * rows + 9_000 if grows(look) else 1.5 * rows + 500) for look, (rows, *_) in few.items()}
    assert {look: (few[look][0], many[look][0]) for look in listed if many[look][0] > most[look]} == {}


def grows(look: str) -> bool:
    """
    Whether it goes through what is of somebody, a word or a DAG, of which there is four times as much.

    Where that is little the database may take another way, through some thousands of rows.
    """
    return look.endswith("person") or "search" in look or "of a DAG" in look


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_an_inbox_is_read_in_the_same_few_statements_however_many_gates_have_lost_their_tasks(
    world: World, engine: Engine
) -> None:
    few, many = (_read_inbox(world, engine, gates) for gates in (10, 1_000))

    # SQLAlchemy asks for the decisions on 500 approvals at once.
    assert len(few) <= len(many) <= len(few) + 1_000 // 500 <= 14
    assert [each for each in many if not each.lstrip().startswith("SELECT")] == []


def _read_inbox(world: World, engine: Engine, gates: int) -> list[str]:
    orphans = fill_inboxes(world, name=f"dag_{gates}", releases=2, gates=gates)
    world.twin.ended_tasks |= {
        TaskKey(each.dag_id, each.run_id, each.task_id, each.map_index, each.try_number) for each in orphans
    }
    world.ctx.session.expunge_all()
    with counted(engine) as statements:
        page = inbox.get_inbox_page(world.ctx, actor=REVIEWER)
    assert len(page.inbox.items) >= gates
    return statements
