"""Threads: comments on a line of what a release changes, that somebody has to resolve (R91)."""

from __future__ import annotations

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ThreadState
from airflow_release_plugin.models import DiscussionThread, Release
from airflow_release_plugin.services.discussion.doors import locked_release, require_thread
from airflow_release_plugin.services.releases import decisions
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.context import Context

_EVENTS = {
    ThreadState.RESOLVED: EventTag.RELEASE_THREAD_RESOLVED,
    ThreadState.UNRESOLVED: EventTag.RELEASE_THREAD_REOPENED,
}


def resolve_thread(ctx: Context, *, actor: Actor, release_id: int, thread_id: int) -> DiscussionThread:
    """
    Say that a thread is settled; a second call changes nothing.

    Where its approval waited for this one only, the release goes on at once.
    """
    return _move(ctx, release_id, thread_id, ThreadState.RESOLVED, actor=actor)


def reopen_thread(ctx: Context, *, actor: Actor, release_id: int, thread_id: int) -> DiscussionThread:
    """Say that a thread is not settled after all; what was approved by then stays approved."""
    return _move(ctx, release_id, thread_id, ThreadState.UNRESOLVED, actor=actor)


def _move(
    ctx: Context, release_id: int, thread_id: int, to: ThreadState, *, actor: Actor
) -> DiscussionThread:
    release = locked_release(ctx, actor=actor, release_id=release_id)
    thread = require_thread(ctx, actor, release, thread_id)
    move(ctx, release, thread, to, actor=actor)
    return thread


def move(ctx: Context, release: Release, thread: DiscussionThread, to: ThreadState, *, actor: Actor) -> None:
    """Bring a thread of a locked release to ``to``, if it is not there already."""
    if thread.state is to:
        return
    thread.move_to(to)
    thread.moved_at, thread.moved_by_id, thread.moved_by_name = ctx.clock(), actor.id, actor.name
    audit.record(
        ctx,
        actor=actor,
        tag=_EVENTS[to],
        subject=f"release:{release.id}",
        thread_id=thread.id,
        path=thread.path,
    )
    if to is ThreadState.RESOLVED:
        decisions.go_on(ctx, release, actor=actor)
