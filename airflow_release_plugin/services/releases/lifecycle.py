"""How a release moves: state, reason, its submissions and the trail, together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.metrics import STATE_DURATION
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.repositories import submissions, version_states
from airflow_release_plugin.services.approvals import notifications
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.context import Context

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


def move(
    ctx: Context,
    release: Release,
    to: ReleaseState,
    *,
    actor: Actor,
    reason: str = "",
    taken_out: Iterable[Submission] = (),
) -> None:
    """
    Move a release; one that ends without being released gives its submissions back to the list (R16).

    :param taken_out: what was in the target and goes back to the list too
    :raises InvalidTransitionError: the state machine has no such move
    """
    before, since = release.state, release.state_since
    release.move_to(to)
    release.state_reason = reason
    release.state_since = ctx.clock()
    seconds = (release.state_since - since).total_seconds()
    ctx.airflow.metrics.send(STATE_DURATION, seconds, state=before.value)
    if to in _GIVES_BACK:
        _give_back(ctx, release, taken_out)
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


def _give_back(ctx: Context, release: Release, taken_out: Iterable[Submission]) -> None:
    """
    Put the submissions back on the list, but for those that a newer version has overtaken.

    What a rollback made for itself was never in the list and does not come there.
    """
    own = [
        item.submission
        for item in release.items
        if item.submission.state is SubmissionState.IN_RELEASE and item.submission.release_id == release.id
    ]
    rows = [*own, *taken_out]
    newest = submissions.newest_versions(ctx.session, [row.unit_id for row in rows], _OVERTAKES)
    moves: dict[tuple[SubmissionState, int | None], list[Submission]] = defaultdict(list)
    for row in rows:
        was_released = row.state is SubmissionState.RELEASED
        if not row.listed:
            to = SubmissionState.SUPERSEDED if was_released else SubmissionState.REMOVED
        else:
            is_newest = row.version >= newest.get(row.unit_id, 0)
            to = SubmissionState.PENDING if is_newest else SubmissionState.SUPERSEDED
        stays_with = row.release_id if was_released and to is not SubmissionState.PENDING else None
        moves[to, stays_with].append(row)
    for (to, stays_with), same in moves.items():
        version_states.hand_all(ctx.session, same, to, stays_with)
