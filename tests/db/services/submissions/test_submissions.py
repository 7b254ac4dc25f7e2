from __future__ import annotations

import pytest

from airflow_release_plugin.analysis.source_files import FolderFiles
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    InvalidTransitionError,
    ItemBusyError,
    NotAllowedError,
    NotFoundError,
    SourceUnavailableError,
    UnchangedError,
    UnitError,
)
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.submissions import submissions
from airflow_release_plugin.store.base import submission_ref
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, PIPELINE, REVIEWER, VIEWER, World, dag_text


@pytest.mark.req("R2")
def test_a_new_file_becomes_version_1_in_the_list(world: World, clock: FrozenClock) -> None:
    submission = submissions.submit(world.ctx, actor=DEV, path=world.dag("etl"), comment="first")

    assert (submission.version, submission.state, submission.change) == (
        1,
        SubmissionState.PENDING,
        ChangeKind.NEW,
    )
    assert (submission.dag_ids, submission.unit_name, submission.comment) == (["etl"], "etl", "first")
    assert (submission.submitted_by.id, submission.submitted_at) == (DEV.id, clock.now)


def test_the_store_keeps_the_files_under_the_versions_ref(world: World) -> None:
    submission = world.submit(world.dag("etl"))

    commit = world.store.ref(submission_ref("etl", 1))
    assert commit == submission.commit_id
    assert list(world.store.files(commit).values()) == list(submission.entries)
    assert ("Digest", submission.digest) in world.store.commit_facts(submission.commit_id).trailers


def test_a_file_that_is_in_the_target_is_modified(world: World) -> None:
    world.released(world.dag("etl"))
    world.dag("etl", lines="x = 2")

    assert world.submit("etl.py").change is ChangeKind.MODIFIED


def test_a_newer_version_supersedes_the_one_that_waits(world: World) -> None:
    first = world.submit(world.dag("etl"))
    world.dag("etl", lines="x = 2")

    second = world.submit("etl.py")

    assert (first.state, second.state, second.version) == (
        SubmissionState.SUPERSEDED,
        SubmissionState.PENDING,
        2,
    )


def test_a_version_in_a_release_stays_there_when_a_newer_one_is_submitted(world: World) -> None:
    first = world.submit(world.dag("etl"))
    world.request(first)
    world.dag("etl", lines="x = 2")

    assert world.submit("etl.py").state is SubmissionState.PENDING
    assert first.state is SubmissionState.IN_RELEASE


def test_submitting_what_waits_already_is_a_conflict(world: World) -> None:
    submission = world.submit(world.dag("etl"))

    with pytest.raises(UnchangedError, match="unchanged since v1, which is pending") as refused:
        world.submit("etl.py")

    assert refused.value.context.items() >= {"submission_id": submission.id}.items()


def test_submitting_what_is_in_the_target_is_a_conflict(world: World) -> None:
    world.released(world.dag("etl"))

    with pytest.raises(UnchangedError, match="equals v1, which is in 'prod' already"):
        world.submit("etl.py")


