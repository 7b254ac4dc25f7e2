"""What people say about a release: writing it, changing one's own words, taking them back (R91)."""

from __future__ import annotations

from airflow_release_plugin.domain.discussion.words import require_words
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ThreadState
from airflow_release_plugin.exceptions import NotAllowedError
from airflow_release_plugin.models import Comment, CommentEdit, DiscussionThread, Release
from airflow_release_plugin.repositories import discussion as queries
from airflow_release_plugin.services.approvals import notifications
from airflow_release_plugin.services.discussion.doors import (
    locked_release,
    require_comment,
    require_room,
    require_thread,
)
from airflow_release_plugin.services.discussion.telling import Written, named_in, tell
from airflow_release_plugin.services.discussion.threads import move
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context


def add_comment(
    ctx: Context, *, actor: Actor, release_id: int, text: str, thread_id: int | None = None
) -> Written:
    """
    Say something about a release, in whatever state it is, or answer in one of its threads.

    :param text: Markdown
    :raises TooLargeError: the text is too long
    :raises ConflictError: the release has as many comments as it can have
    """
    text = require_words(text)
    release = locked_release(ctx, actor=actor, release_id=release_id)
    thread = None if thread_id is None else require_thread(ctx, actor, release, thread_id)
    return write(ctx, release, thread, text, actor=actor)


def write(
    ctx: Context, release: Release, thread: DiscussionThread | None, text: str, *, actor: Actor
) -> Written:
    """Keep checked words about a locked release, leave their event, and tell whom they name."""
    require_room(ctx, release)
    comment = Comment(
        release_id=release.id,
        thread_id=thread.id if thread else None,
        text=text,
        author_id=actor.id,
        author_name=actor.name,
        made_at=ctx.clock(),
    )
    ctx.session.add(comment)
    # The id names it in the trail.
    ctx.session.flush()
    _record(ctx, EventTag.RELEASE_COMMENT_ADDED, comment, actor=actor)
    return tell(ctx, release, comment, thread, actor=actor)


def edit_comment(ctx: Context, *, actor: Actor, release_id: int, comment_id: int, text: str) -> Written:
    """
    Change one's own words; what they were stays with them. The same words again change nothing.

    :raises NotAllowedError: they are somebody else's; nobody edits these, not even an admin
    """
    text = require_words(text)
    release = locked_release(ctx, actor=actor, release_id=release_id)
    comment = require_comment(ctx, actor, release, comment_id)
    if comment.author_id != actor.id:
        raise NotAllowedError(
            "Comment %(id)s on %(release)s is by %(author)r; only its author may edit it. Answer it instead.",
            id=comment.id,
            release=release.subject,
            author=comment.author_name,
        )
    if text == comment.text:
        return Written(comment)
    before = named_in(ctx, release, comment.text).people
    comment.edits.append(CommentEdit(text=comment.text, replaced_at=ctx.clock()))
    comment.text, comment.edited_at = text, ctx.clock()
    _record(ctx, EventTag.RELEASE_COMMENT_EDITED, comment, actor=actor)
    thread = queries.thread(ctx.session, release.id, comment.thread_id) if comment.thread_id else None
    return tell(ctx, release, comment, thread, actor=actor, before=before)


def may_delete(ctx: Context, actor: Actor, comment: Comment) -> bool:
    """Whether the actor may take these words away: their author, and admins."""
    return not comment.is_deleted and (comment.author_id == actor.id or access.is_admin(ctx, actor))


def delete_comment(ctx: Context, *, actor: Actor, release_id: int, comment_id: int) -> Comment:
    """
    Take words away, with everything that they said before; that they were there stays, and who took them.

    A thread whose last words go is resolved: nobody could answer it.

    :raises NotAllowedError: they are somebody else's, and the actor is no admin
    """
    release = locked_release(ctx, actor=actor, release_id=release_id)
    comment = require_comment(ctx, actor, release, comment_id)
    if not may_delete(ctx, actor, comment):
        raise NotAllowedError(
            "Comment %(id)s on %(release)s is by %(author)r; its author and release admins may delete it.",
            id=comment.id,
            release=release.subject,
            author=comment.author_name,
        )
    comment.text, comment.edits = "", []
    comment.deleted_at, comment.deleted_by_id, comment.deleted_by_name = ctx.clock(), actor.id, actor.name
    notifications.forget_words(ctx, comment)
    _record(ctx, EventTag.RELEASE_COMMENT_DELETED, comment, actor=actor, author=comment.author_name)
    if comment.thread_id is not None and queries.words_left(ctx.session, comment.thread_id) == 0:
        thread = queries.thread(ctx.session, release.id, comment.thread_id)
        if thread is not None:
            move(ctx, release, thread, ThreadState.RESOLVED, actor=actor)
    return comment


def _record(ctx: Context, tag: EventTag, comment: Comment, *, actor: Actor, **facts: str) -> None:
    """The trail never holds the words: it cannot forget, and people paste what should not stay."""
    audit.record(
        ctx,
        actor=actor,
        tag=tag,
        subject=f"release:{comment.release_id}",
        comment_id=comment.id,
        thread_id=comment.thread_id,
        **facts,
    )
