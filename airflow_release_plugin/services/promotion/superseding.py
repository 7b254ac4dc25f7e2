"""What a rollback that reached the target means for what it took out."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.repositories import releases, submissions, version_states
from airflow_release_plugin.services.insights import recording
from airflow_release_plugin.services.releases import lifecycle
from airflow_release_plugin.services.runtime.context import Context


def supersede(ctx: Context, release: Release, replaced: Sequence[Submission], *, actor: Actor) -> None:
    """
    Move what a promotion replaced in the target.

    An automatic rollback gives the versions of the release that failed back to the list, and that release is
    failed. A rollback that people asked for makes the releases that it takes out entirely rolled back.
    """
    failed_id = release.rolls_back_id if release.is_automatic else None
    given_back = [row for row in replaced if failed_id is not None and row.release_id == failed_id]
    overtaken = [row for row in replaced if row not in given_back]
    version_states.move_all(ctx.session, overtaken, SubmissionState.SUPERSEDED)
    if failed_id is not None:
        _fail(ctx, failed_id, release, given_back, actor=actor)
        recording.note_rollback(ctx, release, {failed_id})
    elif release.kind is ReleaseKind.ROLLBACK:
        same = {item.submission.copy_of_id for item in release.items}
        taken = {row.release_id for row in replaced if row.id not in same and row.release_id is not None}
        for release_id in sorted(taken - submissions.holding(ctx.session, taken)):
            _roll_back(ctx, release_id, release, actor=actor)
        recording.note_rollback(ctx, release, taken)


def _fail(
    ctx: Context, release_id: int, rollback: Release, given_back: Sequence[Submission], *, actor: Actor
) -> None:
    failed = releases.release(ctx.session, release_id, lock=True)
    if failed is not None:
        reason = Message(
            "%(exempt_reason)s Rolled back by %(rollback)s; its versions are in the list.",
            exempt_reason=rollback.exempt_reason,
            rollback=rollback.number,
        )
        lifecycle.move(ctx, failed, ReleaseState.FAILED, actor=actor, reason=reason, taken_out=given_back)


def _roll_back(ctx: Context, release_id: int, rollback: Release, *, actor: Actor) -> None:
    """Move a release that is out of the target; one that failed there stays failed."""
    undone = releases.release(ctx.session, release_id, lock=True)
    if undone is not None and undone.state is ReleaseState.RELEASED:
        reason = Message("Rolled back by %(rollback)s.", rollback=rollback.number)
        lifecycle.move(ctx, undone, ReleaseState.ROLLED_BACK, actor=actor, reason=reason)
