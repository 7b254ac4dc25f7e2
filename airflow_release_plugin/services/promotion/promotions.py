"""
Moving a target branch: the only way by which code reaches an environment.

See invariants 1, 2, 6 and 9 (docs/concepts/invariants.md).

Objects, branch, tag, the release's state and the trail are rows of one database and change in one
transaction, that of the caller. Whatever moment a crash hits, all of it is there or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.metrics import PROMOTION_DURATION
from airflow_release_plugin.domain.states import ApprovalState, ReleaseState, SubmissionState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.domain.text.phrasing import as_sentence
from airflow_release_plugin.exceptions import (
    ConflictError,
    ExpiredError,
    FrozenError,
    StaleDigestError,
    TargetMovedError,
)
from airflow_release_plugin.messages import Message, together
from airflow_release_plugin.models import Approval, Environment, Release
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.repositories import submissions as submission_queries
from airflow_release_plugin.repositories import version_states
from airflow_release_plugin.services.insights import recording
from airflow_release_plugin.services.promotion import held_proof, signing, superseding
from airflow_release_plugin.services.releases import (
    creation,
    holds,
    lifecycle,
    releases,
    schedule,
    task_claims,
)
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import footprints
from airflow_release_plugin.services.versions.contents import changed_under, dag_files_to_parse
from airflow_release_plugin.store.base import CommitMessage, environment_ref, tag_ref


def promote(ctx: Context, *, actor: Actor, release_id: int) -> Release:
    """
    Bring an approved release to its environment; calling again answers the same.

    The result is ``released``; or ``stale`` when the target got changes to files that the release relies on
    since the check; or ``checking`` when it got others of which its check says too little, which is then run
    again.

    :raises ConflictError: the release is not approved
    :raises ExpiredError: its execution window is over
    :raises FrozenError: its schedule, a freeze or a hold of the environment holds it back
    :raises TargetMovedError: the branch is not where the product left it
    """
    started = perf_counter()
    access.require_executor(ctx, actor, Message("promote releases"))
    access.require_target(ctx)
    environment_name = releases.get(ctx, actor=actor, release_id=release_id).environment
    environment = lock_environment(ctx, environment_name)
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    task_claims.require_task(ctx, release, TaskRole.PROMOTE, actor=actor, deed=Message("promote releases"))
    if release.state in {ReleaseState.RELEASED, ReleaseState.ROLLED_BACK}:
        return release
    approval = _require_approved(ctx, release)
    _require_open_window(ctx, release, approval)
    head = head_of(ctx, environment)
    if head != release.base_commit and not _may_go_on(ctx, release, head, actor=actor):
        return release
    release.target_commit = _write_commit(ctx, release, approval, head)
    ctx.store.move_ref(environment_ref(environment_name), expected=head, new=release.target_commit)
    ctx.store.move_ref(tag_ref(release.number), expected=None, new=release.target_commit)
    _note(ctx, release, environment, actor=actor)
    recording.note_arrival(ctx, release, approval)
    ctx.airflow.metrics.send(PROMOTION_DURATION, perf_counter() - started)
    return release


def _require_approved(ctx: Context, release: Release) -> Approval | None:
    """
    The approval that carries the release, with its digest checked against what would be promoted.

    ``None`` for a release that was exempt from approval when it was made.
    """
    if release.state is ReleaseState.EXPIRED:
        # The expiry that was just written down must survive the error.
        ctx.session.commit()
        raise ExpiredError("%(release)s was not executed in time; request it again.", release=release.subject)
    if release.state is not ReleaseState.APPROVED:
        raise ConflictError(
            "%(release)s is %(state)r; only an approved release can be promoted.",
            release=release.subject,
            state=release.state.value,
        )
    digest = release.digest_now
    if release.exempt_reason and digest == release.change_digest:
        return None
    approval = approval_queries.latest_approval(ctx.session, "release", release.id, lock=True)
    is_approved = approval is not None and approval.state is ApprovalState.APPROVED
    if approval is None or not is_approved or not digest == release.change_digest == approval.change_digest:
        raise StaleDigestError(
            "%(release)s has no approval of exactly what it would promote; revoke it and request it again.",
            release=release.subject,
            current=digest,
        )
    return approval


def _require_open_window(ctx: Context, release: Release, approval: Approval | None) -> None:
    # The environment is locked: whoever sets a hold comes before this promotion, or after it.
    hold = holds.in_force(ctx, release.environment)
    held = schedule.execution_block(release, approval, ctx.clock(), hold)
    if held is not None:
        until = held.until.isoformat() if held.until else Message("further notice")
        raise FrozenError(
            Message(
                "%(release)s is approved but %(reason)s, until %(until)s; it goes on by itself then.",
                release=release.subject,
                reason=held.reason,
                until=until,
            ),
            until=held.until.isoformat() if held.until else None,
        )


def lock_environment(ctx: Context, name: str) -> Environment:
    """Lock an environment until the transaction ends; promotions to it go one after the other."""
    return release_queries.locked_environment(ctx.session, name, ctx.clock())


def head_of(ctx: Context, environment: Environment) -> str | None:
    """Where the branch is. Raises ``TargetMovedError`` if that is not where the product left it."""
    head = ctx.store.ref(environment_ref(environment.name))
    if head != environment.recorded_commit:
        raise TargetMovedError(
            Message(
                "The branch %(environment)r is at %(head)s, but the last promotion left it at "
                "%(recorded_commit)s: somebody moved it by hand. An admin can put it back with POST "
                "environments/%(environment)s/restore; until then nothing is promoted.",
                environment=environment.name,
                head=head or Message("nothing"),
                recorded_commit=environment.recorded_commit or Message("nothing"),
            ),
            head=head,
            recorded=environment.recorded_commit,
        )
    return head


def _may_go_on(ctx: Context, release: Release, head: str | None, *, actor: Actor) -> bool:
    """
    Whether a release may land though the target moved on since its check.

    It may where what landed meets nothing that its check looked at, and the other way round. Otherwise it is
    checked again on top of it, or given up where changes meet.
    """
    if overlap := changed_under(ctx, release, head):
        lifecycle.move(
            ctx,
            release,
            ReleaseState.STALE,
            actor=actor,
            reason=_why_stale(release, overlap),
        )
        return False
    doubt = held_proof.first_doubt(ctx, release, head) if head else Message("the target is empty")
    if doubt:
        reason = Message(
            "The target moved on; checking again on top of it: %(doubt)s", doubt=as_sentence(doubt)
        )
        _send_back(ctx, release, head, reason, actor=actor)
        return False
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_PROOF_HELD,
        subject=f"release:{release.id}",
        checked_on=release.base_commit,
        commit=head,
        reason=Message(
            "What has landed since the check meets nothing that its Dag files depend on, nor "
            "the other way round."
        ),
    )
    release.base_commit = head
    return True


def _why_stale(release: Release, overlap: Sequence[str]) -> str:
    met = Message(
        "Changed in %(environment)s since the check: %(paths)s.",
        environment=release.environment,
        paths=list(overlap[:5]),
    )
    if release.has_own_versions:
        return together([met, creation.request_anew(release)])
    return together([met, Message("Retry or submit again.")])


def _send_back(ctx: Context, release: Release, head: str | None, reason: str, *, actor: Actor) -> None:
    release.base_commit = head
    lifecycle.move(ctx, release, ReleaseState.CHECKING, actor=actor, reason=reason)
    releases.start_pipeline(ctx, release, actor=actor, suffix=f"__on_{(head or 'empty')[:8]}")


def _write_commit(ctx: Context, release: Release, approval: Approval | None, head: str | None) -> str:
    trailers = [
        ("Release", release.number),
        ("Kind", release.kind.value),
        ("Requested-by", release.requested_by_name),
        *_grounds(release, approval),
        ("Change-Digest", release.change_digest),
    ]
    return ctx.store.commit(
        parent=head,
        changes=release.changes,
        message=CommitMessage(title=release.title, body=release.description, trailers=tuple(trailers)),
        author=release.requested_by_name,
        time=ctx.clock(),
        signer=signing.signer(ctx, parent=head),
    )


def _grounds(release: Release, approval: Approval | None) -> list[tuple[str, str]]:
    """On what ground the release is in the target, as trailers."""
    if approval is None:
        return [("Exempt", " ".join(release.exempt_reason.split()))]
    return [
        *(("Approved-by", decision.actor_name) for decision in approval.decisions),
        ("Flow", f"{approval.requirement.flow} revision {approval.requirement.flow_revision}"),
    ]


def _note(ctx: Context, release: Release, environment: Environment, *, actor: Actor) -> None:
    """The branch has the release: write it down, and tell Airflow."""
    environment.recorded_commit = release.target_commit
    environment.updated_at = ctx.clock()
    lifecycle.move(ctx, release, ReleaseState.RELEASED, actor=actor)
    release.released_at = ctx.clock()
    units = [item.submission.unit_id for item in release.items]
    replaced = submission_queries.with_state(ctx.session, units, SubmissionState.RELEASED)
    version_states.move_all(
        ctx.session, [item.submission for item in release.items], SubmissionState.RELEASED
    )
    superseding.supersede(ctx, release, replaced, actor=actor)
    footprints.keep(ctx, release, replaced)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.ENVIRONMENT_PROMOTED,
        subject=f"environment:{environment.name}",
        release=release.number,
        commit=release.target_commit,
        base=release.base_commit,
        change_digest=release.change_digest,
    )
    # Whoever uses a changed shared file serves something new as well.
    affected = dag_files_to_parse(ctx, release)
    ctx.airflow.serving.announce(environment.name, str(release.target_commit), affected)
