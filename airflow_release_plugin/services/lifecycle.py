"""How a release moves: state, reason, its submissions and the trail, together."""

from __future__ import annotations

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services import audit, notifications
from airflow_release_plugin.services.context import Context

_GIVES_BACK = frozenset(
    {
        ReleaseState.REJECTED,
        ReleaseState.REVOKED,
        ReleaseState.EXPIRED,
        ReleaseState.FAILED,
        ReleaseState.ERRORED,
        ReleaseState.STALE,
    }
)
_OVERTAKES = frozenset({SubmissionState.PENDING, SubmissionState.IN_RELEASE, SubmissionState.RELEASED})


def move(ctx: Context, release: Release, to: ReleaseState, *, actor: Actor, reason: str = "") -> None:
    """
    Move a release; one that ends without being released gives its submissions back to the list (R16).

    :raises InvalidTransitionError: the state machine has no such move
    """
    before = release.state
    release.move_to(to)
    release.state_reason = reason
    if to in _GIVES_BACK:
        _give_back(ctx, release)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_MOVED,
        subject=f"release:{release.id}",
        before=before.value,
        after=to.value,
        attempt=release.attempt,
        reason=reason,
    )
    notifications.release_moved(ctx, release)


def _give_back(ctx: Context, release: Release) -> None:
    """Put the submissions back on the list, but for those that a newer version has overtaken."""
    newest = submissions.newest_versions(
        ctx.session, [item.submission.unit_id for item in release.items], _OVERTAKES
    )
    for item in release.items:
        submission = item.submission
        if submission.state is SubmissionState.IN_RELEASE and submission.release_id == release.id:
            is_newest = submission.version >= newest.get(submission.unit_id, 0)
            submission.move_to(SubmissionState.PENDING if is_newest else SubmissionState.SUPERSEDED)
            submission.release_id = None
