"""
"Stop the line": an admin holds a whole environment, and lifts it again.

Promotions wait while it holds; people go on approving. Going back is never held, and named releases can be
excepted. Breaking the glass does not lift it: whoever may lift it is asked.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.approval import is_past
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import ConflictError, InvalidRequestError, NotFoundError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Hold, Release
from airflow_release_plugin.models.release import release_number
from airflow_release_plugin.repositories import approvals, releases
from airflow_release_plugin.repositories import holds as queries
from airflow_release_plugin.services.releases import schedule
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context

MOST_EXCEPTIONS = 100


def in_force(ctx: Context, environment: str) -> Hold | None:
    """The hold of an environment, unless its end has come."""
    found = queries.hold(ctx.session, environment)
    return None if found is None or is_past(found.ends_at, ctx.clock()) else found


def set_hold(
    ctx: Context,
    *,
    actor: Actor,
    environment: str,
    reason: str,
    ends_at: datetime | None = None,
    excepted: Collection[int] = (),
) -> Hold:
    """
    Hold an environment; said again, the new reason, end and exceptions count from now on.

    :param ends_at: when it ends by itself; ``None`` for when somebody lifts it
    :param excepted: ids of releases that may go out all the same
    :raises InvalidRequestError: no reason, an end that is past or too far away, too many exceptions
    :raises NotFoundError: there is no such environment, or it has no release of that id
    """
    access.require_admin(ctx, actor, Message("hold %(environment)r", environment=environment))
    _require_known(ctx, environment)
    now = ctx.clock()
    if not reason.strip():
        raise InvalidRequestError(
            "Say why %(environment)r is held; everybody who waits reads it.", environment=environment
        )
    if is_past(ends_at, now):
        raise InvalidRequestError("The end of the hold is past; choose a later one, or none.")
    if ends_at is not None and ends_at > schedule.FARTHEST:
        raise InvalidRequestError("The end of the hold is too far away; leave it empty instead.")
    releases.locked_environment(ctx.session, environment, now)
    before = queries.hold(ctx.session, environment)
    hold = before or Hold(environment=environment, held_at=now)
    if is_past(hold.ends_at, now):
        hold.held_at = now
    hold.reason, hold.ends_at = reason.strip(), ends_at
    hold.held_by_id, hold.held_by_name = actor.id, actor.name
    hold.excepted = _exceptions(ctx, environment, excepted)
    ctx.session.add(hold)
    renewed = _renew_windows(ctx, environment, hold)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.ENVIRONMENT_HELD,
        subject=f"environment:{environment}",
        reason=hold.reason,
        since=hold.held_at.isoformat(),
        until=ends_at.isoformat() if ends_at else None,
        excepted=hold.excepted_numbers,
    )
    _renew_late_windows(ctx, environment, hold, renewed)
    return hold


def lift(ctx: Context, *, actor: Actor, environment: str) -> None:
    """
    End a hold: what waits goes on, with its whole time to be executed.

    :raises ConflictError: it is not held
    """
    access.require_admin(ctx, actor, Message("lift the hold of %(environment)r", environment=environment))
    _require_known(ctx, environment)
    releases.locked_environment(ctx.session, environment, ctx.clock())
    hold = in_force(ctx, environment)
    if hold is None:
        raise ConflictError("%(environment)r is not held; nothing is to be lifted.", environment=environment)
    ctx.session.delete(hold)
    # Deleting waits for a flush, and another hold may follow in this transaction.
    ctx.session.flush()
    renewed = _renew_windows(ctx, environment, None)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.ENVIRONMENT_HOLD_LIFTED,
        subject=f"environment:{environment}",
        reason=hold.reason,
        since=hold.held_at.isoformat(),
    )
    _renew_late_windows(ctx, environment, None, renewed)


def _require_known(ctx: Context, environment: str) -> None:
    if environment != ctx.settings.environment:
        raise NotFoundError(
            "There is no environment %(environment)r; this installation has %(own)r.",
            environment=environment,
            own=ctx.settings.environment,
        )


def _exceptions(ctx: Context, environment: str, wanted: Collection[int]) -> list[int]:
    ids = sorted(set(wanted))
    if len(ids) > MOST_EXCEPTIONS:
        raise InvalidRequestError(
            "%(number)s releases are to be excepted; at most %(most)s can be. Lift the hold.",
            number=len(ids),
            most=MOST_EXCEPTIONS,
        )
    there = {row[0] for row in releases.kinds_of(ctx.session, ids) if row[2] == environment}
    unknown = [release_number(release_id) for release_id in ids if release_id not in there]
    if unknown:
        raise NotFoundError(
            "%(environment)r has no release %(unknown)s; nothing was changed.",
            environment=environment,
            unknown=list(unknown),
        )
    return ids


def _renew_windows(ctx: Context, environment: str, hold: Hold | None) -> set[int]:
    """
    Give what is approved its time to be executed anew: it must not run out while all is held.

    Return the ids of all that are approved.
    """
    approved = releases.locked_approved(ctx.session, environment)
    _begin_windows(ctx, approved, hold)
    return {release.id for release in approved}


def _renew_late_windows(ctx: Context, environment: str, hold: Hold | None, renewed: Collection[int]) -> None:
    """
    The same for what was approved in the same instant, which nobody else could see yet.

    Whoever approves looks at the hold after their first event. Ours is written: those before us have ended,
    those after us will see this hold. What somebody has locked by now is being taken out of its state, and
    waiting for them, who wait for the trail, would be a circle.
    """
    late = releases.locked_approved(ctx.session, environment, but_for=renewed, skip_locked=True)
    _begin_windows(ctx, late, hold)


def _begin_windows(ctx: Context, approved: Collection[Release], hold: Hold | None) -> None:
    now = ctx.clock()
    waiting = [release for release in approved if not is_past(release.expires_at, now)]
    asked = dict(approvals.with_approvals(ctx.session, [release.id for release in waiting]))
    for release in waiting:
        release.expires_at = schedule.window_ends(ctx, release, asked.get(release), hold)
