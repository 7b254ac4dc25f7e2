"""Opening approvals and deciding on them, the same for releases and gates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.approval import (
    DecisionCapacity,
    Verdict,
    evaluate,
    is_past,
    step_opened_at,
)
from airflow_release_plugin.domain.flow.notification import reminder_due_at
from airflow_release_plugin.domain.flow.seats import Seat, open_seats
from airflow_release_plugin.domain.flow.values import flow_to_dict
from airflow_release_plugin.domain.identity import SYSTEM, Actor, ActorKind, Person
from airflow_release_plugin.domain.states import ApprovalState
from airflow_release_plugin.exceptions import (
    ConflictError,
    ExpiredError,
    NotAllowedError,
    ReleaseError,
    SelfApprovalError,
    StaleDigestError,
)
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Approval, Decision
from airflow_release_plugin.repositories import approvals
from airflow_release_plugin.repositories import flows as flow_queries
from airflow_release_plugin.services.approvals import notifications, thread_demand
from airflow_release_plugin.services.approvals.flows import ResolvedFlow
from airflow_release_plugin.services.insights import recording
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class StepDetail:
    """A step and how far it is."""

    name: str
    rule: str
    needed: int
    approvals: int
    roles: tuple[str, ...]
    users: tuple[str, ...]
    eligible: tuple[Person, ...]
    escalates_at: datetime | None
    including: tuple[str, ...]
    beside_previous: bool


@dataclass(frozen=True)
class ApprovalDetail:
    """
    An approval as it stands now; ``may_decide`` and ``why_not`` speak of the actor who looks.

    :param current_step: where the actor would decide; if they may not, the first step that waits
    :param waiting_steps: all steps that wait, which stand side by side
    :param would_complete: whether it would be approved with the actor's approval
    :param open_threads: threads that have to be resolved before approvals count; 0 where the flow does not
        demand that
    """

    id: int
    state: ApprovalState
    flow: str
    flow_revision: int
    level: int
    level_name: str
    raised_from: int | None
    glass_broken: bool
    change_digest: str
    opened_at: datetime
    expires_at: datetime
    current_step: int | None
    waiting_steps: tuple[int, ...]
    steps: tuple[StepDetail, ...]
    decisions: list[Decision]
    may_decide: bool
    why_not: str | None
    would_complete: bool
    open_threads: int = 0


def open_approval(
    ctx: Context, *, actor: Actor, subject_type: str, subject_id: int, digest: str, flow: ResolvedFlow
) -> Approval:
    """Ask for agreement to exactly ``digest`` under a resolved flow."""
    now = ctx.clock()
    expires_at = now + timedelta(hours=flow.spec.validity.approval)
    approval = Approval(
        subject_type=subject_type,
        subject_id=subject_id,
        state=ApprovalState.OPEN,
        change_digest=digest,
        requirement_json=flow.requirement.to_dict(),
        flow_json=flow_to_dict(flow.spec),
        opened_at=now,
        expires_at=expires_at,
        remind_at=reminder_due_at(now, expires_at),
        decisions=[],
    )
    ctx.session.add(approval)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.APPROVAL_OPENED,
        subject=f"{subject_type}:{subject_id}",
        change_digest=digest,
        requirement=approval.requirement_json,
        expires_at=approval.expires_at.isoformat(),
    )
    notifications.requested(ctx, approval)
    return approval


def close(ctx: Context, approval: Approval, state: ApprovalState, *, actor: Actor) -> None:
    """Move the approval to ``state`` and tell the trail."""
    close_all(ctx, [approval], state, actor=actor)


def close_all(ctx: Context, closed: Iterable[Approval], state: ApprovalState, *, actor: Actor) -> None:
    """The same for several, in a number of statements that hardly grows with them."""
    entries = []
    for approval in closed:
        approval.move_to(state)
        approval.closed_at = ctx.clock()
        subject = f"{approval.subject_type}:{approval.subject_id}"
        data = {"state": state.value, "change_digest": approval.change_digest}
        entries.append(audit.Entry(EventTag.APPROVAL_CLOSED, subject, data))
    audit.record_all(ctx, entries, actor=actor)


def withdraw(ctx: Context, subject_type: str, subject_id: int, *, actor: Actor) -> None:
    """Close the newest approval of a subject if it can still count."""
    approval = approvals.latest_approval(ctx.session, subject_type, subject_id, lock=True)
    if approval is not None and approval.state in {ApprovalState.OPEN, ApprovalState.APPROVED}:
        close(ctx, approval, ApprovalState.WITHDRAWN, actor=actor)


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
    counted = approval.counted
    waiting = evaluate(requirement, counted).waiting
    if not waiting:
        raise ConflictError(
            "Everybody who must approve %(what)s has; it goes on once all of its threads are resolved.",
            what=what,
        )
    if seen is not None and seen not in waiting:
        raise _another_waits(approval, waiting)
    escalated = [step for step in waiting if _is_escalated(ctx, approval, step)]
    seats = open_seats(requirement, capacity, counted, escalated=escalated)
    if any(seen in {None, seat.step} for seat in seats):
        return seats if requirement.counts_twice else tuple(s for s in seats if seen in {None, s.step})[:1]
    if any(actor.id in decision.people for decision in counted):
        raise ConflictError("%(actor)r has decided on %(what)s already.", actor=actor.name, what=what)
    raise NotAllowedError(
        "%(actor)r is not among those who may decide on %(what)s now under flow %(flow)r.",
        actor=actor.name,
        what=what,
        flow=requirement.flow,
    )


def _another_waits(approval: Approval, waiting: Sequence[int]) -> ConflictError:
    steps = [
        Message("step %(step)s, %(steps)r,", step=step + 1, steps=approval.requirement.steps[step].name)
        for step in waiting
    ]
    waits = Message(
        "%(steps)s %(value)s now", steps=" and ".join(steps), value="do" if len(steps) > 1 else "does"
    )
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
    requirement, counted = approval.requirement, approval.counted
    if step not in evaluate(requirement, counted).waiting:
        return None
    return requirement.steps[step].escalates_at(_reached_at(approval, step))


def _reached_at(approval: Approval, step: int) -> datetime:
    return step_opened_at(approval.requirement.steps, approval.counted, approval.opened_at, step)


def _is_escalated(ctx: Context, approval: Approval, step: int) -> bool:
    return is_past(escalation(approval, step), ctx.clock())


def seat_of(ctx: Context, approval: Approval, capacity: DecisionCapacity) -> Seat | None:
    """Where the actor's verdict would count first; ``None`` when they may not decide now."""
    try:
        return seats_for(ctx, approval, capacity)[0]
    except ReleaseError:
        return None


