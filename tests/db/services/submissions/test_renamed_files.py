"""A DAG file that was moved or renamed stays one unit."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.exceptions import ConflictError, InvalidRequestError, ItemBusyError
from airflow_release_plugin.services.submissions import candidates, submissions
from airflow_release_plugin.services.submissions.candidates import Candidate
from tests.harness.context import ADMIN, DEV, World, dag_text
from tests.harness.serving import Serve

pytestmark = pytest.mark.req("R2", "R7")


def rows(world: World) -> list[Candidate]:
    return candidates.list_candidates(world.ctx, actor=DEV).items


def moved(world: World, old: str = "etl.py", new: str = "jobs/etl.py") -> str:
    world.write(new, (world.twin.root / old).read_text())
    world.delete(old)
    return new


def test_a_moved_file_is_one_row_from_the_old_to_the_new_path(world: World) -> None:
    world.released(world.dag("etl"))
    moved(world)

    (row,) = rows(world)

    assert (row.path, row.renamed_from, row.change, row.dag_ids) == (
        "jobs/etl.py",
        "etl.py",
        ChangeKind.RENAMED,
        ("etl",),
    )


def test_the_unit_and_its_versions_move_along(world: World) -> None:
    first = world.released(world.dag("etl")).items[0].submission
    second = world.submit(moved(world))

    assert (second.unit_id, second.version, second.change) == (first.unit_id, 2, ChangeKind.RENAMED)
    assert (first.path, second.path, second.unit.path) == ("etl.py", "jobs/etl.py", "jobs/etl.py")


def test_the_promotion_takes_the_old_path_out_of_the_target(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    world.released(world.dag("etl", lines="import helpers"))

    release = world.released(moved(world))

    assert set(world.target()) == {"jobs/etl.py", "helpers.py"}
    assert {change.path: change.is_deletion for change in release.changes} == {
        "etl.py": True,
        "jobs/etl.py": False,
    }
    assert rows(world) == []


def test_an_edit_after_the_move_was_submitted_is_still_a_rename(world: World) -> None:
    world.released(world.dag("etl"))
    world.submit(moved(world))
    world.write("jobs/etl.py", dag_text("etl", lines="x = 2"))

    (row,) = rows(world)

    assert (row.change, row.renamed_from, row.changed_since_submission) == (
        ChangeKind.RENAMED,
        "etl.py",
        True,
    )
    assert world.submit("jobs/etl.py").change is ChangeKind.RENAMED


def test_a_file_that_is_moved_back_before_its_release_leaves_the_list(world: World) -> None:
    world.released(world.dag("etl"))
    version = world.submit(moved(world))
    moved(world, "jobs/etl.py", "etl.py")
    submissions.remove(world.ctx, actor=DEV, submission_id=version.id)

    assert rows(world) == []


def test_a_moved_file_that_was_never_released_is_new(world: World) -> None:
    first = world.submit(world.dag("etl"))
    second = world.submit(moved(world))

    assert (second.unit_id, second.change, first.state) == (
        first.unit_id,
        ChangeKind.NEW,
        SubmissionState.SUPERSEDED,
    )


def test_a_file_that_was_split_is_deleted_and_new_with_a_note(world: World) -> None:
    world.write("both.py", dag_text("one", "two"))
    world.released("both.py")
    world.delete("both.py")
    world.dag("one")
    world.dag("two")

    found = {row.path: (row.change, bool(row.note)) for row in rows(world)}

    assert found == {
        "both.py": (ChangeKind.DELETED, True),
        "one.py": (ChangeKind.NEW, True),
        "two.py": (ChangeKind.NEW, True),
    }


def test_the_parts_of_a_split_file_are_released_together_with_its_removal(world: World) -> None:
    world.write("both.py", dag_text("one", "two"))
    world.released("both.py")
    world.delete("both.py")
    parts = [world.submit(path) for path in (world.dag("one"), world.dag("two"), "both.py")]

    with pytest.raises(InvalidRequestError, match="two files"):
        world.request(parts[0])
    world.promote(world.decide(world.report(world.request(*parts))))

    assert set(world.target()) == {"one.py", "two.py"}


def test_a_file_does_not_move_under_an_open_release(world: World) -> None:
    world.released(world.dag("etl"))
    world.dag("etl", lines="x = 2")
    release = world.request(world.submit("etl.py"))
    moved(world)

    with pytest.raises(ItemBusyError, match=r"'jobs/etl.py' now, but v2 is in an open release") as raised:
        world.submit("jobs/etl.py")
    assert raised.value.context.items() >= {"release_id": release.id}.items()


def test_the_old_path_of_a_moved_file_cannot_be_removed_by_itself(world: World) -> None:
    world.released(world.dag("etl"))
    moved(world)

    with pytest.raises(ConflictError, match=r"is 'jobs/etl.py' now"):
        submissions.submit(world.ctx, actor=ADMIN, path="etl.py")


def test_a_dag_that_another_unit_defines_is_refused(world: World) -> None:
    world.released(world.dag("etl"))
    world.write("copy.py", dag_text("etl"))

    with pytest.raises(ConflictError, match=r"Dag 'etl' of 'copy.py' is also in 'etl.py' v1"):
        world.submit("copy.py")


def test_a_dag_may_change_to_another_unit_once_the_first_one_was_submitted_without_it(world: World) -> None:
    world.write("a.py", dag_text("one", "two"))
    world.released("a.py")
    world.write("a.py", dag_text("one"))
    world.write("b.py", dag_text("two"))
    first = world.submit("a.py")
    second = world.submit("b.py")

    with pytest.raises(InvalidRequestError, match="together"):
        world.request(second)
    assert world.request(first, second).items


def test_a_removal_after_a_submitted_move_removes_what_the_target_has(world: World) -> None:
    world.released(world.dag("etl"))
    submissions.remove(world.ctx, actor=DEV, submission_id=world.submit(moved(world)).id)
    world.delete("jobs/etl.py")

    release = world.released("jobs/etl.py")

    assert release.items[0].submission.path == "etl.py"
    assert world.target() == {}


@pytest.mark.req("R76")
def test_the_old_path_is_no_longer_served_and_runs_that_began_with_it_keep_it(
    world: World, serve: Serve
) -> None:
    world.released(world.dag("etl"))
    before = world.head
    assert (serve().path / "etl.py").is_file()

    world.released(moved(world))
    tree = serve().path

    assert not (tree / "etl.py").exists()
    assert [file.relative_to(tree).as_posix() for file in tree.rglob("*.py")] == ["jobs/etl.py"]
    assert (serve(before).path / "etl.py").is_file()
