"""Opening approvals and deciding on them, the same for releases and gates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_release_plugin.domain.approval import Verdict, evaluate, may_decide
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import SYSTEM, Actor, ActorKind, Person
from airflow_release_plugin.domain.states import ApprovalState
from airflow_release_plugin.exceptions import (
    ConflictError,
    ExpiredError,
    NotAllowedError,
    SelfApprovalError,
    StaleDigestError,
)
from airflow_release_plugin.models import Approval, Decision
from airflow_release_plugin.repositories import approvals
from airflow_release_plugin.services import audit
from airflow_release_plugin.services.context import Context
from airflow_release_plugin.services.flows import ResolvedFlow


@dataclass(frozen=True)
class NodeView:
    """A node and how far it is."""

    name: str
    rule: str
    needed: int
    approvals: int
    roles: tuple[str, ...]
    users: tuple[str, ...]
    eligible: tuple[Person, ...]


@dataclass(frozen=True)
class ApprovalView:
    """An approval as it stands now; ``may_decide`` and ``why_not`` speak of the actor who looks."""

    id: int
    state: ApprovalState
    flow: str
    flow_revision: int
    level: int
    change_digest: str
    opened_at: datetime
    expires_at: datetime
    current_node: int | None
    nodes: tuple[NodeView, ...]
    decisions: list[Decision]
    may_decide: bool
    why_not: str | None


def open_approval(
    ctx: Context, *, actor: Actor, subject_type: str, subject_id: int, digest: str, flow: ResolvedFlow
) -> Approval:
    """Ask for agreement to exactly ``digest`` under a resolved flow."""
    now = ctx.clock()
    approval = Approval(
        subject_type=subject_type,
        subject_id=subject_id,
        state=ApprovalState.OPEN,
        change_digest=digest,
        requirement_json=flow.requirement.to_dict(),
        execution_hours=flow.execution_hours,
        opened_at=now,
        expires_at=now + timedelta(hours=flow.approval_hours),
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
    return approval


def close(ctx: Context, approval: Approval, state: ApprovalState, *, actor: Actor) -> None:
    """Move the approval to ``state`` and tell the trail."""
    approval.move_to(state)
    approval.closed_at = ctx.clock()
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.APPROVAL_CLOSED,
        subject=f"{approval.subject_type}:{approval.subject_id}",
        state=state.value,
        change_digest=approval.change_digest,
    )


def withdraw(ctx: Context, subject_type: str, subject_id: int, *, actor: Actor) -> None:
    """Close the newest approval of a subject if it can still count."""
    approval = approvals.latest_approval(ctx.session, subject_type, subject_id, lock=True)
    if approval is not None and approval.state in {ApprovalState.OPEN, ApprovalState.APPROVED}:
        close(ctx, approval, ApprovalState.WITHDRAWN, actor=actor)


def refusal(ctx: Context, approval: Approval, actor: Actor) -> Exception | None:
    """Why ``actor`` may not decide now, as the error that deciding would raise; ``None`` when they may."""
    what = f"{approval.subject_type} {approval.subject_id}"
    state = approval.effective_state(ctx.clock())
    if state is ApprovalState.EXPIRED:
        return ExpiredError(
            f"The approval of {what} expired at {approval.expires_at.isoformat()}; request it again."
        )
    if state is not ApprovalState.OPEN:
        return ConflictError(f"The approval of {what} is closed: {state.value}.", state=state.value)
    if actor.kind is not ActorKind.USER:
        return NotAllowedError(f"{actor.name!r} is a service user; service users never approve.")
    requirement = approval.requirement
    if actor.id in requirement.excluded:
        return SelfApprovalError(
            f"{actor.name!r} requested {what} or submitted a part of it; somebody else must decide."
        )
    progress = evaluate(requirement, approval.counted)
    decided = [decision.actor_id for decision in approval.counted]
    if actor.id in decided:
        return ConflictError(f"{actor.name!r} has decided on {what} already.", state=state.value)
    if progress.current_node is None or not may_decide(requirement, progress.current_node, actor, decided):
        return NotAllowedError(
            f"{actor.name!r} is not among those who may decide on {what} under flow {requirement.flow!r}."
        )
    return None


def decide(
    ctx: Context, approval: Approval, *, actor: Actor, verdict: Verdict, comment: str, change_digest: str
) -> ApprovalState:
    """
    Record one person's verdict and return what the approval became.

    The caller holds the lock on the approval. The same verdict by the same person again is a no-op.

    :param change_digest: what the person saw; 64 hex digits
    :raises StaleDigestError: it is not the current one
    :raises SelfApprovalError, NotAllowedError, ConflictError, ExpiredError: see :func:`refusal`
    """
    own = next((d for d in approval.decisions if d.actor_id == actor.id), None)
    if own is not None and own.verdict is verdict and own.change_digest == change_digest:
        return approval.state
    refused = refusal(ctx, approval, actor)
    if refused is not None:
        raise refused
    if change_digest != approval.change_digest:
        raise StaleDigestError(
            f"You decided on {change_digest[:12]}…, but {approval.subject_type} {approval.subject_id} is now "
            f"{approval.change_digest[:12]}…. Reload the page, look at the change again and decide on that.",
            current=approval.change_digest,
        )
    _add_decision(ctx, approval, actor=actor, verdict=verdict, comment=comment)
    progress = evaluate(approval.requirement, approval.counted)
    if progress.rejected:
        close(ctx, approval, ApprovalState.REJECTED, actor=actor)
    elif progress.approved:
        close(ctx, approval, ApprovalState.APPROVED, actor=actor)
    return approval.state


def _add_decision(ctx: Context, approval: Approval, *, actor: Actor, verdict: Verdict, comment: str) -> None:
    node = evaluate(approval.requirement, approval.counted).current_node
    decision = Decision(
        node=node,
        actor_id=actor.id,
        actor_name=actor.name,
        roles=sorted(actor.roles),
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
        node=node,
        roles=sorted(actor.roles),
        change_digest=approval.change_digest,
        comment=comment,
    )


def settle_expiry(ctx: Context, approval: Approval | None) -> None:
    """Write down that an open approval has expired, where that is so."""
    if approval is not None and approval.state is not approval.effective_state(ctx.clock()):
        close(ctx, approval, ApprovalState.EXPIRED, actor=SYSTEM)


def view(ctx: Context, approval: Approval, *, actor: Actor) -> ApprovalView:
    """The approval as ``actor`` sees it."""
    requirement = approval.requirement
    progress = evaluate(requirement, approval.counted)
    counts = progress.approvals + (0,) * (len(requirement.nodes) - len(progress.approvals))
    refused = refusal(ctx, approval, actor)
    return ApprovalView(
        id=approval.id,
        state=approval.effective_state(ctx.clock()),
        flow=requirement.flow,
        flow_revision=requirement.flow_revision,
        level=requirement.level,
        change_digest=approval.change_digest,
        opened_at=approval.opened_at,
        expires_at=approval.expires_at,
        current_node=progress.current_node,
        nodes=tuple(
            NodeView(n.name, n.rule.value, n.needed, counts[i], n.roles, n.users, n.eligible)
            for i, n in enumerate(requirement.nodes)
        ),
        decisions=list(approval.decisions),
        may_decide=refused is None,
        why_not=None if refused is None else str(refused),
    )
