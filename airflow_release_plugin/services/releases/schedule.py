"""When an approved release may be executed: its schedule, the freeze windows of its flow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_release_plugin.domain.states import ApprovalState
from airflow_release_plugin.models import Approval, Release
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class ExecutionBlock:
    """What holds an approved release back; ``until`` is ``None`` when no end is in sight."""

    reason: str
    until: datetime | None


def is_held(release: Release, approval: Approval, now: datetime) -> bool:
    """Whether the release is held back at ``now``; cheaper than :func:`execution_block`, which says why."""
    if release.break_glass_reason:
        return False
    is_early = release.scheduled_at is not None and now < release.scheduled_at
    return is_early or approval.flow.calendar.closed_by(now) is not None


def execution_block(release: Release, approval: Approval | None, now: datetime) -> ExecutionBlock | None:
    """
    What holds the release back at ``now``; ``None`` when it may be executed.

    :param approval: ``None`` for a release that nobody has to approve: no flow, so no freeze
    """
    if release.break_glass_reason or approval is None:
        return None
    calendar = approval.flow.calendar
    if release.scheduled_at is not None and now < release.scheduled_at:
        return ExecutionBlock("scheduled", calendar.next_open(release.scheduled_at))
    closed_by = calendar.closed_by(now)
    return None if closed_by is None else ExecutionBlock(f"frozen by {closed_by!r}", calendar.next_open(now))


def valid_until(ctx: Context, release: Release, approval: Approval) -> datetime:
    """
    End of the window for execution: the flow's hours, counted from when it first may be executed.

    A freeze must not use up the time that people were given.
    """
    begun = approval.closed_at or ctx.clock()
    block = execution_block(release, approval, begun)
    first = block.until if block is not None and block.until is not None else begun
    return first + timedelta(hours=approval.flow.validity.wait)


def counts_until(ctx: Context, release: Release, approval: Approval) -> datetime | None:
    """
    How long an approval that is complete stands for what the release changes now; ``None`` if it does not.

    It is bound to the digest of the change, which names the target, and to its own window, which began when
    it was complete and is not begun anew by another attempt.
    """
    if approval.state is not ApprovalState.APPROVED or approval.closed_at is None:
        return None
    until = valid_until(ctx, release, approval)
    return until if approval.change_digest == release.change_digest and ctx.clock() < until else None
