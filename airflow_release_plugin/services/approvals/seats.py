"""Who may decide on an approval now, and where a verdict would count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from airflow_release_plugin.domain.flow.approval import (
    DecisionCapacity,
    evaluate,
    is_past,
    step_opened_at,
)
from airflow_release_plugin.domain.flow.seats import Seat, open_seats
from airflow_release_plugin.domain.identity import Actor, ActorKind
from airflow_release_plugin.domain.states import ApprovalState
from airflow_release_plugin.domain.text.phrasing import linked
from airflow_release_plugin.exceptions import (
    ConflictError,
    ExpiredError,
    NotAllowedError,
    ReleaseError,
    SelfApprovalError,
)
from airflow_release_plugin.messages import Message, counted
from airflow_release_plugin.models import Approval
from airflow_release_plugin.repositories import flows as flow_queries
from airflow_release_plugin.services.runtime.context import Context


def standing_of(ctx: Context, actor: Actor) -> DecisionCapacity:
    """Who the actor can decide as, service users never; the same queries for any number of approvals."""
    rows = flow_queries.active_deputies(ctx.session, ctx.clock(), [actor.id])
    people = (ctx.airflow.access.person(row.person_id) for row in rows)
    known = (person for person in people if person is not None)
    return DecisionCapacity(actor, tuple(p for p in known if p.name not in ctx.settings.service_users))


def seats_for(
    ctx: Context, approval: Approval, capacity: DecisionCapacity, *, seen: int | None = None
) -> tuple[Seat, ...]:
    """
    Where a verdict of ``capacity.actor`` counts now: at one step; at all that wait and admit them if people
    count at several steps.

    :param seen: number of the step that the actor means, from 0; ``None`` for whichever waits
    :raises ExpiredError: the approval's window is over
    :raises ConflictError: it is closed, other steps than ``seen`` wait, or the actor has decided already
    :raises SelfApprovalError: the actor requested it or submitted a part of it
    :raises NotAllowedError: the actor is a service user, or not among those who may decide now
    """
    actor, requirement = capacity.actor, approval.requirement
    what = approval.what
    _require_open(ctx, approval, what)
    if actor.kind is not ActorKind.USER:
        raise NotAllowedError("%(actor)r is a service user; service users never approve.", actor=actor.name)
    if actor.id in requirement.excluded:
        raise SelfApprovalError(
            "%(actor)r requested %(what)s or submitted a part of it; somebody else must decide.",
            actor=actor.name,
            what=what,
        )
    given = approval.counted
    waiting = evaluate(requirement, given).waiting
    if not waiting:
        raise ConflictError(
            "Everybody who must approve %(what)s has; it goes on once all of its threads are resolved.",
            what=what,
        )
    if seen is not None and seen not in waiting:
        raise _another_waits(approval, waiting)
    escalated = [step for step in waiting if is_escalated(ctx, approval, step)]
    seats = open_seats(requirement, capacity, given, escalated=escalated)
    if any(seen in {None, seat.step} for seat in seats):
        return seats if requirement.counts_twice else tuple(s for s in seats if seen in {None, s.step})[:1]
    if any(actor.id in decision.people for decision in given):
        raise ConflictError("%(actor)r has decided on %(what)s already.", actor=actor.name, what=what)
    raise NotAllowedError(
        "%(actor)r is not among those who may decide on %(what)s now under flow %(flow)r.",
        actor=actor.name,
        what=what,
        flow=requirement.flow,
    )


def _another_waits(approval: Approval, waiting: Sequence[int]) -> ConflictError:
    steps = [
        Message("step %(number)s, %(name)r,", number=step + 1, name=approval.requirement.steps[step].name)
        for step in waiting
    ]
    waits = counted("%(steps)s does now", "%(steps)s do now", len(steps), steps=linked(steps))
    return ConflictError(
        "You decided on a step of %(what)s that does not wait for decisions: %(waits)s. "
        "Reload the page and decide on that.",
        what=approval.what,
        waits=waits,
        current_step=waiting[0],
    )


def _require_open(ctx: Context, approval: Approval, what: str) -> None:
    state = approval.effective_state(ctx.clock())
    if state is ApprovalState.EXPIRED:
        raise ExpiredError(
            "The approval of %(what)s expired at %(expires_at)s; request it again.",
            what=what,
            expires_at=approval.expires_at.isoformat(),
        )
    if state is not ApprovalState.OPEN:
        raise ConflictError("The approval of %(what)s is closed: %(state)s.", what=what, state=state.value)


def escalation(approval: Approval, step: int) -> datetime | None:
    """When step number ``step`` opens to its further group, if it has been reached and has one."""
    requirement = approval.requirement
    if step not in evaluate(requirement, approval.counted).waiting:
        return None
    return requirement.steps[step].escalates_at(reached_at(approval, step))


def reached_at(approval: Approval, step: int) -> datetime:
    return step_opened_at(approval.requirement.steps, approval.counted, approval.opened_at, step)


def is_escalated(ctx: Context, approval: Approval, step: int) -> bool:
    return is_past(escalation(approval, step), ctx.clock())


def seat_of(ctx: Context, approval: Approval, capacity: DecisionCapacity) -> Seat | None:
    """Where the actor's verdict would count first; ``None`` when they may not decide now."""
    try:
        return seats_for(ctx, approval, capacity)[0]
    except ReleaseError:
        return None
