"""Opening approvals and deciding on them, the same for releases and gates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.approval import (
    Verdict,
    evaluate,
)
from airflow_release_plugin.domain.flow.notification import reminder_due_at
from airflow_release_plugin.domain.flow.seats import Seat
from airflow_release_plugin.domain.flow.values import flow_to_dict
from airflow_release_plugin.domain.identity import SYSTEM, Actor, Person
from airflow_release_plugin.domain.states import ApprovalState
from airflow_release_plugin.exceptions import (
    ConflictError,
    ReleaseError,
    StaleDigestError,
)
from airflow_release_plugin.models import Approval, Decision
from airflow_release_plugin.repositories import approvals
from airflow_release_plugin.services.approvals import notifications, seats, thread_demand
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
        flow_id=flow.flow_id,
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
    :raises SelfApprovalError, NotAllowedError, ConflictError, ExpiredError: see ``seats.seats_for``
    """
    try:
        free = seats.seats_for(ctx, approval, seats.standing_of(ctx, actor), seen=step)
    except ConflictError:
        if _has_said(approval, actor, verdict, change_digest, step):
            return approval.state
        raise
    if change_digest != approval.change_digest:
        raise StaleDigestError(
            "You decided on %(change_digest)s…, but %(what)s is now %(current_digest)s…. "
            "Reload the page, look at the change again and decide on that.",
            change_digest=change_digest[:12],
            what=approval.what,
            current_digest=approval.change_digest[:12],
            current=approval.change_digest,
        )
    chosen = free if verdict is Verdict.APPROVE else free[:1]
    reached = {seat.step: seats.reached_at(approval, seat.step) for seat in chosen}
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
    free: tuple[Seat, ...] = ()
    why_not = None
    try:
        free = seats.seats_for(ctx, approval, seats.standing_of(ctx, actor))
    except ReleaseError as error:
        why_not = error.message
    own = [seat.decision(actor) for seat in free]
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
        current_step=free[0].step if free else progress.current_step,
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
                seats.escalation(approval, i),
                n.including,
                n.beside_previous,
            )
            for i, n in enumerate(requirement.steps)
        ),
        decisions=list(approval.decisions),
        may_decide=bool(free),
        why_not=why_not,
        would_complete=bool(own) and evaluate(requirement, [*approval.counted, *own]).approved,
        open_threads=thread_demand.unresolved(ctx, approval),
    )
