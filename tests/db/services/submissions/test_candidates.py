"""The to-be-released list."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.exceptions import (
    ConflictError,
    NotAllowedError,
    NotFoundError,
    SourceUnavailableError,
    UnitError,
)
from airflow_release_plugin.services.submissions import candidates, submissions
from airflow_release_plugin.services.submissions.candidates import Candidate, CandidateFilter
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, PIPELINE, VIEWER, World, dag_text


def rows(world: World, actor: Any = DEV, **options: Any) -> list[Candidate]:
    return candidates.list_candidates(world.ctx, actor=actor, **options).items


def paths(world: World, **wanted: Any) -> list[str]:
    return [row.path for row in rows(world, wanted=CandidateFilter(**wanted))]


@pytest.mark.req("R2")
def test_a_file_that_the_target_has_not_is_new(world: World) -> None:
    world.dag("etl")

    (row,) = rows(world)

    assert (row.path, row.change, row.dag_ids, row.source_dag_ids) == (
        "etl.py",
        ChangeKind.NEW,
        ("etl",),
        ("dev.etl",),
    )
    assert (row.submission_id, row.version, row.problem, row.may_submit) == (None, None, None, True)


@pytest.mark.req("R2")
def test_a_file_that_differs_from_the_target_is_modified(world: World) -> None:
    world.released(world.dag("etl"))
    world.dag("etl", lines="x = 2")

    assert [row.change for row in rows(world)] == [ChangeKind.MODIFIED]


def test_a_file_whose_helper_differs_from_the_target_is_modified(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    world.released(world.dag("etl", lines="import helpers"))
    world.write("helpers.py", "x = 2\n")

    assert [row.change for row in rows(world)] == [ChangeKind.MODIFIED]


@pytest.mark.req("R2")
def test_a_file_that_only_the_target_has_is_deleted(world: World) -> None:
    world.released(world.dag("etl"))
    world.delete("etl.py")

    assert [(row.path, row.change, row.dag_ids) for row in rows(world)] == [
        ("etl.py", ChangeKind.DELETED, ("etl",))
    ]


def test_a_file_that_equals_the_target_is_not_listed(world: World) -> None:
    world.released(world.dag("etl"))

    assert rows(world) == []


def test_a_file_that_was_deleted_here_and_there_is_not_listed(world: World) -> None:
    world.released(world.dag("etl"))
    world.delete("etl.py")
    world.released("etl.py")

    assert rows(world) == []


def test_a_file_that_comes_back_after_its_removal_is_new(world: World) -> None:
    world.released(world.dag("etl"))
    world.delete("etl.py")
    world.released("etl.py")
    world.dag("etl")

    assert [row.change for row in rows(world)] == [ChangeKind.NEW]
    assert world.released("etl.py").items[0].version == 3


@pytest.mark.req("R7")
def test_a_file_with_several_dags_is_one_row_that_names_them_all(world: World) -> None:
    world.write("regions.py", dag_text("north", "south"))

    assert [row.dag_ids for row in rows(world)] == [("north", "south")]


@pytest.mark.req("R2")
def test_a_row_shows_the_version_that_waits(world: World, clock: FrozenClock) -> None:
    submission = world.submit(world.dag("etl"))

    (row,) = rows(world)

    assert (row.submission_id, row.version, row.submission_state) == (
        submission.id,
        1,
        SubmissionState.PENDING,
    )
    assert (row.submitted_by and row.submitted_by.name, row.submitted_at) == ("dev", clock.now)
    assert not row.changed_since_submission


def test_a_row_says_when_the_file_changed_since_it_was_submitted(world: World) -> None:
    world.submit(world.dag("etl"))
    world.dag("etl", lines="x = 2")

    assert rows(world)[0].changed_since_submission


def test_a_row_names_the_release_that_holds_it(world: World) -> None:
    release = world.request(world.submit(world.dag("etl")))

    assert (rows(world)[0].submission_state, rows(world)[0].release_id) == (
        SubmissionState.IN_RELEASE,
        release.id,
    )


def test_a_row_is_free_again_once_its_release_has_expired(world: World, clock: FrozenClock) -> None:
    world.waiting(world.dag("etl"))
    clock.advance(hours=24)

    assert (rows(world)[0].submission_state, rows(world)[0].release_id) == (SubmissionState.PENDING, None)


@pytest.mark.req("R6")
def test_a_removed_version_leaves_a_row_without_one(world: World) -> None:
    submission = world.submit(world.dag("etl"))
    submissions.remove(world.ctx, actor=DEV, submission_id=submission.id)

    assert [(row.path, row.submission_id) for row in rows(world)] == [("etl.py", None)]


def test_a_row_says_why_a_file_cannot_be_submitted(world: World) -> None:
    world.write("bad.py", dag_text("bad") + "def broken(:\n")
    world.dag("worse")
    world.twin.errors["worse.py"] = "ModuleNotFoundError: No module named 'shop'"

    problems = {row.path: row.problem for row in rows(world)}

    assert "bad.py" in str(problems["bad.py"])
    assert "No module named 'shop'" in str(problems["worse.py"])


def test_a_problem_in_one_file_hides_no_other(world: World) -> None:
    world.write("bad.py", dag_text("bad") + "def broken(:\n")
    world.dag("etl")

    assert [row.problem is None for row in rows(world)] == [False, True]


@pytest.mark.req("R3")
def test_the_list_is_filtered(world: World) -> None:
    world.released(world.dag("old"))
    world.dag("old", lines="x = 2")
    world.submit("old.py", actor=DEV2)
    world.write("nightly.py", dag_text("etl_orders", lines='# tags=["sales"]'))

    assert paths(world) == ["nightly.py", "old.py"]
    assert paths(world, search="ORDERS") == ["nightly.py"]
    assert paths(world, search="ol") == ["old.py"]
    assert paths(world, change=ChangeKind.MODIFIED) == ["old.py"]
    assert paths(world, submitter="dev2") == ["old.py"]
    assert paths(world, tag="sales") == ["nightly.py"]
    assert paths(world, submitted=False) == ["nightly.py"]
    assert paths(world, search="nothing like it") == []


@pytest.mark.req("R3")
def test_the_list_is_sorted_and_paged(world: World, clock: FrozenClock) -> None:
    for name in ("b", "a", "c"):
        world.submit(world.dag(name))
        clock.advance(minutes=1)

    def page(**options: Any) -> list[str]:
        return [row.path for row in rows(world, **options)]

    assert page() == ["a.py", "b.py", "c.py"]
    assert page(order_by="-path") == ["c.py", "b.py", "a.py"]
    assert page(order_by="submitted_at") == ["b.py", "a.py", "c.py"]
    assert page(order_by="change") == ["a.py", "b.py", "c.py"]
    assert page(limit=1, offset=1) == ["b.py"]
    assert candidates.list_candidates(world.ctx, actor=DEV, limit=1).total_entries == 3


def test_people_see_only_what_they_may_read(world: World) -> None:
    world.dag("etl")
    world.dag("secret")
    for dag_id in ("secret", "dev.secret"):
        world.twin.refused.add((DEV2.id, DagAccess.READ, dag_id))

    assert [row.path for row in rows(world, DEV2)] == ["etl.py"]
    assert [row.path for row in rows(world, ADMIN)] == ["etl.py", "secret.py"]
    assert [row.path for row in rows(world, PIPELINE)] == ["etl.py", "secret.py"]


def test_a_row_tells_who_may_not_submit_it(world: World) -> None:
    world.dag("etl")

    assert [row.may_submit for row in rows(world, VIEWER)] == [False]


def test_a_source_that_cannot_be_read_is_said_so(world: World) -> None:
    world.twin.is_broken = True

    with pytest.raises(SourceUnavailableError):
        rows(world)


def test_the_closure_is_shown_file_by_file(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    world.dag("etl", lines="import helpers")

    closure = candidates.closure_of(world.ctx, actor=DEV, path="etl.py")

    assert [file.path for file in closure.files] == ["etl.py", "helpers.py"]


def test_the_closure_is_for_people_who_may_read_the_code(world: World) -> None:
    world.dag("etl")
    for dag_id in ("etl", "dev.etl"):
        world.twin.refused.add((DEV2.id, DagAccess.READ_CODE, dag_id))

    with pytest.raises(NotAllowedError):
        candidates.closure_of(world.ctx, actor=DEV2, path="etl.py")
    with pytest.raises(NotFoundError):
        candidates.closure_of(world.ctx, actor=DEV, path="nothing.py")


def parsed(world: World, **ago: float) -> None:
    """Let Airflow have parsed everything at a moment relative to now."""
    world.twin.parsed_at = datetime.now(timezone.utc) + timedelta(**ago)


@pytest.mark.req("R7")
def test_a_file_in_which_airflow_found_no_dag_is_no_candidate(world: World) -> None:
    world.dag("etl")
    world.write("helpers.py", "# a DAG is made elsewhere\n")
    parsed(world, hours=1)

    assert paths(world) == ["etl.py"]
    assert paths(world, without_dags=True) == ["etl.py", "helpers.py"]


@pytest.mark.parametrize("ago", [{"hours": -1}, {"minutes": 5}])
def test_a_file_that_airflow_may_not_have_seen_is_a_candidate(world: World, ago: dict[str, float]) -> None:
    world.dag("etl")
    world.write("helpers.py", "# DAG\n")
    parsed(world, **ago)

    assert paths(world) == ["etl.py", "helpers.py"]


def test_a_file_without_a_dag_that_was_released_or_is_broken_is_a_candidate(world: World) -> None:
    world.released(world.dag("etl"))
    world.dag("other")
    world.write("etl.py", "# DAG\n")
    world.write("broken.py", "# DAG\n")
    world.twin.errors["broken.py"] = "ZeroDivisionError"
    parsed(world, hours=1)

    assert paths(world) == ["broken.py", "etl.py", "other.py"]


@pytest.mark.req("R7")
def test_two_files_with_one_dag_id_name_each_other(world: World) -> None:
    world.dag("etl")
    world.write("copy.py", dag_text("etl"))
    world.twin.unparsed.add("copy.py")
    parsed(world, hours=1)
    second, first = rows(world)

    assert "Dag 'dev.etl' is in 'etl.py', too" in (second.problem or "")
    assert (first.problem, "Dag 'dev.etl' is in 'copy.py', too" in first.note) == (None, True)


def test_the_second_of_two_files_with_one_dag_id_is_refused_with_the_name_of_the_first(world: World) -> None:
    world.dag("etl")
    world.write("copy.py", dag_text("etl"))
    world.twin.unparsed.add("copy.py")

    with pytest.raises(
        ConflictError, match=r"Dag 'dev\.etl' is in 'etl\.py', too, and Airflow keeps the one"
    ):
        world.submit("copy.py")


def test_a_dag_file_in_another_encoding_says_so(world: World) -> None:
    world.dag("etl")
    (world.twin.root / "etl.py").write_bytes(b"# coding: gbk\n# DAG \xb6\xa9\n")
    world.twin.unparsed.add("etl.py")

    with pytest.raises(UnitError, match=r"'etl\.py' is no UTF-8 but gbk"):
        world.submit("etl.py")


@pytest.mark.parametrize("is_requested", [False, True])
@pytest.mark.parametrize("is_released", [False, True])
@pytest.mark.parametrize("name", ["etl", "team/load", "a b", "日本", "50%"])
def test_a_removal_is_offered_only_of_what_the_target_has(
    world: World, name: str, is_released: bool, is_requested: bool
) -> None:
    path = world.dag(name)
    if is_released:
        world.released(path)
        world.dag(name, lines="x = 2")
    waiting = world.submit(path)
    if is_requested:
        world.request(waiting)
    world.delete(path)

    (row,) = rows(world)

    assert (row.submission_id, row.can_be_submitted) == (waiting.id, is_released)
    (result,) = submissions.submit_many(world.ctx, actor=DEV, paths=[path])
    assert bool(result.submission) is row.can_be_submitted, result.problem
