"""
Threads that nobody resolved go on to the next release of the same files (ADR 30).

The release that they were opened on ended without reaching the target, and its author brings another version:
what was asked is asked of that one. The words go along, and both trails say so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.models import DiscussionThread, Release, Submission
from airflow_release_plugin.repositories import discussion as queries
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.context import Context

_ENDED = frozenset(
    {
        ReleaseState.REJECTED,
        ReleaseState.REVOKED,
        ReleaseState.EXPIRED,
        ReleaseState.FAILED,
        ReleaseState.ERRORED,
        ReleaseState.STALE,
    }
)
"""A release that was in the target keeps its threads: what is said there is about what ran."""


def lock_threads(ctx: Context, chosen: Sequence[Submission]) -> list[DiscussionThread]:
    """Threads that may go on with these versions; their releases are locked, before the first event."""
    paths = {entry.path for submission in chosen for entry in submission.entries}
    units = {submission.unit_id for submission in chosen}
    for release_id in queries.talked_about(ctx.session, units, _ENDED):
        release_queries.release(ctx.session, release_id, lock=True)
    return queries.left_unresolved(ctx.session, units, _ENDED, paths) if units else []


def carry_threads(
    ctx: Context, release: Release, threads: Sequence[DiscussionThread], *, actor: Actor
) -> None:
    """Let those go on that are about files which the release changes."""
    changed = {change.path for change in release.changes}
    moved: dict[int, list[int]] = defaultdict(list)
    for thread in threads:
        if thread.path in changed:
            moved[thread.release_id].append(thread.id)
    for earlier, ids in sorted(moved.items()):
        queries.move_threads(ctx.session, ids, release.id)
        for subject in (earlier, release.id):
            audit.record(
                ctx,
                actor=actor,
                tag=EventTag.RELEASE_THREAD_CARRIED,
                subject=f"release:{subject}",
                threads=ids,
                from_release=earlier,
                to_release=release.id,
            )
