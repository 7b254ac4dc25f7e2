"""Versions that running them found to need more files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.release.checks import ReportKind
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import InvalidRequestError, TaskMismatchError
from airflow_release_plugin.models import Event, Release
from airflow_release_plugin.repositories import events
from airflow_release_plugin.services.releases import checks, creation, work
from airflow_release_plugin.services.releases.completion import JoinedFile
from airflow_release_plugin.services.runtime.context import Settings
from airflow_release_plugin.store.base import submission_ref
from tests.harness.context import DEV, PASSED, PIPELINE, World
from tests.harness.work_trees import candidate_files

OPENED = "opened when it ran, etl.py line 3"


def events_of(world: World, release: Release) -> list[Event]:
    subject = f"submission:{release.items[0].submission_id}"
    found = events.events_of(world.ctx.session, subject).items
    return [event for event in found if event.tag == EventTag.SUBMISSION_COMPLETED]


def requested(world: World, *extra: str) -> Release:
    world.write("conf/one.yaml", "one: 1\n")
    world.write("conf/two.yaml", "two: 2\n")
    return world.request(world.submit(world.dag("etl")), *[world.submit(world.dag(dag)) for dag in extra])


def report(world: World, release: Release, *joined: tuple[int, str]) -> Release:
    return checks.report(
        world.ctx,
        actor=world.task(release, TaskRole.CHECK),
        release_id=release.id,
        kind=ReportKind.CHECK,
        attempt=release.attempt,
        items=PASSED,
        joined=[JoinedFile(release.items[position].submission_id, path, OPENED) for position, path in joined],
    )


@pytest.mark.req("R81")
def test_what_joins_is_approved_and_promoted_with_the_version(world: World) -> None:
    release = requested(world)
    asked = release.change_digest
    submission = release.items[0].submission
    before = submission.commit_id, submission.digest

    report(world, release, (0, "conf/one.yaml"))

    assert release.state is ReleaseState.AWAITING_APPROVAL
    assert release.change_digest != asked
    assert (submission.commit_id, submission.digest) != before
    assert world.store.ref(submission_ref(submission.unit.name, submission.version)) == submission.commit_id
    joined = next(file for file in submission.files if file["path"] == "conf/one.yaml")
    assert (joined["kind"], joined["reason"]) == ("observed", OPENED)
    world.promote(world.decide(release))
    assert sorted(world.store.files(world.head)) == ["conf/one.yaml", "etl.py"]


@pytest.mark.req("R81")
def test_it_joins_as_it_was_when_the_version_was_submitted(world: World) -> None:
    release = requested(world)
    world.write("conf/one.yaml", "changed: since\n")

    report(world, release, (0, "conf/one.yaml"))

    entry = next(change.entry for change in release.changes if change.path == "conf/one.yaml")
    assert entry is not None
    assert world.store.read(entry.blob) == b"one: 1\n"


@pytest.mark.req("R82")
def test_a_dag_that_only_a_joined_file_may_change_is_run_by_a_second_check(world: World) -> None:
    world.write("conf/one.yaml", "one: 0\n")
    world.released(world.dag("user", lines="open('conf/one.yaml')"))
    release = requested(world)
    report(world, release, (0, "conf/one.yaml"))

    assert release.state is ReleaseState.FAILED
    assert "user.py is not in this release and depends on a file that joined it" in release.state_reason
    creation.retry(world.ctx, actor=DEV, release_id=release.id)
    assert work.work_of(world.ctx, actor=PIPELINE, release_id=release.id).dag_files == ["etl.py", "user.py"]


def test_the_trail_says_which_files_joined(world: World) -> None:
    release = requested(world)
    report(world, release, (0, "conf/two.yaml"), (0, "conf/one.yaml"))

    [event] = events_of(world, release)
    assert event.data["joined"] == ["conf/one.yaml", "conf/two.yaml"]
    assert event.data["digest"] == release.items[0].submission.digest


def test_a_file_that_is_there_already_joins_once(world: World) -> None:
    release = requested(world)
    report(world, release, (0, "etl.py"))

    assert events_of(world, release) == []
    assert [file["path"] for file in release.items[0].submission.files] == ["etl.py"]


def test_two_versions_may_need_the_same_file(world: World) -> None:
    release = requested(world, "other")
    report(world, release, (0, "conf/one.yaml"), (1, "conf/one.yaml"))

    assert release.state is ReleaseState.AWAITING_APPROVAL
    assert [change.path for change in release.changes] == ["conf/one.yaml", "etl.py", "other.py"]


def test_two_versions_that_were_submitted_with_other_bytes_of_it_fail_the_release(world: World) -> None:
    world.write("conf/one.yaml", "one: 1\n")
    first = world.submit(world.dag("etl"))
    world.write("conf/one.yaml", "one: 2\n")
    release = world.request(first, world.submit(world.dag("other")))

    report(world, release, (0, "conf/one.yaml"), (1, "conf/one.yaml"))

    assert release.state is ReleaseState.FAILED
    assert "different content of the shared file 'conf/one.yaml'" in release.state_reason


@pytest.mark.parametrize("path", ["conf/none.yaml", "../etc/passwd", "/etc/passwd"])
def test_nothing_joins_that_the_source_did_not_have(world: World, path: str) -> None:
    release = requested(world)
    with pytest.raises(InvalidRequestError):
        report(world, release, (0, path))


def test_nothing_joins_a_version_of_another_release(world: World) -> None:
    release, other = requested(world), world.request(world.submit(world.dag("other")))
    with pytest.raises(InvalidRequestError, match="is not in release"):
        checks.report(
            world.ctx,
            actor=world.task(release, TaskRole.CHECK),
            release_id=release.id,
            kind=ReportKind.CHECK,
            attempt=1,
            items=PASSED,
            joined=[JoinedFile(other.items[0].submission_id, "conf/one.yaml", OPENED)],
        )


def test_who_is_not_the_check_completes_nothing(world: World) -> None:
    release = requested(world)
    with pytest.raises(TaskMismatchError):
        checks.report(
            world.ctx,
            actor=PIPELINE,
            release_id=release.id,
            kind=ReportKind.CHECK,
            attempt=1,
            items=PASSED,
            joined=[JoinedFile(release.items[0].submission_id, "conf/one.yaml", OPENED)],
        )
    assert [file["path"] for file in release.items[0].submission.files] == ["etl.py"]


def test_too_many_files_fail_the_release_with_the_setting(world: World) -> None:
    release = requested(world)
    limited = replace(world, ctx=replace(world.ctx, settings=Settings(max_unit_files=2)))
    report(limited, release, (0, "conf/one.yaml"), (0, "conf/two.yaml"))

    assert release.state is ReleaseState.FAILED
    assert "[release] max_unit_files" in release.state_reason


def test_an_attempt_after_that_has_them_from_the_start(world: World) -> None:
    release = requested(world)
    report(world, release, (0, "conf/one.yaml"))

    [unit] = work.work_of(world.ctx, actor=PIPELINE, release_id=release.id).units
    assert unit.files == ["conf/one.yaml", "etl.py"]
    assert [file.path for file in candidate_files(world, release)] == ["conf/one.yaml", "etl.py"]


@pytest.mark.req("R80")
def test_the_worker_gets_the_whole_source_as_it_was_when_the_version_was_submitted(world: World) -> None:
    release = requested(world)
    world.write("conf/three.yaml", "since")

    [unit] = work.work_of(world.ctx, actor=PIPELINE, release_id=release.id).units
    lists = work.work_trees(world.ctx, actor=PIPELINE, release_id=release.id)

    assert unit.snapshot is not None
    assert [file.path for file in lists.snapshots[unit.snapshot]] == [
        *("conf/one.yaml", "conf/two.yaml", "etl.py")
    ]
    assert release.items[0].submission.submitted_by_id == DEV.id
