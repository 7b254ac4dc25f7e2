"""What the pipeline asks and reports: the tree to check, what it found, and the request for approval."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.metrics import CHECK_DURATION
from airflow_release_plugin.domain.release.checks import (
    CheckItem,
    ReportKind,
    also_changed,
    failed,
    is_confined,
)
from airflow_release_plugin.domain.states import ApprovalState, ReleaseState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import ConflictError, InvalidRequestError, StaleDigestError
from airflow_release_plugin.messages import Message, together
from airflow_release_plugin.models import Approval, Release, Report
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import reports as report_queries
from airflow_release_plugin.services.approvals import approvals, flows
from airflow_release_plugin.services.releases import (
    completion,
    dag_id_checks,
    flow_demands,
    holds,
    lifecycle,
    releases,
    schedule,
    task_claims,
    unchecked,
)
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import footprints, risk
from airflow_release_plugin.services.versions.parsed_units import require_facts

_UNCONFINED = Message(
    "The worker does not say that it confined the check, which [release] "
    "require_confinement demands. Let the pipeline's task run where Landlock is (Linux "
    "6.7 or newer) and this version of Airflow Release; then retry."
)
_REPORTERS = {ReportKind.CHECK: (TaskRole.CHECK,), ReportKind.TEST: ()}
"""Roles of the tasks that may report, by kind; none for every task of the run."""


def report(
    ctx: Context,
    *,
    actor: Actor,
    release_id: int,
    kind: ReportKind,
    attempt: int,
    items: Sequence[CheckItem],
    joined: Sequence[completion.JoinedFile] = (),
    base_commit: str | None = None,
    ask: bool = True,
) -> Release:
    """
    Store what a step found out; a failed item fails the release.

    :param joined: files that running its versions found to belong to them
    :param ask: request approval when the report is a check that passed
    :raises TaskMismatchError: the actor is not the check, or the test, of this attempt
    :raises ConflictError: the report is about another attempt, or the release does not wait for reports
    """
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    _require_reporter(ctx, release, kind, attempt, actor=actor)
    own = _take_over(ctx, release, items, joined, actor=actor) if kind is ReportKind.CHECK else []
    stored = Report(kind=kind, attempt=attempt, base_commit=base_commit, items=(*items, *own))
    problems = _store(ctx, release, stored, actor=actor)
    release.progress_json = None
    if problems:
        lifecycle.move(ctx, release, ReleaseState.FAILED, actor=actor, reason=_summary(problems))
    elif kind is ReportKind.CHECK and ctx.settings.require_confinement and not is_confined(items):
        lifecycle.move(ctx, release, ReleaseState.ERRORED, actor=actor, reason=_UNCONFINED)
    elif ask and kind is ReportKind.CHECK:
        _request_approval(ctx, release, actor=actor)
    return release


def _require_reporter(
    ctx: Context, release: Release, kind: ReportKind, attempt: int, *, actor: Actor
) -> None:
    if kind not in _REPORTERS:
        raise InvalidRequestError(
            "Nobody reports a %(kind)s: the server finds that out itself.", kind=kind.value
        )
    task_claims.require_task(
        ctx, release, *_REPORTERS[kind], actor=actor, deed=Message("report on releases"), by_hand=False
    )
    if attempt != release.attempt:
        raise ConflictError(
            "%(release)s is in attempt %(attempt)s; this report is about attempt %(reported)s.",
            release=release.subject,
            attempt=release.attempt,
            reported=attempt,
        )
    if release.state is not ReleaseState.CHECKING:
        raise ConflictError(
            "%(release)s is %(state)r and takes no more reports.",
            release=release.subject,
            state=release.state.value,
        )


def _take_over(
    ctx: Context,
    release: Release,
    items: Sequence[CheckItem],
    joined: Sequence[completion.JoinedFile],
    *,
    actor: Actor,
) -> list[CheckItem]:
    """Let the release be what its check found it to be; what the server finds itself."""
    require_facts(items)
    footprints.require_readable(items)
    own = completion.complete(ctx, release, joined, actor=actor)
    own += dag_id_checks.findings(ctx, release, items)
    own += unchecked.findings(ctx, release, items) if joined else []
    release.also_changes = list(also_changed(items))
    release.change_digest = release.digest_now
    return own


def _store(ctx: Context, release: Release, stored: Report, *, actor: Actor) -> list[CheckItem]:
    """Keep a report and return its failed items."""
    problems = failed(stored.items)
    stored.release_id = release.id
    stored.passed = not problems
    stored.reported_at = ctx.clock()
    stored.reported_by_id, stored.reported_by_name = actor.id, actor.name
    ctx.session.add(stored)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_CHECKED,
        subject=f"release:{release.id}",
        kind=stored.kind.value,
        attempt=stored.attempt,
        passed=stored.passed,
        failed=[item.name for item in problems],
    )
    if stored.kind is ReportKind.CHECK:
        seconds = (stored.reported_at - release.state_since).total_seconds()
        ctx.airflow.metrics.send(CHECK_DURATION, seconds, result="failed" if problems else "passed")
    return problems


def _summary(problems: Sequence[CheckItem]) -> str:
    """The first problem, with its file, and how many more there are."""
    first = problems[0]
    line = first.headline or Message("failed")
    if not first.path or first.path not in line:
        line = Message("%(where)s: %(problem)s", where=first.path or first.name, problem=line)
    if len(problems) == 1:
        return line
    return Message("%(problem)s (and %(left)s more)", problem=line, left=len(problems) - 1)


def request_approval(ctx: Context, *, actor: Actor, release_id: int) -> Release:
    """
    Open the approval of a release whose checks passed; a second call is a no-op.

    :raises ConflictError: no check of the present attempt has passed
    """
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    task_claims.require_task(
        ctx, release, TaskRole.REQUEST_APPROVAL, actor=actor, deed=Message("request approval for releases")
    )
    if release.state in {ReleaseState.AWAITING_APPROVAL, ReleaseState.APPROVED}:
        return release
    # The report that was just added in this transaction counts too.
    ctx.session.flush()
    reports = [r for r in report_queries.of_release(ctx.session, release.id) if r.attempt == release.attempt]
    if not any(r.kind is ReportKind.CHECK and r.passed for r in reports):
        raise ConflictError(
            "%(release)s has no passed check in attempt %(attempt)s; check it first.",
            release=release.subject,
            attempt=release.attempt,
        )
    _request_approval(ctx, release, actor=actor)
    return release


def _request_approval(ctx: Context, release: Release, *, actor: Actor) -> None:
    if release.exempt_reason:
        lifecycle.move(ctx, release, ReleaseState.AWAITING_APPROVAL, actor=actor)
        grant_exempt(ctx, release, actor=actor)
        return
    capacity = approval_queries.latest_approval(ctx.session, "release", release.id, lock=True)
    if capacity is not None and _still_counts(ctx, capacity, release):
        # Checked again after a disjoint change of the target: what people agreed to is the same.
        lifecycle.move(ctx, release, ReleaseState.AWAITING_APPROVAL, actor=actor)
        grant(ctx, release, capacity, actor=actor)
        return
    # What was overridden was the approval before this one.
    release.break_glass_reason = ""
    try:
        flow = _resolve(ctx, release)
    except InvalidRequestError as error:
        # The people left, or the flow changed since the request: say so instead of losing the report.
        lifecycle.move(ctx, release, ReleaseState.ERRORED, actor=actor, reason=error.message)
        return
    # Asked again: the check may have completed versions, and what it found may have chosen another flow.
    if problem := flow_demands.unmet(ctx, flow.spec, [item.submission for item in release.items]):
        lifecycle.move(ctx, release, ReleaseState.FAILED, actor=actor, reason=problem)
        return
    reason = _why_again(capacity, release)
    lifecycle.move(ctx, release, ReleaseState.AWAITING_APPROVAL, actor=actor, reason=reason)
    approval = approvals.open_approval(
        ctx,
        actor=actor,
        subject_type="release",
        subject_id=release.id,
        digest=release.change_digest,
        flow=flow,
    )
    release.expires_at = approval.expires_at


def _why_again(capacity: Approval | None, release: Release) -> str:
    """Why people are asked once more about what they had approved; empty where they are not."""
    is_approved = capacity is not None and capacity.state is ApprovalState.APPROVED
    if capacity is None or not is_approved or capacity.change_digest == release.change_digest:
        return ""
    again = Message("The check found another change than the one that was approved; people are asked again.")
    if not release.also_changes:
        return again
    also = Message("Now it also changes %(dag_ids)s.", dag_ids=list(release.also_changes))
    return together([again, also])


def _resolve(ctx: Context, release: Release) -> flows.ResolvedFlow:
    """The flow that counts, by what the check found; the facts are kept with the release."""
    facts = risk.facts_of(ctx, release)
    release.risk_json = risk.to_record(facts)
    flow = flows.resolve(
        ctx,
        subject=release.subject,
        excluded={release.requested_by_id} | {item.submission.submitted_by_id for item in release.items},
        kind=release.kind,
        facts=facts,
        at_least=release.at_least_level,
    )
    release.risk_json = {**release.risk_json, "per_dag_flows": dict(flow.per_dag_flows)}
    return flow


def _still_counts(ctx: Context, approval: Approval, release: Release) -> bool:
    return schedule.counts_until(ctx, release, approval) is not None


def grant(ctx: Context, release: Release, approval: Approval, *, actor: Actor) -> None:
    """Move a release to ``approved`` on the ground of an approved approval and open its execution window."""
    if approval.change_digest != release.change_digest:
        raise StaleDigestError(
            "The approval of %(release)s is about another change; request it again.", release=release.subject
        )
    lifecycle.move(ctx, release, ReleaseState.APPROVED, actor=actor)
    hold = holds.in_force(ctx, release.environment)
    release.expires_at = schedule.window_ends(ctx, release, approval, hold, approval.closed_at)
    last = approval.decisions[-1]
    release.released_by_id, release.released_by_name = last.actor_id, last.actor_name


def grant_exempt(ctx: Context, release: Release, *, actor: Actor) -> None:
    """Move a release that nobody has to approve to ``approved``; the trail says why."""
    lifecycle.move(ctx, release, ReleaseState.APPROVED, actor=actor, reason=release.exempt_reason)
    hold = holds.in_force(ctx, release.environment)
    release.expires_at = schedule.window_ends(ctx, release, None, hold)
    release.released_by_id, release.released_by_name = release.requested_by_id, release.requested_by_name


def mark_errored(ctx: Context, *, actor: Actor, release_id: int, reason: str) -> Release:
    """
    Say that the machinery broke while it worked on the release; one that has ended is left alone.

    What people have approved still counts when it is tried again; what they were being asked is asked anew.
    """
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    task_claims.require_task(ctx, release, actor=actor, deed=Message("stop releases"), at_work=False)
    if release.state.is_open:
        was_asked = release.state is ReleaseState.AWAITING_APPROVAL
        lifecycle.move(ctx, release, ReleaseState.ERRORED, actor=actor, reason=reason)
        if was_asked:
            approvals.withdraw(ctx, "release", release.id, actor=actor)
    return release
