"""Two versions, two packages, the source and the target, side by side."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_release_plugin.analysis.structure_diff import PartState
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.exceptions import InvalidRequestError, NotAllowedError, NotFoundError
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.services.read_models import compare
from airflow_release_plugin.services.versions.file_diffs import ChangedFile, DiffOptions
from tests.harness.context import DEV, DEV2, REVIEWER, World


def checked(world: World, release: Release, **tasks: list[str]) -> Release:
    """Report what is in each file, ``etl=["a"]`` for tasks of the DAG in ``etl.py``."""
    items = [
        CheckItem(
            "parse",
            CheckStatus.PASSED,
            f"{name}.py",
            facts={"dags": [{"dag_id": name, "tasks": [{"task_id": t, "type": "X"} for t in found]}]},
        )
        for name, found in tasks.items()
    ]
    return world.report(release, items)


def released(world: World, **tasks: list[str]) -> Release:
    """Release these DAGs with these tasks, each with new text."""
    chosen = [world.submit(world.dag(name, lines=f"tasks = {found}")) for name, found in tasks.items()]
    return world.promote(world.decide(checked(world, world.request(*chosen), **tasks)))


def lines(files: list[ChangedFile]) -> dict[str, tuple[int, int]]:
    return {file.path: (file.diff.added, file.diff.removed) for file in files}


def tasks_of(found: Any) -> dict[str, dict[str, str]]:
    return {dag.dag_id: {task: state.value for task, state in dag.tasks.items()} for dag in found.dags}


def only(release: Release) -> Submission:
    return release.items[0].submission


@pytest.mark.req("R4")
def test_a_version_is_compared_with_any_earlier_one(world: World) -> None:
    first = only(released(world, etl=["a"]))
    released(world, etl=["a", "b"])
    third = only(released(world, etl=["b"]))

    found = compare.get_version_comparison(world.ctx, actor=DEV, submission_id=third.id, against=first.id)

    assert (found.other, [row.version for row in found.choices]) == (first, [3, 2, 1])
    assert lines(found.files) == {"etl.py": (1, 1)}
    assert tasks_of(found.structure) == {"etl": {"a": "removed", "b": "added"}}


@pytest.mark.req("R4")
def test_a_version_is_compared_with_the_target(world: World) -> None:
    released(world, etl=["a"])
    pending = world.submit(world.dag("etl", lines="x = 2"))

    found = compare.get_version_comparison(world.ctx, actor=DEV, submission_id=pending.id)

    assert (found.other, lines(found.files)) == (None, {"etl.py": (1, 1)})
    assert (found.structure.dags, found.structure.unknown) == ((), (pending,))


def test_a_version_that_left_the_list_is_compared_with_the_one_before_it(world: World) -> None:
    first, second = (only(released(world, etl=tasks)) for tasks in (["a"], ["b"]))
    waiting = world.submit(world.dag("etl", lines="x = 3"))

    assert [
        compare.get_version_comparison(
            world.ctx, actor=DEV, submission_id=row.id, against=compare.DEFAULT
        ).other
        for row in (first, second, waiting)
    ] == [None, first, None]


def test_versions_of_two_files_are_not_compared(world: World) -> None:
    one, two = world.submit(world.dag("one")), world.submit(world.dag("two"))

    with pytest.raises(InvalidRequestError, match="versions of different files"):
        compare.get_version_comparison(world.ctx, actor=DEV, submission_id=one.id, against=two.id)


def test_changes_of_blanks_can_be_hidden(world: World) -> None:
    released(world, etl=["a"])
    path = world.dag("etl", lines="tasks  =  ['a']")
    pending = world.submit(path)

    (file,) = compare.get_version_comparison(
        world.ctx, actor=DEV, submission_id=pending.id, options=DiffOptions(ignore_whitespace=True)
    ).files

    assert (file.diff.added, file.diff.removed, file.diff.changed) == (0, 0, True)


@pytest.mark.req("R4")
def test_a_file_of_the_source_is_compared_with_the_target_before_it_is_submitted(world: World) -> None:
    released(world, etl=["a"])
    world.write("helpers.py", "x = 1\n")
    path = world.dag("etl", lines="import helpers")

    found = compare.get_source_file(world.ctx, actor=DEV, path=path).changes

    assert [(file.path, file.change) for file in found] == [
        ("etl.py", ChangeKind.MODIFIED),
        ("helpers.py", ChangeKind.NEW),
    ]
    assert [
        file.path
        for file in compare.get_source_file(
            world.ctx, actor=DEV, path=path, options=DiffOptions(only="helpers.py")
        ).changes
    ] == ["helpers.py"]


@pytest.mark.req("R14")
def test_two_packages_are_compared(world: World) -> None:
    old = released(world, etl=["a"], gone=["x"])
    new = released(world, etl=["a", "b"], more=["y"])

    found = compare.get_release_comparison(world.ctx, actor=REVIEWER, release_id=new.id, other_id=old.id)

    assert [
        (pair.old.version if pair.old else None, pair.new.version if pair.new else None)
        for pair in found.pairs
    ] == [(1, 2), (1, None), (None, 1)]
    assert sorted(lines(found.files)) == ["etl.py", "gone.py", "more.py"]
    assert {dag.dag_id: dag.state for dag in found.structure.dags} == {
        "etl": PartState.CHANGED,
        "gone": PartState.REMOVED,
        "more": PartState.ADDED,
    }


@pytest.mark.req("R4")
def test_a_release_shows_the_structure_diff_of_its_time(world: World) -> None:
    first = released(world, etl=["a"])
    second = released(world, etl=["a", "b"])
    released(world, etl=["c"])

    def shown(release: Release) -> Any:
        return tasks_of(compare.get_structure(world.ctx, actor=DEV, release_id=release.id))

    assert shown(first) == {"etl": {"a": "added"}}
    assert shown(second) == {"etl": {"a": "same", "b": "added"}}


def test_a_release_that_did_not_come_about_keeps_the_structure_diff_of_its_time(world: World) -> None:
    released(world, etl=["a"])
    waiting = checked(world, world.request(world.submit(world.dag("etl", lines="x = 9"))), etl=["a", "w"])
    released(world, etl=["other"])

    found = compare.get_structure(world.ctx, actor=DEV, release_id=waiting.id)

    assert tasks_of(found) == {"etl": {"a": "same", "w": "added"}}


def test_a_removal_shows_what_goes(world: World) -> None:
    released(world, etl=["a"])
    world.delete("etl.py")
    gone = world.released("etl.py")

    (dag,) = compare.get_structure(world.ctx, actor=DEV, release_id=gone.id).dags

    assert (dag.state, dag.tasks) == (PartState.REMOVED, {"a": PartState.REMOVED})


def test_a_version_that_nobody_checked_is_said_to_be_unknown(world: World) -> None:
    release = world.request(world.submit(world.dag("etl")))

    found = compare.get_structure(world.ctx, actor=DEV, release_id=release.id)

    assert (found.dags, found.unknown) == ((), (only(release),))


def test_code_is_compared_by_people_who_may_read_it(world: World) -> None:
    release = released(world, etl=["a"])
    row = only(release)
    for dag_id in ("etl", "dev.etl"):
        world.twin.refused.add((DEV2.id, DagAccess.READ_CODE, dag_id))

    for call in (
        lambda: compare.get_version_comparison(world.ctx, actor=DEV2, submission_id=row.id, against=row.id),
        lambda: compare.get_release_comparison(
            world.ctx, actor=DEV2, release_id=release.id, other_id=release.id
        ),
        lambda: compare.get_source_file(world.ctx, actor=DEV2, path="etl.py"),
    ):
        with pytest.raises(NotAllowedError):
            call()


def test_what_one_may_not_see_is_not_there_to_compare(world: World) -> None:
    mine, secret = released(world, etl=["a"]), released(world, secret=["a"])
    for dag_id in ("secret", "dev.secret"):
        world.twin.refused.add((DEV2.id, DagAccess.READ, dag_id))

    with pytest.raises(NotFoundError):
        compare.get_release_comparison(world.ctx, actor=DEV2, release_id=mine.id, other_id=secret.id)
    with pytest.raises(NotFoundError):
        compare.get_version_comparison(
            world.ctx, actor=DEV2, submission_id=only(mine).id, against=only(secret).id
        )
