"""Deciding on releases and gates, and the inbox of what waits for somebody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.flow.seats import Seat
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.states import ApprovalState, GateState, ReleaseState
from airflow_release_plugin.exceptions import ConflictError, NotFoundError, ReleaseError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Approval, Gate, Release
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.services.approvals import approvals, gates, seats
from airflow_release_plugin.services.releases import checks, lifecycle, releases
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class InboxItem:
    """
    Something that waits for the actor's decision.

    :param level: of its flow, from 1; ``levels`` is how many that has
    :param lines_added: of what a release changes, as ``lines_removed``; 0 for a gate
    """

    subject: str
    subject_id: int
    title: str
    requested_by: Person
    dag_ids: list[str]
    change_digest: str
    step: int
    step_name: str
    level: int
    level_name: str
    levels: int
    opened_at: datetime
    expires_at: datetime
    lines_added: int = 0
    lines_removed: int = 0


def decide_release(
    ctx: Context,
    *,
    actor: Actor,
    release_id: int,
    verdict: Verdict,
    change_digest: str,
    comment: str = "",
    step: int | None = None,
) -> Release:
    """
    Approve or reject a release; the errors are those of :func:`approvals.decide`.

    :raises ConflictError: the release does not await approval
    """
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    approval = approval_queries.latest_approval(ctx.session, "release", release.id, lock=True)
    if approval is None or release.state is ReleaseState.CHECKING:
        raise ConflictError(
            "%(release)s is %(state)r; it does not await approval yet.",
            release=release.subject,
            state=release.state.value,
        )
    access.require_code(ctx, actor, release.dag_ids)
    before = approval.state
    after = approvals.decide(
        ctx, approval, actor=actor, verdict=verdict, comment=comment, change_digest=change_digest, step=step
    )
    if after is not before and after is ApprovalState.APPROVED:
        checks.grant(ctx, release, approval, actor=actor)
    if after is not before and after is ApprovalState.REJECTED:
        reason = (
            Message("Rejected by %(actor)s: %(comment)s", actor=actor.name, comment=comment)
            if comment
            else Message("Rejected by %(actor)s.", actor=actor.name)
        )
        lifecycle.move(ctx, release, ReleaseState.REJECTED, actor=actor, reason=reason)
    return release


def go_on(ctx: Context, release: Release, *, actor: Actor) -> None:
    """Let a locked release go on whose approval waited for nothing but its threads; else do nothing."""
    if release.state is not ReleaseState.AWAITING_APPROVAL:
        return
    approval = approval_queries.latest_approval(ctx.session, "release", release.id, lock=True)
    if approval is not None and approvals.complete(ctx, approval, actor=actor):
        checks.grant(ctx, release, approval, actor=actor)


def decide_gate(
    ctx: Context,
    *,
    actor: Actor,
    gate_id: int,
    verdict: Verdict,
    change_digest: str,
    comment: str = "",
    step: int | None = None,
) -> Gate:
    """Sign a gate off or reject it; the errors are those of :func:`approvals.decide`."""
    gate = gates.get_locked(ctx, actor=actor, gate_id=gate_id)
    approval = approval_queries.latest_approval(ctx.session, "gate", gate.id, lock=True)
    if approval is None:
        raise NotFoundError("%(gate)s has no approval; clear the task to open a new one.", gate=gate.subject)
    before = approval.state
    after = approvals.decide(
        ctx, approval, actor=actor, verdict=verdict, comment=comment, change_digest=change_digest, step=step
    )
    if after is not before and after in {ApprovalState.APPROVED, ApprovalState.REJECTED}:
        gates.close(ctx, gate, GateState(after.value), actor=actor)
    return gate


class DecisionRequest(NamedTuple):
    """One of several things to decide on, as the actor saw it; ``subject`` is a release or a gate."""

    subject: str
    subject_id: int
    change_digest: str
    step: int | None = None


@dataclass(frozen=True)
class DecisionResult:
    """
    What became of one of several.

    :param title: what it is called; empty where the actor may not see it
    :param error: its code; empty when it was decided
    """

    subject: str
    subject_id: int
    error: str = ""
    detail: str = ""
    title: str = ""


def decide_many(
    ctx: Context, *, actor: Actor, subjects: Sequence[DecisionRequest], verdict: Verdict, comment: str
) -> list[DecisionResult]:
    """Decide on several things with one comment; each stands for itself: a refusal undoes no other one."""
    titles = _lock(ctx, subjects)
    return [
        _decide_one(ctx, each, titles.get(each[:2], ""), actor=actor, verdict=verdict, comment=comment)
        for each in subjects
    ]


def _lock(ctx: Context, subjects: Sequence[DecisionRequest]) -> dict[tuple[str, int], str]:
    """
    Lock everything in one order, before the first event is written; answers what it is called.

    The trail is locked from an event to the commit: who came for the next release then would wait in a circle
    with who holds that release and wants to write about it.
    """
    approval_queries.begin_to_write(ctx.session)
    titles: dict[tuple[str, int], str] = {}
    for kind, subject_id in sorted({(asked.subject, asked.subject_id) for asked in subjects}):
        if kind == "release":
            release = release_queries.release(ctx.session, subject_id, lock=True)
            titles[kind, subject_id] = _title(release) if release else ""
        else:
            gate = approval_queries.gate(ctx.session, subject_id, lock=True)
            titles[kind, subject_id] = gate.title if gate else ""
        approval_queries.latest_approval(ctx.session, kind, subject_id, lock=True)
    return titles


def _title(release: Release) -> str:
    return f"{release.number} {release.title}"


def _decide_one(
    ctx: Context, asked: DecisionRequest, title: str, *, actor: Actor, verdict: Verdict, comment: str
) -> DecisionResult:
    kind, subject_id, digest, step = asked
    try:
        with ctx.session.begin_nested():
            if kind == "release":
                decide_release(
                    ctx,
                    actor=actor,
                    release_id=subject_id,
                    verdict=verdict,
                    change_digest=digest,
                    comment=comment,
                    step=step,
                )
            else:
                decide_gate(
                    ctx,
                    actor=actor,
                    gate_id=subject_id,
                    verdict=verdict,
                    change_digest=digest,
                    comment=comment,
                    step=step,
                )
    except NotFoundError as error:
        # Whoever may not see it does not learn what it is called.
        return DecisionResult(kind, subject_id, error.code, error.message)
    except ReleaseError as error:
        return DecisionResult(kind, subject_id, error.code, error.message, title=title)
    return DecisionResult(kind, subject_id, title=title)


def inbox(ctx: Context, *, actor: Actor) -> list[InboxItem]:
    """What waits for the actor's decision now, soonest to expire first; a fixed number of queries."""
    mine = _mine(ctx, approval_queries.open_approvals(ctx.session, ctx.clock()), actor)
    asked = [approval for approval, _seat in mine]
    releases = release_queries.with_items(ctx.session, _ids(asked, "release"))
    gate_rows = approval_queries.gates_by_id(ctx.session, _ids(asked, "gate"))
    readable = ctx.airflow.access.readable(actor, _names(ctx, releases.values(), gate_rows.values()))
    items = []
    for approval, seat in mine:
        if approval.subject_type == "release":
            release = releases.get(approval.subject_id)
            item = _release_item(approval, seat, release) if release else None
        else:
            gate = gate_rows.get(approval.subject_id)
            item = _gate_item(approval, seat, gate) if gate and gate.state is GateState.OPEN else None
        if item is not None and not readable.isdisjoint(access.both_ids(ctx, item.dag_ids)):
            items.append(item)
    return items


