"""What was said about a release, as somebody sees it."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ThreadState
from airflow_release_plugin.models import Comment, DiscussionThread, Release
from airflow_release_plugin.repositories import discussion as queries
from airflow_release_plugin.services.discussion import lines
from airflow_release_plugin.services.discussion.doors import may_comment, require_thread
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class ThreadView:
    """
    A thread with its comments.

    :param line: where its line is now, from 1; ``None`` when it is outdated
    """

    thread: DiscussionThread
    comments: tuple[Comment, ...]
    line: int | None

    @property
    def is_outdated(self) -> bool:
        """Whether what it was about is not there any more."""
        return self.line is None

    @property
    def is_resolved(self) -> bool:
        """Whether somebody said that it is settled."""
        return self.thread.state is ThreadState.RESOLVED


@dataclass(frozen=True)
class UnresolvedThreads:
    """How many threads of a release are not resolved, and the id of the first one."""

    count: int
    first: int | None


@dataclass(frozen=True)
class Discussion:
    """
    What was said about a release.

    :param comments: on the release as a whole, oldest first
    :param threads: on lines, oldest first; none for who may not read its code
    :param unresolved: number of threads that are not resolved, also of those that the actor may not see
    :param may_comment: whether the actor may say something
    :param is_admin: whether they may delete what others said
    :param reader_id: id of the actor, whose own words they may change
    """

    comments: tuple[Comment, ...]
    threads: tuple[ThreadView, ...]
    unresolved: int
    may_comment: bool
    is_admin: bool
    reader_id: str

    @property
    def open_threads(self) -> list[ThreadView]:
        """Those that are not resolved."""
        return [view for view in self.threads if not view.is_resolved]


def get_discussion(ctx: Context, *, actor: Actor, release_id: int) -> Discussion:
    """What was said about a release; a fixed number of queries, but for files whose lines have moved."""
    return discussion_of(ctx, releases.get(ctx, actor=actor, release_id=release_id), actor=actor)


def find_thread(ctx: Context, *, actor: Actor, release_id: int, thread_id: int) -> DiscussionThread:
    """One thread. Raises ``NotFoundError`` if there is none that the actor may see."""
    release = releases.get(ctx, actor=actor, release_id=release_id)
    return require_thread(ctx, actor, release, thread_id)


def unresolved_of(ctx: Context, release: Release) -> UnresolvedThreads:
    """How many threads of a release that the actor may see are not resolved."""
    count = queries.unresolved(ctx.session, release.id)
    return UnresolvedThreads(count, queries.first_unresolved(ctx.session, release.id) if count else None)


def discussion_of(ctx: Context, release: Release, *, actor: Actor) -> Discussion:
    """The same of a release that the actor may see."""
    # What was just written in this transaction is read back.
    ctx.session.flush()
    threads = queries.threads(ctx.session, release.id)
    comments = queries.comments(ctx.session, [release.id])[release.id]
    may_read = access.may_read_code(ctx, actor, release.dag_ids) if threads else True
    return Discussion(
        comments=tuple(comment for comment in comments if comment.thread_id is None),
        threads=_views(ctx, release, threads, comments) if may_read else (),
        unresolved=sum(thread.state is ThreadState.UNRESOLVED for thread in threads),
        may_comment=may_comment(actor),
        is_admin=access.is_admin(ctx, actor),
        reader_id=actor.id,
    )


def _views(
    ctx: Context, release: Release, threads: list[DiscussionThread], comments: list[Comment]
) -> tuple[ThreadView, ...]:
    places = lines.places(ctx, release, threads) if threads else {}
    return tuple(
        ThreadView(
            thread,
            tuple(comment for comment in comments if comment.thread_id == thread.id),
            places.get(thread.id),
        )
        for thread in threads
    )