def test_a_change_of_a_helper_is_a_change_of_the_dag(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    world.submit(world.dag("etl", lines="import helpers"))
    world.write("helpers.py", "x = 2\n")

    assert world.submit("etl.py").version == 2


def test_an_import_error_in_the_source_is_named(world: World) -> None:
    world.dag("etl")
    world.twin.errors["etl.py"] = "Traceback\n  File etl.py\nModuleNotFoundError: No module named 'shop'"

    with pytest.raises(InvalidRequestError, match=r"'etl.py' does not import .*No module named 'shop'"):
        world.submit("etl.py")


def test_a_syntax_error_is_named_with_its_line(world: World) -> None:
    world.write("etl.py", dag_text("etl") + "def broken(:\n")

    with pytest.raises(UnitError, match=r"etl\.py"):
        world.submit("etl.py")


def test_a_file_that_airflow_has_not_parsed_yet_has_to_wait(world: World) -> None:
    world.dag("etl")
    world.twin.unparsed.add("etl.py")

    with pytest.raises(ConflictError, match="Airflow has not parsed"):
        world.submit("etl.py")


def test_a_new_file_that_was_deleted_after_it_was_listed_is_not_found(world: World) -> None:
    world.delete(world.dag("etl"))

    with pytest.raises(NotFoundError, match=r"not a Dag file of the source any more.*Reload"):
        world.submit("etl.py")


def test_a_deleted_file_that_never_was_released_has_nothing_to_remove(world: World) -> None:
    world.submit(world.dag("etl"))
    world.delete("etl.py")

    with pytest.raises(NotFoundError, match="neither in the source nor in the target"):
        world.submit("etl.py")


@pytest.mark.req("R17")
def test_a_deleted_file_that_is_in_the_target_gives_a_version_that_removes_it(world: World) -> None:
    world.released(world.dag("etl"))
    world.delete("etl.py")

    submission = world.submit("etl.py")

    assert (submission.change, submission.closure, submission.dag_ids) == (ChangeKind.DELETED, [], ["etl"])


def test_a_removal_that_waits_is_not_submitted_twice(world: World) -> None:
    world.released(world.dag("etl"))
    world.delete("etl.py")
    world.submit("etl.py")

    with pytest.raises(UnchangedError):
        world.submit("etl.py")


def test_a_file_that_a_refresh_takes_away_while_it_is_read_is_a_conflict_and_nothing_is_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write("helpers.py", "x = 1\n")
    world.dag("etl", lines="import helpers")
    honest = FolderFiles.read

    def gone_meanwhile(files: FolderFiles, path: str) -> bytes:
        (world.twin.root / "helpers.py").unlink(missing_ok=True)
        return honest(files, path)

    monkeypatch.setattr(FolderFiles, "read", gone_meanwhile)

    with pytest.raises(ConflictError, match=r"'helpers\.py' changed while 'etl\.py' was being"):
        world.submit("etl.py")
    assert submissions.list_submissions(world.ctx, actor=DEV).items == []


def test_a_file_that_changes_while_it_is_read_is_a_conflict(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.dag("etl")
    honest = FolderFiles.read

    def edited_meanwhile(files: FolderFiles, path: str) -> bytes:
        return honest(files, path) + b"# saved by the editor\n"

    monkeypatch.setattr(FolderFiles, "read", edited_meanwhile)

    with pytest.raises(ConflictError, match=r"changed while 'etl\.py' was being submitted"):
        world.submit("etl.py")


@pytest.mark.parametrize("actor", [VIEWER, PIPELINE], ids=lambda actor: actor.name)
def test_who_may_not_edit_the_dag_may_not_submit_it(world: World, actor: Actor) -> None:
    with pytest.raises(NotAllowedError):
        world.submit(world.dag("etl"), actor=actor)


def test_the_right_to_edit_is_asked_for_the_source_copy_of_every_dag_in_the_file(world: World) -> None:
    world.write("both.py", dag_text("one", "two"))
    world.twin.refused.add((DEV.id, DagAccess.EDIT, "dev.two"))

    with pytest.raises(NotAllowedError, match="may not edit two"):
        world.submit("both.py")


def test_a_source_that_cannot_be_read_is_said_so(world: World) -> None:
    world.dag("etl")
    world.twin.is_broken = True

    with pytest.raises(SourceUnavailableError):
        world.submit("etl.py")


def test_what_a_lost_transaction_wrote_is_not_there(world: World) -> None:
    world.dag("etl", lines="x = 'lost'")
    world.ctx.session.begin_nested()
    world.submit("etl.py")
    world.ctx.session.rollback()
    world.dag("etl")

    submission = world.submit("etl.py")

    assert (submission.version, world.store.ref(submission_ref("etl", 1))) == (1, submission.commit_id)


def test_two_files_with_the_same_first_dag_are_units_of_their_own(world: World) -> None:
    first = world.submit(world.dag("etl"))
    names = [first.unit_name]
    submissions.remove(world.ctx, actor=DEV, submission_id=first.id)
    world.write("copy/etl.py", dag_text("etl", lines="# another"))
    names.append(world.submit("copy/etl.py").unit_name)

    assert names == ["etl", "copy/etl.py"]


@pytest.mark.req("R6")
@pytest.mark.parametrize("actor", [DEV, DEV2, ADMIN], ids=lambda actor: actor.name)
def test_a_version_is_taken_off_the_list_and_source_and_target_stay(world: World, actor: Actor) -> None:
    world.released(world.dag("etl"))
    world.dag("etl", lines="x = 2")
    submission = world.submit("etl.py")
    before = world.head

    submissions.remove(world.ctx, actor=actor, submission_id=submission.id)

    assert submission.state is SubmissionState.REMOVED
    assert world.head == before
    assert "x = 2" in (world.twin.root / "etl.py").read_text()


@pytest.mark.req("R6")
def test_a_removed_version_may_be_submitted_again(world: World) -> None:
    submission = world.submit(world.dag("etl"))
    submissions.remove(world.ctx, actor=DEV, submission_id=submission.id)

    assert world.submit("etl.py").version == 2


def test_a_version_in_an_open_release_is_not_removed(world: World) -> None:
    submission = world.submit(world.dag("etl"))
    release = world.request(submission)

    with pytest.raises(ItemBusyError) as refused:
        submissions.remove(world.ctx, actor=DEV, submission_id=submission.id)

    assert refused.value.context.items() >= {"release_id": release.id}.items()


def test_a_version_whose_release_expired_may_be_removed(world: World, clock: FrozenClock) -> None:
    world.waiting(world.dag("etl"))
    submission = submissions.list_submissions(world.ctx, actor=DEV).items[0]
    clock.advance(hours=25)

    assert submissions.remove(world.ctx, actor=DEV, submission_id=submission.id).state is (
        SubmissionState.REMOVED
    )


def test_a_released_version_cannot_be_removed(world: World) -> None:
    release = world.released(world.dag("etl"))

    with pytest.raises(InvalidTransitionError):
        submissions.remove(world.ctx, actor=DEV, submission_id=release.items[0].submission_id)


@pytest.mark.parametrize("actor", [VIEWER, PIPELINE], ids=lambda actor: actor.name)
def test_who_may_not_edit_the_dag_may_not_remove_its_version(world: World, actor: Actor) -> None:
    submission = world.submit(world.dag("etl"))

    with pytest.raises(NotAllowedError):
        submissions.remove(world.ctx, actor=actor, submission_id=submission.id)


def test_versions_of_dags_that_one_may_not_read_do_not_exist_for_one(world: World) -> None:
    hidden = world.submit(world.dag("secret"))
    shown = world.submit(world.dag("etl"))
    for dag_id in ("secret", "dev.secret"):
        world.twin.refused.add((DEV2.id, DagAccess.READ, dag_id))

    assert submissions.list_submissions(world.ctx, actor=DEV2).items == [shown]
    with pytest.raises(NotFoundError):
        submissions.get(world.ctx, actor=DEV2, submission_id=hidden.id)
    with pytest.raises(NotFoundError):
        submissions.remove(world.ctx, actor=DEV2, submission_id=hidden.id)


@pytest.mark.req("R3")
def test_versions_are_filtered_by_state_and_name(world: World) -> None:
    first = world.submit(world.dag("etl"))
    world.dag("etl", lines="x = 2")
    second = world.submit("etl.py")
    other = world.submit(world.dag("100%_sure"))

    def found(**wanted: object) -> list[object]:
        return submissions.list_submissions(world.ctx, actor=DEV, **wanted).items  # type: ignore[arg-type,return-value]

    assert found() == [other, second, first]
    assert found(state=SubmissionState.SUPERSEDED) == [first]
    assert found(search="ETL") == [second, first]
    assert found(search="%_s") == [other]
    assert found(search="_") == [other]
    assert found(limit=1, offset=1) == [second]


def test_a_file_deep_in_folders_is_found_by_its_name(world: World) -> None:
    deep = "/".join(["a_folder_of_the_team"] * 20)
    world.write(f"{deep}/monthly_closing.py", dag_text("etl"))
    version = world.submit(f"{deep}/monthly_closing.py")

    found = submissions.list_submissions(world.ctx, actor=DEV, search="monthly_closing")

    assert found.items == [version]


@pytest.mark.req("R16")
def test_a_version_that_was_overtaken_does_not_come_back_when_its_release_ends(world: World) -> None:
    first = world.submit(world.dag("etl"))
    release = world.request(first)
    world.dag("etl", lines="x = 2")
    second = world.submit("etl.py")

    releases.revoke(world.ctx, actor=DEV, release_id=release.id)

    assert (first.state, second.state) == (SubmissionState.SUPERSEDED, SubmissionState.PENDING)


def test_reviewers_may_submit_too(world: World) -> None:
    assert world.submit(world.dag("etl"), actor=REVIEWER).submitted_by.name == "reviewer"


@pytest.mark.parametrize(
    ("lines", "is_complete", "said"),
    [("x = 1", True, []), ("open(chosen())", False, ["the text does not tell which file that is"])],
)
def test_a_version_keeps_whether_its_unit_is_complete(
    world: World, lines: str, is_complete: bool, said: list[str]
) -> None:
    version = world.submit(world.dag("etl", lines=lines))

    assert (version.is_complete, [text in version.warnings[0] for text in said]) == (
        is_complete,
        [True] * len(said),
    )


def test_a_version_keeps_what_was_not_found(world: World) -> None:
    version = world.submit(world.dag("etl", lines="query(sql='sql/missing.sql')"))

    assert (version.is_complete, version.warnings) == (False, ["not found: sql/missing.sql (etl.py line 2)"])
