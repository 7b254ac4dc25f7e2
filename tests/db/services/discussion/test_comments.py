"""Comments on a release: who may write, change and delete them, and what stays."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.states import ThreadState
from airflow_release_plugin.exceptions import ConflictError, NotAllowedError, NotFoundError, TooLargeError
from airflow_release_plugin.models import CommentEdit, Event
from airflow_release_plugin.services.discussion import comments, reading
from tests.harness.context import ADMIN, DEV, DEV2, PIPELINE, REVIEWER, VIEWER, World
from tests.harness.discussion import discussion, point_at, reply, say

pytestmark = pytest.mark.req("R91")


def hide(world: World, actor: Actor, access: DagAccess = DagAccess.READ) -> None:
    """Let somebody not see the DAG, or not its code."""
    world.twin.refused |= {(actor.id, access, name) for name in ("etl", "dev.etl")}


def said(world: World, *tags: EventTag) -> list[Event]:
    found = world.ctx.session.scalars(select(Event).order_by(Event.sequence))
    return [event for event in found if event.tag in tags]


def edit(world: World, release_id: int, comment_id: int, text: str, actor: Actor = REVIEWER) -> None:
    comments.edit_comment(world.ctx, actor=actor, release_id=release_id, comment_id=comment_id, text=text)


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_words_are_there_for_everybody_who_sees_the_release(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    before = release.change_digest

    written = say(world, release, "Is **this** tested? <script>")

    (comment,) = discussion(world, release, VIEWER).comments
    assert (comment.id, comment.text, comment.author) == (
        written.comment.id,
        "Is **this** tested? <script>",
        comment.author,
    )
    assert (comment.author.name, comment.thread_id, release.change_digest) == ("reviewer", None, before)
    assert [event.data for event in said(world, EventTag.RELEASE_COMMENT_ADDED)] == [
        {"comment_id": comment.id, "thread_id": None}
    ]


def test_a_release_that_is_over_can_be_discussed(world: World) -> None:
    release = world.released(world.dag("etl"))
    thread = point_at(world, release)

    say(world, release)
    reply(world, release, thread)

    assert len(discussion(world, release).comments) == 1


def test_what_is_too_long_is_refused_with_the_limit(world: World) -> None:
    release = world.waiting(world.dag("etl"))

    with pytest.raises(TooLargeError, match="at most 10,000 characters; this one has 1,048,576"):
        say(world, release, "x" * 2**20)
    assert discussion(world, release).comments == ()


def test_a_release_has_room_for_so_many_comments(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_release_plugin.services.discussion.doors.MAX_COMMENTS", 2)
    release = world.waiting(world.dag("etl"))
    say(world, release)
    point_at(world, release)

    with pytest.raises(ConflictError, match="has 2 comments, the most"):
        say(world, release)
    with pytest.raises(ConflictError, match="has 2 comments, the most"):
        point_at(world, release)
    assert len(discussion(world, release).threads) == 1


def test_who_may_not_see_the_release_finds_no_comment(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    comment = say(world, release).comment
    hide(world, DEV2)

    for attempt in (
        lambda: say(world, release, actor=DEV2),
        lambda: edit(world, release.id, comment.id, "x", DEV2),
        lambda: reading.get_discussion(world.ctx, actor=DEV2, release_id=release.id),
        lambda: comments.delete_comment(world.ctx, actor=DEV2, release_id=release.id, comment_id=comment.id),
    ):
        with pytest.raises(NotFoundError):
            attempt()


def test_service_users_say_nothing(world: World) -> None:
    release = world.waiting(world.dag("etl"))

    with pytest.raises(NotAllowedError, match="service user"):
        say(world, release, actor=PIPELINE)


def test_a_comment_of_another_release_is_not_found(world: World) -> None:
    release, other = world.waiting(world.dag("etl")), world.waiting(world.dag("other"))
    comment = say(world, release).comment

    with pytest.raises(NotFoundError):
        edit(world, other.id, comment.id, "x")


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_people_change_their_own_words_and_what_they_were_stays(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    comment = say(world, release, "First").comment

    edit(world, release.id, comment.id, "Second")
    edit(world, release.id, comment.id, "Second")
    edit(world, release.id, comment.id, "Third")

    world.ctx.session.expire_all()
    (shown,) = discussion(world, release).comments
    assert (shown.text, [edit.text for edit in shown.edits]) == ("Third", ["First", "Second"])
    assert shown.edited_at is not None
    assert len(said(world, EventTag.RELEASE_COMMENT_EDITED)) == 2


@pytest.mark.parametrize("actor", [DEV, ADMIN])
def test_nobody_changes_what_others_said(world: World, actor: Actor) -> None:
    release = world.waiting(world.dag("etl"))
    comment = say(world, release, "Mine").comment

    with pytest.raises(NotAllowedError, match="only its author"):
        edit(world, release.id, comment.id, "Yours", actor)
    assert discussion(world, release).comments[0].text == "Mine"


@pytest.mark.parametrize("actor", [REVIEWER, ADMIN])
def test_deleted_words_are_gone_and_that_is_told(world: World, actor: Actor) -> None:
    release = world.waiting(world.dag("etl"))
    comment = say(world, release, "password = hunter2").comment
    edit(world, release.id, comment.id, "hunter3")

    comments.delete_comment(world.ctx, actor=actor, release_id=release.id, comment_id=comment.id)

    (shown,) = discussion(world, release).comments
    assert (shown.text, shown.is_deleted, shown.deleted_by and shown.deleted_by.name) == (
        "",
        True,
        actor.name,
    )
    assert list(world.ctx.session.scalars(select(CommentEdit))) == []
    (event,) = said(world, EventTag.RELEASE_COMMENT_DELETED)
    assert (event.actor_name, event.data["author"]) == (actor.name, "reviewer")
    everything = world.ctx.session.scalars(select(Event))
    assert "hunter" not in str([event.data for event in everything])
    with pytest.raises(NotFoundError):
        comments.delete_comment(world.ctx, actor=actor, release_id=release.id, comment_id=comment.id)


def test_others_delete_nothing(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    comment = say(world, release).comment

    with pytest.raises(NotAllowedError, match="its author and release admins"):
        comments.delete_comment(world.ctx, actor=DEV, release_id=release.id, comment_id=comment.id)


def test_a_thread_whose_last_words_go_is_resolved(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    thread = point_at(world, release)
    answer = reply(world, release, thread)
    first = discussion(world, release).threads[0].comments[0]

    comments.delete_comment(world.ctx, actor=DEV, release_id=release.id, comment_id=answer.id)
    assert thread.state is ThreadState.UNRESOLVED
    comments.delete_comment(world.ctx, actor=REVIEWER, release_id=release.id, comment_id=first.id)
    assert thread.state is ThreadState.RESOLVED
