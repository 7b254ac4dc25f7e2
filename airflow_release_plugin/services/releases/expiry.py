"""Writes down expiry where it happened. Correctness never waits for it: see ``effective_state``."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.repositories import approvals, releases
from airflow_release_plugin.services.approvals.approvals import settle_expiry
from airflow_release_plugin.services.releases.lifecycle import move
from airflow_release_plugin.services.runtime.context import Context


def expire_if_due(ctx: Context, release: Release) -> None:
    """Move a release to ``expired`` if its window is over."""
    if release.effective_state(ctx.clock()) is ReleaseState.EXPIRED is not release.state:
        reason = reason_of(release)
        settle_expiry(ctx, approvals.latest_approval(ctx.session, "release", release.id, lock=True))
        move(ctx, release, ReleaseState.EXPIRED, actor=SYSTEM, reason=reason)


def reason_of(release: Release) -> str:
    """What is said of a release whose window is over, before and after that is written down."""
    if release.state is ReleaseState.AWAITING_APPROVAL:
        return Message("It was not approved in time.")
    return Message("It was not executed in time.")


def expire_holders_if_due(ctx: Context, chosen: Iterable[Submission]) -> None:
    """Move the releases that hold these submissions to ``expired`` where their windows are over."""
    ids = {s.release_id for s in chosen if s.state is SubmissionState.IN_RELEASE and s.release_id is not None}
    # All are locked before the first event: the trail is locked from there to the commit.
    locked = [releases.release(ctx.session, release_id, lock=True) for release_id in sorted(ids)]
    for release in locked:
        if release is not None:
            expire_if_due(ctx, release)
