"""
Breaking the glass: somebody with the role overrides approval and freeze, with a reason that stands out.

Where the flow wants two people, the second one confirms within its minutes; until then nothing happens.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.identity import Actor, ActorKind, Person
from airflow_release_plugin.domain.states import ApprovalState, ReleaseState
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    SelfApprovalError,
    StaleDigestError,
)
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Approval, Decision, Emergency, Release
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import discussion as discussion_queries
from airflow_release_plugin.repositories import emergencies
from airflow_release_plugin.services.approvals import approvals, notifications
from airflow_release_plugin.services.releases import checks, emergency_people, releases, schedule
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


def is_not_the_first(ctx: Context, actor: Actor, approval: Approval) -> bool:
    """Whether it is not the actor who waits for a second person to confirm it."""
    if approval.flow.break_glass_confirm_minutes is None:
        return True
    asked = _still_asked(ctx, approval)
    return asked is None or asked.asked_by_id != actor.id


def _is_possible(ctx: Context, release: Release, approval: Approval) -> bool:
    state = release.effective_state(ctx.clock())
    if state is ReleaseState.AWAITING_APPROVAL:
        return True
    return state is ReleaseState.APPROVED and schedule.is_untimely(release, approval, ctx.clock())


def break_glass(ctx: Context, *, actor: Actor, release_id: int, change_digest: str, reason: str) -> Release:
    """
    Approve what is left and lift freeze and schedule, for an emergency.

    Nobody does it for what they requested or submitted: invariant 3 (docs/concepts/invariants.md). Where the
    flow wants two people, the first call only asks for the second one.

    :param change_digest: what the actor saw; 64 hex digits
    :param reason: why, for the trail and for the review afterwards; at least ten characters
    :raises NotAllowedError: the actor has none of the flow's break-glass roles
    :raises ConflictError: the release neither awaits approval nor is held back, or the actor asked already
    """
    # On SQLite too, whoever comes second reads what the first one has stored.
    approval_queries.begin_to_write(ctx.session)
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    approval = approval_queries.latest_approval(ctx.session, "release", release.id, lock=True)
    if approval is None or not _is_possible(ctx, release, approval):
        raise ConflictError(
            "%(release)s is %(state)r and nothing holds it back: nothing to override.",
            release=release.subject,
            state=release.state.value,
        )
    _require_right(release, approval, actor)
    access.require_code(ctx, actor, release.dag_ids)
    if len(reason.strip()) < SHORTEST_REASON:
        raise InvalidRequestError(
            "Say why, in at least %(least)s characters; it is kept in the trail.",
            least=SHORTEST_REASON,
        )
    if change_digest != approval.change_digest:
        raise StaleDigestError(
            "%(release)s has changed since you looked at it. Reload the page and look again.",
            release=release.subject,
            current=approval.change_digest,
        )
    emergency = _confirmed(ctx, release, approval, actor=actor, reason=reason.strip())
    if emergency.broken_at is not None:
        _break(ctx, release, approval, emergency, actor=actor)
    return release


def _confirmed(ctx: Context, release: Release, approval: Approval, *, actor: Actor, reason: str) -> Emergency:
    """The emergency as it is with what the actor says: broken, or waiting for a second person."""
    now, minutes = ctx.clock(), approval.flow.break_glass_confirm_minutes
    asked = _still_asked(ctx, approval) if minutes else None
    if asked is None:
        emergency = Emergency(
            release_id=release.id,
            approval_id=approval.id,
            reason=reason,
            asked_by_id=actor.id,
            asked_by_name=actor.name,
            asked_at=now,
            confirm_until=now + timedelta(minutes=minutes) if minutes else None,
            broken_at=None if minutes else now,
        )
        ctx.session.add(emergency)
        if minutes:
            _note_asked(ctx, emergency, actor=actor)
            people = emergency_people.confirmers(ctx, emergency, release, approval)
            notifications.glass_asked(ctx, release, approval, emergency, people)
        return emergency
    if asked.asked_by_id == actor.id:
        raise ConflictError(
            "%(actor)r has asked for this already; somebody else of %(roles)s has to confirm it "
            "until %(until)s UTC.",
            actor=actor.name,
            roles=list(approval.flow.break_glass_roles),
            until=f"{asked.confirm_until:%Y-%m-%d %H:%M}",
        )
    asked.confirmed_by_id, asked.confirmed_by_name = actor.id, actor.name
    asked.confirm_reason, asked.broken_at = reason, now
    return asked


def _still_asked(ctx: Context, approval: Approval) -> Emergency | None:
    """What a second person can confirm; whoever asked must have the role until then."""
    asked = emergencies.unconfirmed(ctx.session, approval.id, ctx.clock())
    first = ctx.airflow.access.person(asked.asked_by_id) if asked else None
    has_role = first is not None and not first.roles.isdisjoint(approval.flow.break_glass_roles)
    return asked if has_role else None


def _note_asked(ctx: Context, emergency: Emergency, *, actor: Actor) -> None:
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_GLASS_ASKED,
        subject=f"release:{emergency.release_id}",
        reason=emergency.reason,
        confirm_until=emergency.confirm_until.isoformat() if emergency.confirm_until else None,
    )


def _break(ctx: Context, release: Release, approval: Approval, emergency: Emergency, *, actor: Actor) -> None:
    release.break_glass_reason = emergency.reason
    if approval.state is ApprovalState.OPEN:
        _close(ctx, release, approval, emergency, actor=actor)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_GLASS_BROKEN,
        subject=f"release:{release.id}",
        reason=emergency.reason,
        asked_by=emergency.asked_by_name,
        confirm_reason=emergency.confirm_reason or None,
        change_digest=approval.change_digest,
        open_threads=discussion_queries.unresolved(ctx.session, release.id),
    )
    people = emergency_people.reviewers(ctx, emergency, release, approval)
    notifications.glass_broken(ctx, release, approval, emergency, people)


def _require_right(release: Release, approval: Approval, actor: Actor) -> None:
    roles = frozenset(approval.flow.break_glass_roles)
    if actor.kind is not ActorKind.USER or not actor.has_any_role(roles):
        raise NotAllowedError(
            "%(actor)r may not break the glass; the roles that may: %(roles)s.",
            actor=actor.name,
            roles=sorted(roles) or Message("none is configured"),
        )
    if actor.id in approval.requirement.excluded:
        raise SelfApprovalError(
            "%(actor)r requested %(release)s or submitted a part of it; somebody else must do it.",
            actor=actor.name,
            release=release.subject,
        )


def _close(ctx: Context, release: Release, approval: Approval, emergency: Emergency, *, actor: Actor) -> None:
    """Approve what is left, by all who agreed to it: whoever did it last comes last."""
    approval.glass_broken = True
    if emergency.asked_by_id != actor.id:
        first = ctx.airflow.access.person(emergency.asked_by_id)
        roles = first.roles if first else frozenset[str]()
        approval.decisions.append(
            _decision(approval, emergency.asked_by, roles, emergency.reason, emergency.asked_at)
        )
    said = emergency.confirm_reason or emergency.reason
    approval.decisions.append(
        _decision(approval, Person(actor.id, actor.name), actor.roles, said, ctx.clock())
    )
    approvals.close(ctx, approval, ApprovalState.APPROVED, actor=actor)
    notifications.decided(ctx, approval)
    checks.grant(ctx, release, approval, actor=actor)


def _decision(
    approval: Approval, who: Person, roles: frozenset[str], reason: str, decided_at: datetime
) -> Decision:
    return Decision(
        step=len(approval.requirement.steps),
        actor_id=who.id,
        actor_name=who.name,
        roles=sorted(roles),
        verdict=Verdict.APPROVE,
        comment=reason,
        change_digest=approval.change_digest,
        decided_at=decided_at,
    )