def decide(
    ctx: Context,
    approval: Approval,
    *,
    actor: Actor,
    verdict: Verdict,
    comment: str,
    change_digest: str,
    step: int | None = None,
) -> ApprovalState:
    """
    Record one person's verdict and return what the approval became.

    The caller holds the lock on the approval. The same verdict by the same person again is a no-op.

    :param change_digest: what the person saw; 64 hex digits
    :param step: number of the step that the person saw waiting, from 0; ``None`` for the one that waits now
    :raises StaleDigestError: it is not the current one
    :raises SelfApprovalError, NotAllowedError, ConflictError, ExpiredError: see :func:`seats_for`
    """
    try:
        seats = seats_for(ctx, approval, standing_of(ctx, actor), seen=step)
    except ConflictError:
        if _has_said(approval, actor, verdict, change_digest, step):
            return approval.state
        raise
    if change_digest != approval.change_digest:
        raise StaleDigestError(
            "You decided on %(change_digest)s…, but %(what)s is now %(change_digest_2)s…. "
            "Reload the page, look at the change again and decide on that.",
            change_digest=change_digest[:12],
            what=approval.what,
            change_digest_2=approval.change_digest[:12],
            current=approval.change_digest,
        )
    chosen = seats if verdict is Verdict.APPROVE else seats[:1]
    reached = {seat.step: _reached_at(approval, seat.step) for seat in chosen}
    decided = [
        _add_decision(ctx, approval, seat, actor=actor, verdict=verdict, comment=comment) for seat in chosen
    ]
    progress = evaluate(approval.requirement, approval.counted)
    for decision in decided:
        completes = decision.step not in progress.waiting
        recording.note_wait(ctx, approval, decision, reached_at=reached[decision.step], completes=completes)
    if progress.rejected:
        close(ctx, approval, ApprovalState.REJECTED, actor=actor)
    complete(ctx, approval, actor=actor)
    notifications.decided(ctx, approval)
    return approval.state


