"""Who may say something about a release, and the one way to the comment or thread that they mean."""

from __future__ import annotations

from airflow_release_plugin.domain.discussion.words import MAX_COMMENTS
from airflow_release_plugin.domain.identity import Actor, ActorKind
from airflow_release_plugin.exceptions import ConflictError, NotAllowedError, NotFoundError
from airflow_release_plugin.models import Comment, DiscussionThread, Release
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import discussion as queries
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context


def may_comment(actor: Actor) -> bool:
    """Whether somebody who sees a release may say something about it, whatever became of the release."""
    return actor.kind is ActorKind.USER


def locked_release(ctx: Context, *, actor: Actor, release_id: int) -> Release:
    """
    The release, locked, so that what is said and what is decided come one after the other.

    :raises NotAllowedError: the actor is a service user
    """
    # On SQLite, what is read before the first write may be overtaken by then.
    approval_queries.begin_to_write(ctx.session)
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    if not may_comment(actor):
        raise NotAllowedError(
            "%(actor)r is a service user; people discuss %(release)s, and tasks report on it.",
            actor=actor.name,
            release=release.subject,
        )
    return release


def require_room(ctx: Context, release: Release) -> None:
    """Raise ``ConflictError`` when the release has as many comments as it can have."""
    if queries.comment_count(ctx.session, release.id) >= MAX_COMMENTS:
        raise ConflictError(
            "%(release)s has %(most)s comments, the most that is possible. Go on "
            "elsewhere, and link to it in a comment that you edit.",
            release=release.subject,
            most=f"{MAX_COMMENTS:,}",
        )


def require_thread(ctx: Context, actor: Actor, release: Release, thread_id: int) -> DiscussionThread:
    """A thread of the release, for who may read the code that it is about."""
    found = queries.thread(ctx.session, release.id, thread_id)
    if found is None or not access.may_read_code(ctx, actor, release.dag_ids):
        raise NotFoundError(
            "There is no thread %(thread_id)s of %(release)s that you may see.",
            thread_id=thread_id,
            release=release.subject,
        )
    return found


def require_comment(ctx: Context, actor: Actor, release: Release, comment_id: int) -> Comment:
    """A comment that is still there, for who may see it."""
    found = queries.comment(ctx.session, release.id, comment_id)
    if found is not None and found.thread_id is not None:
        require_thread(ctx, actor, release, found.thread_id)
    if found is None or found.is_deleted:
        raise NotFoundError(
            "There is no comment %(comment_id)s on %(release)s that you may see.",
            comment_id=comment_id,
            release=release.subject,
        )
    return found
