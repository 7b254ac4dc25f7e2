"""Breaking the glass: somebody with the role overrides approval and freeze, with a reason that stands out."""

from __future__ import annotations

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.identity import Actor, ActorKind
from airflow_release_plugin.domain.states import ApprovalState, ReleaseState
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    SelfApprovalError,
    StaleDigestError,
)
from airflow_release_plugin.models import Approval, Decision, Release
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import discussion as discussion_queries
from airflow_release_plugin.services.approvals import approvals, notifications
from airflow_release_plugin.services.releases import checks, releases, schedule
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context

SHORTEST_REASON = 10


def may_break_glass(ctx: Context, actor: Actor, release: Release, approval: Approval | None) -> bool:
    """Whether the actor could override approval or freeze of the release now."""
    return (
        approval is not None
        and _is_possible(ctx, release, approval)
        and actor.kind is ActorKind.USER
        and actor.has_any_role(frozenset(approval.flow.break_glass_roles))
        and actor.id not in approval.requirement.excluded
    )


def _is_possible(ctx: Context, release: Release, approval: Approval) -> bool:
    state = release.effective_state(ctx.clock())
    if state is ReleaseState.AWAITING_APPROVAL:
        return True
    return state is ReleaseState.APPROVED and schedule.is_untimely(release, approval, ctx.clock())


def break_glass(ctx: Context, *, actor: Actor, release_id: int, change_digest: str, reason: str) -> Release:
    """
    Approve what is left and lift freeze and schedule, for an emergency.

    Nobody does it for what they requested or submitted: invariant 3 (docs/concepts/invariants.md).

    :param change_digest: what the actor saw; 64 hex digits
    :param reason: why, for the trail and for the review afterwards; at least ten characters
    :raises NotAllowedError: the actor has none of the flow's break-glass roles
    :raises ConflictError: the release neither awaits approval nor is held back
    """
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    approval = approval_queries.latest_approval(ctx.session, "release", release.id, lock=True)
    if approval is None or not _is_possible(ctx, release, approval):
        raise ConflictError(
            f"{release.subject} is {release.state.value!r} and nothing holds it back: nothing to override."
        )
    _require_right(release, approval, actor)
    access.require_code(ctx, actor, release.dag_ids)
    if len(reason.strip()) < SHORTEST_REASON:
        raise InvalidRequestError(
            f"Say why, in at least {SHORTEST_REASON} characters; it is kept in the trail."
        )
    if change_digest != approval.change_digest:
        raise StaleDigestError(
            f"{release.subject} has changed since you looked at it. Reload the page and look again.",
            current=approval.change_digest,
        )
    release.break_glass_reason = reason.strip()
    open_threads = discussion_queries.unresolved(ctx.session, release.id)
    if approval.state is ApprovalState.OPEN:
        _close(ctx, release, approval, actor=actor, reason=reason.strip())
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_GLASS_BROKEN,
        subject=f"release:{release.id}",
        reason=reason.strip(),
        change_digest=change_digest,
        open_threads=open_threads,
    )
    return release


def _require_right(release: Release, approval: Approval, actor: Actor) -> None:
    roles = frozenset(approval.flow.break_glass_roles)
    if actor.kind is not ActorKind.USER or not actor.has_any_role(roles):
        named = ", ".join(sorted(roles)) or "none is configured"
        raise NotAllowedError(f"{actor.name!r} may not break the glass; the roles that may: {named}.")
    if actor.id in approval.requirement.excluded:
        raise SelfApprovalError(
            f"{actor.name!r} requested {release.subject} or submitted a part of it; somebody else must do it."
        )


def _close(ctx: Context, release: Release, approval: Approval, *, actor: Actor, reason: str) -> None:
    approval.glass_broken = True
    approval.decisions.append(
        Decision(
            step=len(approval.requirement.steps),
            actor_id=actor.id,
            actor_name=actor.name,
            roles=sorted(actor.roles),
            verdict=Verdict.APPROVE,
            comment=reason,
            change_digest=approval.change_digest,
            decided_at=ctx.clock(),
        )
    )
    approvals.close(ctx, approval, ApprovalState.APPROVED, actor=actor)
    notifications.decided(ctx, approval)
    checks.grant(ctx, release, approval, actor=actor)
