"""Short ways to say something about a release of these tests."""

from __future__ import annotations

from airflow_release_plugin.domain.discussion.anchors import LinePoint, Side
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.models import Comment, DiscussionThread, Release
from airflow_release_plugin.repositories import discussion as queries
from airflow_release_plugin.services.discussion import comments, lines, reading, threads
from airflow_release_plugin.services.discussion.reading import Discussion, ThreadView
from airflow_release_plugin.services.discussion.telling import Written
from tests.harness.context import DEV, REVIEWER, World


def say(world: World, release: Release, text: str = "Why?", actor: Actor = REVIEWER) -> Written:
    """A comment on the release as a whole."""
    return comments.add_comment(world.ctx, actor=actor, release_id=release.id, text=text)


def point_at(
    world: World,
    release: Release,
    path: str = "etl.py",
    line: int = 1,
    side: Side = Side.NEW,
    text: str = "Why?",
    actor: Actor = REVIEWER,
) -> DiscussionThread:
    """A thread on a line, with its first comment."""
    written = lines.open_thread(
        world.ctx, actor=actor, release_id=release.id, point=LinePoint(path, side, line), text=text
    )
    found = queries.thread(world.ctx.session, release.id, written.comment.thread_id or 0)
    assert found is not None
    return found


def reply(
    world: World, release: Release, thread: DiscussionThread, text: str = "So.", actor: Actor = DEV
) -> Comment:
    """An answer in a thread."""
    return comments.add_comment(
        world.ctx, actor=actor, release_id=release.id, text=text, thread_id=thread.id
    ).comment


def resolve(
    world: World, release: Release, thread: DiscussionThread, actor: Actor = REVIEWER
) -> DiscussionThread:
    return threads.resolve_thread(world.ctx, actor=actor, release_id=release.id, thread_id=thread.id)


def reopen(
    world: World, release: Release, thread: DiscussionThread, actor: Actor = REVIEWER
) -> DiscussionThread:
    return threads.reopen_thread(world.ctx, actor=actor, release_id=release.id, thread_id=thread.id)


def discussion(world: World, release: Release, actor: Actor = DEV) -> Discussion:
    return reading.get_discussion(world.ctx, actor=actor, release_id=release.id)


def only_thread(world: World, release: Release, actor: Actor = DEV) -> ThreadView:
    """The one thread of a release, as somebody sees it."""
    (view,) = discussion(world, release, actor).threads
    return view
