"""What was said about the releases of a bundle, as it travels with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from airflow_release_plugin.domain.bundle.manifest import BundleComment, BundleDiscussion
from airflow_release_plugin.domain.states import ThreadState
from airflow_release_plugin.models import Comment, DiscussionThread
from airflow_release_plugin.models.release import release_number
from airflow_release_plugin.repositories import discussion as queries
from airflow_release_plugin.services.runtime.context import Context

MAX_LETTERS = 1_000_000
"""Characters of all comments of a bundle, whose manifest has to stay small; the newest ones go along."""


def of_releases(ctx: Context, release_ids: Collection[int]) -> tuple[BundleDiscussion, ...]:
    """What was said about these releases, by number; two queries, or none."""
    if not release_ids:
        return ()
    by_release = queries.comments(ctx.session, release_ids)
    threads = queries.threads_by_id(ctx.session, release_ids)
    kept = {
        release_id: [comment for comment in comments if not comment.is_deleted]
        for release_id, comments in by_release.items()
    }
    every = [comment for comments in kept.values() for comment in comments]
    with_room = frozenset(_with_room(sorted(every, key=lambda comment: comment.id, reverse=True)))
    return tuple(
        BundleDiscussion(
            release=release_number(release_id),
            comments=tuple(
                _travelling(comment, threads.get(comment.thread_id or 0))
                for comment in kept[release_id]
                if comment.id in with_room
            ),
            left_out=sum(comment.id not in with_room for comment in kept[release_id]),
        )
        for release_id in sorted(kept)
        if kept[release_id]
    )


def _with_room(newest_first: Sequence[Comment]) -> Iterator[int]:
    left = MAX_LETTERS
    for comment in newest_first:
        left -= len(comment.text)
        if left < 0:
            return
        yield comment.id


def _travelling(comment: Comment, thread: DiscussionThread | None) -> BundleComment:
    return BundleComment(
        author=comment.author_name,
        at=comment.made_at,
        text=comment.text,
        path=thread.path if thread else "",
        line=thread.line if thread else 0,
        edited=comment.edited_at is not None,
        resolved=thread is None or thread.state is ThreadState.RESOLVED,
    )
