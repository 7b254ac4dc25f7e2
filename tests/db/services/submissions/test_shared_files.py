"""Shared files that differ from the target, and whom that touches."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.services.submissions import candidates, shared_files
from airflow_release_plugin.services.submissions.shared_files import SharedFile
from tests.harness.context import ADMIN, DEV, DEV2, World

pytestmark = pytest.mark.req("R2")


def rows(world: World, actor: Actor = DEV, **options: Any) -> list[SharedFile]:
    return shared_files.list_shared_files(world.ctx, actor=actor, **options).items


def using(world: World, *names: str) -> list[str]:
    return [world.dag(name, lines="import helpers") for name in names]


def test_a_new_file_that_two_dag_files_need_is_listed(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    using(world, "a", "b")

    assert [(row.path, row.change, row.used_by, row.released_users) for row in rows(world)] == [
        ("helpers.py", ChangeKind.NEW, ("a", "b"), 0)
    ]


def test_a_file_of_one_dag_that_is_not_released_is_not_shared(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    using(world, "a")

    assert rows(world) == []


def test_a_changed_file_tells_how_many_released_dags_need_it(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    world.released(*using(world, "a", "b"))
    using(world, "c")
    assert rows(world) == []

    world.write("helpers.py", "x = 2\n")

    assert [(row.change, row.users, row.released_users) for row in rows(world)] == [
        (ChangeKind.MODIFIED, 3, 2)
    ]


def test_a_row_of_a_dag_tells_how_many_other_released_dags_its_change_touches(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    world.released(*using(world, "a", "b", "c"))
    world.write("helpers.py", "x = 2\n")
    using(world, "new")
    world.dag("alone")

    found = {row.path: row.also_used_by for row in candidates.list_candidates(world.ctx, actor=DEV).items}

    assert found == {"a.py": 2, "alone.py": 0, "b.py": 2, "c.py": 2, "new.py": 3}


def test_the_versions_that_bring_a_file_are_named(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    world.released(*using(world, "a", "b"))
    world.write("helpers.py", "x = 2\n")
    version = world.submit("b.py")

    (row,) = rows(world)

    assert [(b.submission_id, b.path, b.version) for b in row.brought_by] == [(version.id, "b.py", 2)]


def test_a_file_that_is_gone_is_deleted(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    world.released(*using(world, "a", "b"))
    world.delete("helpers.py")
    world.dag("a")
    world.dag("b")

    assert [(row.path, row.change, row.used_by) for row in rows(world)] == [
        ("helpers.py", ChangeKind.DELETED, ("a", "b"))
    ]


def test_people_see_files_and_dags_that_they_may_read(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    using(world, "a", "secret")
    for dag_id in ("secret", "dev.secret"):
        world.twin.refused.add((DEV2.id, DagAccess.READ, dag_id))

    assert [(row.used_by, row.users) for row in rows(world, DEV2)] == [(("a",), 2)]
    for dag_id in ("a", "dev.a"):
        world.twin.refused.add((DEV2.id, DagAccess.READ, dag_id))
    assert rows(world, DEV2) == []
    assert len(rows(world, ADMIN)) == 1


@pytest.mark.req("R3")
def test_the_files_are_searched_sorted_and_paged(world: World) -> None:
    for name in ("alpha", "beta"):
        world.write(f"lib_{name}.py", "x = 1\n")
    for dag in ("a", "b", "c"):
        world.dag(dag, lines="import lib_alpha" + ("; import lib_beta" if dag != "c" else ""))

    def paths(**options: Any) -> list[str]:
        return [row.path for row in rows(world, **options)]

    assert paths() == ["lib_alpha.py", "lib_beta.py"]
    assert paths(order_by="users") == ["lib_beta.py", "lib_alpha.py"]
    assert paths(search="alpa") == ["lib_alpha.py"]
    assert paths(limit=1, offset=1) == ["lib_beta.py"]