def count_inbox(ctx: Context, *, actor: Actor) -> int:
    """How many :func:`inbox` finds, for every page: no release is read for it, and no flow."""
    mine = _mine(ctx, approval_queries.open_approvals(ctx.session, ctx.clock(), with_flows=False), actor)
    asked = [approval for approval, _seat in mine]
    dag_ids = {
        **{
            ("release", each): set(names)
            for each, names in release_queries.dag_ids_of(ctx.session, _ids(asked, "release")).items()
        },
        **{
            ("gate", each): {dag_id}
            for each, dag_id in approval_queries.open_gate_dags(ctx.session, _ids(asked, "gate")).items()
        },
    }
    every = access.both_ids(ctx, {name for names in dag_ids.values() for name in names})
    readable = ctx.airflow.access.readable(actor, every)
    return sum(
        not readable.isdisjoint(access.both_ids(ctx, dag_ids.get((each.subject_type, each.subject_id), ())))
        for each in asked
    )


def _mine(ctx: Context, candidates: Iterable[Approval], actor: Actor) -> list[tuple[Approval, Seat]]:
    capacity = seats.standing_of(ctx, actor)
    return [(a, seat) for a in candidates if (seat := seats.seat_of(ctx, a, capacity)) is not None]


def _ids(found: list[Approval], subject_type: str) -> list[int]:
    return [approval.subject_id for approval in found if approval.subject_type == subject_type]


def _names(ctx: Context, releases: Iterable[Release], gate_rows: Iterable[Gate]) -> set[str]:
    names = {name for release in releases for name in release.dag_ids}
    return access.both_ids(ctx, names | {gate.dag_id for gate in gate_rows})


def _release_item(approval: Approval, seat: Seat, release: Release) -> InboxItem:
    added = release.risk_json.get("lines_added", 0)
    return InboxItem(
        subject="release",
        subject_id=release.id,
        title=_title(release),
        requested_by=release.requested_by,
        dag_ids=release.dag_ids,
        change_digest=approval.change_digest,
        **_waiting_step(approval, seat),
        opened_at=approval.opened_at,
        expires_at=approval.expires_at,
        lines_added=added,
        lines_removed=release.risk_json.get("lines", 0) - added,
    )


def _gate_item(approval: Approval, seat: Seat, gate: Gate) -> InboxItem:
    return InboxItem(
        subject="gate",
        subject_id=gate.id,
        title=gate.title,
        requested_by=gate.requested_by,
        dag_ids=[gate.dag_id],
        change_digest=approval.change_digest,
        **_waiting_step(approval, seat),
        opened_at=approval.opened_at,
        expires_at=approval.expires_at,
    )


def _waiting_step(approval: Approval, seat: Seat) -> dict[str, Any]:
    requirement = approval.requirement
    return {
        "step": seat.step,
        "step_name": requirement.steps[seat.step].name,
        "level": requirement.level,
        "level_name": requirement.level_name,
        "levels": approval.level_count,
    }
