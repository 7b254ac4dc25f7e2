"""Threads on lines: where they may be, how they follow their line, and who resolves them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.discussion.anchors import Side
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.states import ReleaseState, ThreadState
from airflow_release_plugin.exceptions import InvalidRequestError, NotAllowedError, NotFoundError
from airflow_release_plugin.models import Event
from airflow_release_plugin.services.releases import creation
from airflow_release_plugin.services.releases.completion import JoinedFile
from tests.db.services.discussion.test_comments import hide
from tests.harness.context import ADMIN, DEV, DEV2, FAILED, VIEWER, World
from tests.harness.discussion import discussion, only_thread, point_at, reopen, reply, resolve

pytestmark = pytest.mark.req("R91")


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_a_thread_stands_on_its_line_with_its_answers(world: World) -> None:
    release = world.waiting(world.dag("etl", lines="LIMIT = 5"))

    thread = point_at(world, release, line=2, text="Why five?")
    reply(world, release, thread, "Because.")

    view = only_thread(world, release)
    assert (view.line, view.is_outdated, view.is_resolved, view.thread.text) == (2, False, False, "LIMIT = 5")
    assert [comment.text for comment in view.comments] == ["Why five?", "Because."]
    assert discussion(world, release).unresolved == 1
    (event,) = world.ctx.session.scalars(select(Event).where(Event.tag == EventTag.RELEASE_THREAD_OPENED))
    assert (event.data["path"], event.data["line"], event.data["change_digest"]) == (
        "etl.py",
        2,
        release.change_digest,
    )


@pytest.mark.parametrize(
    ("path", "line", "side", "words"),
    [
        ("etl.py", 99, Side.NEW, "has 4 lines on the new side; there is no line 99"),
        ("etl.py", 1, Side.OLD, "no file 'etl.py' that has a text on the old side"),
        ("gone.py", 1, Side.NEW, "no file 'gone.py'"),
    ],
)
def test_there_is_no_thread_where_there_is_no_line(
    world: World, path: str, line: int, side: Side, words: str
) -> None:
    release = world.waiting(world.dag("etl"))

    with pytest.raises(InvalidRequestError, match=words):
        point_at(world, release, path, line, side)
    assert discussion(world, release).threads == ()


def test_a_binary_file_has_no_lines(world: World) -> None:
    (world.twin.root / "data.bin").write_bytes(b"a\n\0b\n")
    release = world.waiting(world.dag("etl", lines='ROWS = open("data.bin").read()'))
    assert "data.bin" in {change.path for change in release.changes}

    with pytest.raises(InvalidRequestError, match=r"'data\.bin' has 0 lines"):
        point_at(world, release, "data.bin")


def test_the_line_of_the_target_has_threads_too(world: World) -> None:
    path = world.dag("etl", lines="LIMIT = 5")
    world.released(path)
    release = world.waiting(world.dag("etl", lines="LIMIT = 6"))

    point_at(world, release, line=2, side=Side.OLD)

    assert (only_thread(world, release).line, only_thread(world, release).thread.text) == (2, "LIMIT = 5")


def test_who_may_not_read_the_code_sees_only_how_many_there_are(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    thread = point_at(world, release)
    hide(world, DEV2, DagAccess.READ_CODE)

    seen = discussion(world, release, DEV2)

    assert (seen.threads, seen.unresolved) == ((), 1)
    with pytest.raises(NotAllowedError, match="may not read the code"):
        point_at(world, release, actor=DEV2)
    for attempt in (reply, resolve, reopen):
        with pytest.raises(NotFoundError):
            attempt(world, release, thread, actor=DEV2)


def test_a_second_click_is_calm(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    thread = point_at(world, release)

    resolve(world, release, thread, DEV)
    resolve(world, release, thread, VIEWER)

    assert (thread.state, thread.moved_by and thread.moved_by.name) == (ThreadState.RESOLVED, "dev")
    found = world.ctx.session.scalars(select(Event).where(Event.tag == EventTag.RELEASE_THREAD_RESOLVED))
    assert [event.actor_name for event in found] == ["dev"]


def test_a_resolved_thread_can_be_opened_again(world: World) -> None:
    release = world.released(world.dag("etl"))
    thread = point_at(world, release)
    resolve(world, release, thread)

    reopen(world, release, thread, ADMIN)

    assert (thread.state, discussion(world, release).unresolved) == (ThreadState.UNRESOLVED, 1)
    assert release.state is ReleaseState.RELEASED


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
class TestNextAttempt:
    """A release is planned anew on a target that has moved on."""

    OLD = "A = 1\nB = 2\nC = 3\nD = 4\n"

    def replanned(self, world: World, target: str) -> tuple[int | None, int | None]:
        """Where threads on line ``C`` of the old side and on line 2 of the new are after the next attempt."""
        world.write("helper.py", self.OLD)
        world.released(world.dag("etl", lines="import helper"))
        world.write("helper.py", self.OLD.replace("C = 3", "C = 4"))
        release = world.request(world.submit(world.dag("etl", lines="import helper  # again")))
        point_at(world, release, "helper.py", 3, Side.OLD)
        point_at(world, release, "helper.py", 2)
        world.report(release, FAILED)
        world.move_by_hand("helper.py", target)

        again = creation.retry(world.ctx, actor=DEV, release_id=release.id)

        old, new = discussion(world, again).threads
        return old.line, new.line

    def test_its_threads_follow_their_lines(self, world: World) -> None:
        assert self.replanned(world, f"# on top\n{self.OLD}") == (4, 2)

    def test_a_thread_whose_line_is_gone_is_outdated(self, world: World) -> None:
        assert self.replanned(world, self.OLD.replace("C = 3", "C = 9")) == (None, 2)

    def test_threads_on_a_file_that_it_changes_no_more_are_outdated(self, world: World) -> None:
        assert self.replanned(world, self.OLD.replace("C = 3", "C = 4")) == (None, None)


def test_a_file_that_joined_leaves_threads_on_others_where_they_are(world: World) -> None:
    world.write("late.sql", "select 1\n")
    release = world.request(world.submit(world.dag("etl")))
    point_at(world, release, line=1)
    submission_id = release.items[0].submission.id

    world.report(release, joined=[JoinedFile(submission_id, "late.sql", "opened")])
    point_at(world, release, "late.sql")

    assert [view.line for view in discussion(world, release).threads] == [1, 1]
