"""What the target holds is read once in a process, however often its list is asked for."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from airflow_release_plugin.models import Submission
from airflow_release_plugin.repositories import held_versions
from airflow_release_plugin.services.submissions import candidates
from tests.conftest import BACKENDS
from tests.harness.context import ADMIN, World
from tests.harness.databases import counted

pytestmark = pytest.mark.req("R7", "R93")


def listed(world: World) -> list[str]:
    return [row.path for row in candidates.list_candidates(world.ctx, actor=ADMIN).items]


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_the_list_reads_no_version_that_the_target_holds_twice(world: World) -> None:
    world.write("lib.py", "x = 1\n")
    world.released(*(world.dag(f"dag_{number}", lines="import lib") for number in range(4)))
    assert listed(world) == []
    world.ctx.session.expunge_all()
    rows: list[str] = []

    def note(row: Submission, _context: object) -> None:
        rows.append(row.path)

    event.listen(Submission, "load", note)
    try:
        with counted(world.ctx.session.get_bind()) as statements:
            assert listed(world) == []
    finally:
        event.remove(Submission, "load", note)

    assert rows == []
    assert not [
        each
        for each in statements
        if each.startswith("SELECT release_submission.id, release_submission.closure")
    ]


def test_it_says_what_the_versions_say(world: World) -> None:
    world.write("sql/q.sql", "select 1\n")
    for text in ("one", "two"):
        world.released(world.dag("etl", lines=f"open('sql/q.sql')  # {text}"))
        world.ctx.session.flush()
        for _ in range(2):
            (held,) = held_versions.held_by_unit(world.ctx.session, world.ctx.settings.source).values()
            version = world.ctx.session.get_one(Submission, held.id)
            assert (held.entries, held.observed_paths) == (version.entries, version.observed_paths)
            assert (held.path, held.digest, held.version) == (version.path, version.digest, version.version)
            assert held.dag_ids == version.dag_ids == ["etl"]


def test_a_removed_dag_is_held_no_more(world: World) -> None:
    world.released(world.dag("etl"))
    world.delete("etl.py")
    world.released("etl.py")

    assert held_versions.held_by_unit(world.ctx.session, world.ctx.settings.source) == {}