def complete(ctx: Context, approval: Approval, *, actor: Actor) -> bool:
    """
    Close an open approval that everybody who must has given, unless threads hold it; whether it did.

    The caller holds the lock on the approval and on its subject.
    """
    is_agreed = approval.state is ApprovalState.OPEN and (
        evaluate(approval.requirement, approval.counted).approved
    )
    if not is_agreed or thread_demand.unresolved(ctx, approval):
        return False
    close(ctx, approval, ApprovalState.APPROVED, actor=actor)
    return True


def _has_said(
    approval: Approval, actor: Actor, verdict: Verdict, change_digest: str, step: int | None
) -> bool:
    """Whether the actor's recorded verdict on this very change, at this step, is the same: a second click."""
    return any(
        (d.actor_id, d.verdict, d.change_digest) == (actor.id, verdict, change_digest)
        and step in {None, d.step}
        for d in approval.decisions
    )


def _add_decision(
    ctx: Context, approval: Approval, seat: Seat, *, actor: Actor, verdict: Verdict, comment: str
) -> Decision:
    for_another = seat.place.id != actor.id
    decision = Decision(
        step=seat.step,
        actor_id=actor.id,
        actor_name=actor.name,
        place_of_id=seat.place.id if for_another else None,
        place_of_name=seat.place.name if for_another else None,
        roles=sorted(seat.place.roles),
        verdict=verdict,
        comment=comment,
        change_digest=approval.change_digest,
        decided_at=ctx.clock(),
    )
    approval.decisions.append(decision)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.APPROVAL_DECIDED,
        subject=f"{approval.subject_type}:{approval.subject_id}",
        verdict=verdict.value,
        step=seat.step,
        place_of=decision.place_of_name,
        roles=decision.roles,
        change_digest=approval.change_digest,
        comment=comment,
    )
    return decision


def settle_expiry(ctx: Context, approval: Approval | None) -> None:
    """Write down that an open approval has expired, where that is so."""
    if approval is not None and approval.state is not approval.effective_state(ctx.clock()):
        close(ctx, approval, ApprovalState.EXPIRED, actor=SYSTEM)


def view(ctx: Context, approval: Approval, *, actor: Actor) -> ApprovalDetail:
    """The approval as ``actor`` sees it."""
    requirement = approval.requirement
    progress = evaluate(requirement, approval.counted)
    counts = progress.approvals + (0,) * (len(requirement.steps) - len(progress.approvals))
    seats: tuple[Seat, ...] = ()
    why_not = None
    try:
        seats = seats_for(ctx, approval, standing_of(ctx, actor))
    except ReleaseError as error:
        why_not = str(error)
    own = [seat.decision(actor) for seat in seats]
    return ApprovalDetail(
        id=approval.id,
        state=approval.effective_state(ctx.clock()),
        flow=requirement.flow,
        flow_revision=requirement.flow_revision,
        level=requirement.level,
        level_name=requirement.level_name,
        raised_from=requirement.raised_from,
        glass_broken=approval.glass_broken,
        change_digest=approval.change_digest,
        opened_at=approval.opened_at,
        expires_at=approval.expires_at,
        current_step=seats[0].step if seats else progress.current_step,
        waiting_steps=progress.waiting,
        steps=tuple(
            StepDetail(
                n.name,
                n.rule.value,
                n.needed,
                counts[i],
                n.roles,
                n.users,
                n.eligible,
                escalation(approval, i),
                n.including,
                n.beside_previous,
            )
            for i, n in enumerate(requirement.steps)
        ),
        decisions=list(approval.decisions),
        may_decide=bool(seats),
        why_not=why_not,
        would_complete=bool(own) and evaluate(requirement, [*approval.counted, *own]).approved,
        open_threads=thread_demand.unresolved(ctx, approval),
    )
