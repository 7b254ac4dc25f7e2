"""The preview of a submission tells what submitting copies, and why; it keeps nothing."""

from __future__ import annotations

import pytest

from airflow_release_plugin.analysis.closure import FileKind
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.services.read_models import submit_preview
from airflow_release_plugin.services.read_models.submit_preview import MOST_FILES, UnitPreview
from airflow_release_plugin.services.submissions import submissions
from airflow_release_plugin.services.submissions.change_outline import ScheduleChange
from tests.harness.context import DEV, VIEWER, World
from tests.harness.dev_runs import blobs, dev_run

pytestmark = pytest.mark.req("R4")

TASKS = 'BashOperator(task_id="{}", bash_command="true")'


def preview(world: World, *paths: str) -> tuple[UnitPreview, ...]:
    return submit_preview.get_submit_preview(world.ctx, actor=DEV, paths=paths).units


def test_it_names_exactly_the_files_that_submitting_copies(world: World) -> None:
    world.write("lib.py", "x = 1\n")
    world.write("queries/load.sql", "SELECT 1\n")
    path = world.dag("etl", lines="import lib\nfrom pathlib import Path\n")
    world.twin.dev_runs = [dev_run(blobs(world.twin.root, "etl.py", "lib.py", "queries/load.sql"))]

    (unit,) = preview(world, path)
    copied = world.submit(path)

    assert [(f.path, f.reason, f.size) for f in sorted(unit.files, key=lambda f: f.path)] == [
        (f["path"], f["reason"], f["size"]) for f in copied.closure
    ]
    assert any(f["kind"] == FileKind.OBSERVED.value for f in copied.closure)
    assert (unit.count, unit.size) == (3, sum(f["size"] for f in copied.closure))


def test_a_file_that_snapshots_leave_out_is_a_gap_here_and_there(world: World) -> None:
    path = world.dag("etl")
    world.write("data.csv~", "1\n")
    world.twin.dev_runs = [dev_run(blobs(world.twin.root, "etl.py", "data.csv~"))]

    (unit,) = preview(world, path)
    copied = world.submit(path)

    assert not unit.is_complete
    assert list(unit.warnings) == copied.warnings


def test_nothing_is_kept(world: World) -> None:
    preview(world, world.dag("etl"))

    assert submissions.list_submissions(world.ctx, actor=DEV).items == []


def test_shared_files_that_change_say_how_many_released_dags_need_them(world: World) -> None:
    world.write("lib.py", "x = 1\n")
    world.released(world.dag("one", lines="import lib"), world.dag("two", lines="import lib"))
    world.write("lib.py", "x = 2\n")

    (unit,) = preview(world, "one.py")

    assert [(f.path, f.is_changed, f.others) for f in unit.files] == [
        ("one.py", False, 0),
        ("lib.py", True, 1),
    ]
    assert (unit.changed, unit.others) == (1, 1)


def test_of_many_files_the_first_are_shown(world: World) -> None:
    names = [f"lib{number}" for number in range(MOST_FILES + 9)]
    for name in names:
        world.write(f"{name}.py", "x = 1\n")
    (unit,) = preview(world, world.dag("etl", lines=f"import {', '.join(names)}"))

    assert (len(unit.files), unit.count) == (MOST_FILES, MOST_FILES + 10)
    assert unit.files[0].path == "etl.py"


def test_each_of_several_stands_for_itself(world: World) -> None:
    world.released(world.dag("gone"))
    world.delete("gone.py")
    world.twin.errors["broken.py"] = "SyntaxError: no"

    good, broken, gone = preview(world, world.dag("good"), world.dag("broken"), "gone.py")

    assert (good.problem, good.count) == ("", 1)
    assert "does not import in the source" in broken.problem
    assert (gone.is_removal, gone.files) == (True, ())


def test_it_is_for_who_may_submit(world: World) -> None:
    path = world.dag("etl", lines="import lib")

    (unit,) = submit_preview.get_submit_preview(world.ctx, actor=VIEWER, paths=[path]).units

    assert "may not edit" in unit.problem
    assert (unit.files, unit.outline) == ((), None)


def test_as_many_as_a_release_may_hold_are_looked_at(world: World) -> None:
    with pytest.raises(InvalidRequestError, match="choose 1 to 100"):
        preview(world, *(f"{number}.py" for number in range(101)))


def test_tasks_schedule_and_lines_are_told_from_the_texts(world: World) -> None:
    world.write("lib.py", "x = 1\n")
    head = "import lib\nDAG(dag_id='other', schedule='@daily')"
    world.released(world.dag("etl", lines=f"{head}\n{TASKS.format('load')}"))
    world.write("lib.py", "x = 2\ny = 3\n")
    world.dag("etl", lines=f"{head.replace('daily', 'hourly')}\n{TASKS.format('check')}")

    outline = preview(world, "etl.py")[0].outline

    assert outline is not None
    assert (outline.tasks_added, outline.tasks_removed) == (("check",), ("load",))
    assert outline.schedules == (ScheduleChange("other", "@daily", "@hourly"),)
    assert [(f.path, f.added, f.removed) for f in outline.files] == [("etl.py", 2, 2), ("lib.py", 2, 1)]


def test_without_a_target_it_is_told_against_the_version_that_waits(world: World) -> None:
    world.submit(world.dag("etl", lines="x = 1"))
    world.dag("etl", lines="x = 2")

    outline = preview(world, "etl.py")[0].outline

    assert outline is not None
    assert [(f.path, f.change, f.added, f.removed) for f in outline.files] == [
        ("etl.py", ChangeKind.MODIFIED, 1, 1)
    ]


def test_a_move_is_no_new_file(world: World) -> None:
    world.released(world.dag("etl", lines="x = 1"))
    text = (world.twin.root / "etl.py").read_text()
    world.delete("etl.py")
    world.write("jobs/etl.py", text.replace("x = 1", "x = 2"))

    outline = preview(world, "jobs/etl.py")[0].outline

    assert outline is not None
    assert outline.renamed_from == "etl.py"
    assert [(f.path, f.added, f.removed) for f in outline.files] == [("jobs/etl.py", 1, 1)]
