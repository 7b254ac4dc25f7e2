"""When an approved release may be executed: its schedule, the freeze windows of its flow, a hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from airflow_release_plugin.domain.states import ApprovalState
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Approval, Hold, Release
from airflow_release_plugin.repositories import approvals, releases
from airflow_release_plugin.repositories import holds as hold_queries
from airflow_release_plugin.services.runtime.context import Context

FARTHEST = datetime(9000, 1, 1, tzinfo=timezone.utc)
"""The last schedule or end of a hold: windows are counted from there, and the calendar ends with 9999."""


@dataclass(frozen=True)
class ExecutionBlock:
    """What holds an approved release back; ``until`` is ``None`` when no end is in sight."""

    reason: str
    until: datetime | None


def require_future(ctx: Context, scheduled_at: datetime | None) -> None:
    """Raise ``InvalidRequestError`` for a time that is over, or too far away to count from."""
    now = ctx.clock()
    if scheduled_at is None or now < scheduled_at <= FARTHEST:
        return
    moment = f"{scheduled_at.astimezone(timezone.utc):%Y-%m-%d %H:%M}"
    if scheduled_at > now:
        raise InvalidRequestError(
            "The time %(moment)s UTC is too far away. Choose one before the year 9000.", moment=moment
        )
    raise InvalidRequestError(
        "The time %(moment)s UTC is past. Choose a later one, or leave it empty to "
        "release as soon as it is approved.",
        moment=moment,
    )


def is_untimely(release: Release, approval: Approval, now: datetime) -> bool:
    """Whether schedule or freeze hold the release back at ``now``."""
    if release.break_glass_reason:
        return False
    is_early = release.scheduled_at is not None and now < release.scheduled_at
    return is_early or approval.flow.calendar.closed_by(now) is not None


def waiting(ctx: Context, release_ids: Collection[int]) -> set[int]:
    """
    Which of these approved releases a hold, their schedule or a freeze holds back now.

    Three queries for any number; cheaper than :func:`execution_block`, which says why.
    """
    now = ctx.clock()
    holds = hold_queries.holds(ctx.session)
    stopped = set()
    if holds and release_ids:
        for release_id, kind, environment in releases.kinds_of(ctx.session, release_ids):
            if environment in holds and holds[environment].stops(release_id, kind, now):
                stopped.add(release_id)
    asked = approvals.with_approvals(ctx.session, release_ids)
    return stopped | {release.id for release, approval in asked if is_untimely(release, approval, now)}


def ready_since(ctx: Context, approved: Mapping[int, datetime]) -> datetime | None:
    """
    Since when the oldest of these releases could have gone out; ``None`` where each is held back.

    Four queries for any number.

    :param approved: since when each is approved, by its id
    """
    held = waiting(ctx, approved.keys())
    since = {number: moment for number, moment in approved.items() if number not in held}
    for release, approval in approvals.with_approvals(ctx.session, list(since)):
        first = max(since[release.id], release.scheduled_at or since[release.id])
        since[release.id] = approval.flow.calendar.next_open(first) or ctx.clock()
    return min(since.values(), default=None)


def execution_block(
    release: Release, approval: Approval | None, now: datetime, hold: Hold | None
) -> ExecutionBlock | None:
    """
    What holds the release back at ``now``; ``None`` when it may be executed.

    :param approval: ``None`` for a release that nobody has to approve: no flow, so no freeze
    :param hold: that of its environment
    """
    if hold is not None and hold.stops(release.id, release.kind, now):
        until = hold.ends_at
        after = _by_its_time(release, approval, until) if until else None
        return ExecutionBlock(hold.sentence, after.until if after else until)
    return _by_its_time(release, approval, now)


def _by_its_time(release: Release, approval: Approval | None, now: datetime) -> ExecutionBlock | None:
    if release.break_glass_reason or approval is None:
        return None
    calendar = approval.flow.calendar
    if release.scheduled_at is not None and now < release.scheduled_at:
        return ExecutionBlock(Message("scheduled"), calendar.next_open(release.scheduled_at))
    closed_by = calendar.closed_by(now)
    return (
        None
        if closed_by is None
        else ExecutionBlock(Message("frozen by '%(window)s'", window=closed_by), calendar.next_open(now))
    )


def window_ends(
    ctx: Context,
    release: Release,
    approval: Approval | None,
    hold: Hold | None,
    begun: datetime | None = None,
) -> datetime | None:
    """
    End of the window for execution, counted from when it first may be executed; ``None`` while nobody knows.

    Neither a freeze nor a hold must use up the time that people were given.

    :param begun: from when on it could be, but for these; now by default
    """
    begun = begun or ctx.clock()
    hours = approval.flow.validity.wait if approval else ctx.settings.execution_hours
    block = execution_block(release, approval, begun, hold)
    is_open_ended = hold is not None and hold.ends_at is None and hold.stops(release.id, release.kind, begun)
    if is_open_ended:
        return None
    first = block.until if block is not None and block.until is not None else begun
    return first + timedelta(hours=hours)


def counts_until(ctx: Context, release: Release, approval: Approval) -> datetime | None:
    """
    How long an approval that is complete stands for what the release changes now; ``None`` if it does not.

    It is bound to the digest of the change, which names the target, and to its own window, which began when
    it was complete and is not begun anew by another attempt.
    """
    if approval.state is not ApprovalState.APPROVED or approval.closed_at is None:
        return None
    until = window_ends(ctx, release, approval, None, approval.closed_at)
    if until is None or approval.change_digest != release.change_digest or ctx.clock() >= until:
        return None
    return until
