"""Several files with one comment; each stands for itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.exceptions import ConflictError, InvalidRequestError, NotAllowedError
from airflow_release_plugin.services.submissions import candidates, submissions
from airflow_release_plugin.services.versions import source as source_service
from tests.harness.context import DEV, DEV2, VIEWER, World, dag_text


def submit(world: World, *paths: str, comment: str = "") -> dict[str, str]:
    handled = submissions.submit_many(world.ctx, actor=DEV, paths=paths, comment=comment)
    return {each.name: each.problem for each in handled}


@pytest.mark.req("R2", "R8")
def test_several_files_are_submitted_with_one_comment(world: World) -> None:
    handled = submissions.submit_many(
        world.ctx, actor=DEV, paths=[world.dag("a"), world.dag("b")], comment="tidied"
    )

    assert [(h.name, h.submission and h.submission.comment) for h in handled] == [
        ("a.py", "tidied"),
        ("b.py", "tidied"),
    ]


def test_what_cannot_be_submitted_is_said_and_the_others_are(world: World) -> None:
    world.write("bad.py", dag_text("bad") + "def broken(:\n")
    world.released(world.dag("same"))
    world.dag("secret")
    world.twin.refused.add((DEV.id, DagAccess.EDIT, "dev.secret"))

    problems = submit(world, "bad.py", world.dag("good"), "same.py", "secret.py", "gone.py")

    assert [name for name, problem in problems.items() if not problem] == ["good.py"]
    assert "bad.py" in problems["bad.py"]
    assert "in 'prod' already" in problems["same.py"]
    assert "may not edit secret" in problems["secret.py"]
    assert "not a Dag file" in problems["gone.py"]
    waiting = submissions.list_submissions(world.ctx, actor=DEV, state=SubmissionState.PENDING).items
    assert [row.path for row in waiting] == ["good.py"]


def test_two_files_with_one_dag_are_not_both_submitted(world: World) -> None:
    world.write("copy.py", dag_text("etl"))

    problems = submit(world, world.dag("etl"), "copy.py")

    assert not problems["etl.py"]
    assert "is also in 'etl.py'" in problems["copy.py"]


@pytest.mark.req("R8")
@pytest.mark.parametrize("number", [0, 101])
def test_none_and_more_than_a_release_may_hold_are_refused(world: World, number: int) -> None:
    with pytest.raises(InvalidRequestError, match=f"{number} were chosen; choose 1 to 100"):
        submit(world, *[f"{i}.py" for i in range(number)])
    with pytest.raises(InvalidRequestError, match="1 to 100"):
        submissions.remove_many(world.ctx, actor=DEV, submission_ids=range(number))


def test_a_file_that_is_named_twice_is_submitted_once(world: World) -> None:
    assert submit(world, world.dag("a"), "a.py") == {"a.py": ""}


@pytest.mark.req("R6")
def test_several_versions_leave_the_list_and_what_is_in_a_release_stays(world: World) -> None:
    free, held = world.submit(world.dag("free")), world.submit(world.dag("held"))
    world.request(held)

    handled = submissions.remove_many(world.ctx, actor=DEV, submission_ids=[free.id, held.id, 999])

    assert [bool(each.problem) for each in handled] == [False, True, True]
    assert (free.state, held.state) == (SubmissionState.REMOVED, SubmissionState.IN_RELEASE)


def test_nobody_submits_what_they_may_not_edit(world: World) -> None:
    world.dag("etl")
    handled = submissions.submit_many(world.ctx, actor=VIEWER, paths=["etl.py"])

    assert "may not edit" in handled[0].problem
    with pytest.raises(NotAllowedError):
        submissions.submit(world.ctx, actor=VIEWER, path="etl.py")


def test_a_source_that_changes_while_it_is_read_is_not_submitted_half(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write("helpers.py", "x = 1\n")
    world.dag("etl", lines="import helpers")
    candidates.list_candidates(world.ctx, actor=DEV)  # from here on, only submitting reads the files
    read = source_service.FolderFiles.read

    def slow(files: Any, path: str) -> bytes:
        found = read(files, path)
        if path == "helpers.py":  # both files are of the old state; now the new one arrives
            Path(world.twin.root, "etl.py").write_text(dag_text("etl", lines="import helpers; y = 2"))
        return found

    monkeypatch.setattr(source_service.FolderFiles, "read", slow)

    with pytest.raises(
        ConflictError, match=r"'etl.py' changed while 'etl.py' was being submitted.*Submit again"
    ):
        world.submit("etl.py")
    assert candidates.list_candidates(world.ctx, actor=DEV2).items[0].submission_id is None
