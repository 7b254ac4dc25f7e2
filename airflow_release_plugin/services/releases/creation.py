"""How a release begins: which submissions, which flow, which reviewers; and how it begins again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.digest import change_digest
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.domain.tree.files import TreeChange
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    ItemBusyError,
    NotAllowedError,
    SelfApprovalError,
    TooLargeError,
)
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Approval, Release, ReleaseItem, Submission
from airflow_release_plugin.models.base import stamp
from airflow_release_plugin.models.release import release_number
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import search_words, submissions, version_states
from airflow_release_plugin.services.approvals import approvals
from airflow_release_plugin.services.releases import completion, lifecycle, releases, schedule
from airflow_release_plugin.services.releases.carried_threads import carry_threads, lock_threads
from airflow_release_plugin.services.releases.chosen_versions import claim
from airflow_release_plugin.services.releases.previews import eligible, preliminary_flow
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import risk
from airflow_release_plugin.services.versions.contents import build_changes, changed_under, refuse_clashes
from airflow_release_plugin.store.base import environment_ref

MAX_ITEMS = 100
BASIC_MODE = "basic mode of source"
"""How the reason begins of releases that basic mode makes."""


@dataclass(frozen=True)
class ReleaseTerms:
    """
    How a release is made, where that is not people choosing versions from the list.

    :param rolls_back: the release that it takes out of the target
    :param exempt_reason: why nobody has to approve; empty for every release that people ask for
    :param extra: changes that come along though none of the submissions brings them
    :param base: commit that it was planned on, if not that of the branch
    :param by_pipeline: whether a pipeline works on it; else the caller promotes it in this transaction
    """

    kind: ReleaseKind = ReleaseKind.PROMOTION
    rolls_back: Release | None = None
    exempt_reason: str = ""
    extra: Sequence[TreeChange] = ()
    base: str | None = None
    by_pipeline: bool = True


BY_PEOPLE = ReleaseTerms()
"""The terms of a release of versions that people chose from the list."""


def request(
    ctx: Context, *, actor: Actor, submission_ids: Sequence[int], release_request: ReleaseRequest
) -> Release:
    """
    Put submissions into a release and start the pipeline that checks it.

    :raises ItemBusyError: a submission is in another open release
    :raises InvalidRequestError: no or too many items, nobody could approve, a reviewer is not eligible,
        a time that is past
    """
    chosen = claim(ctx, submission_ids, most=MAX_ITEMS)
    access.require_edit(ctx, actor, {dag_id for submission in chosen for dag_id in submission.dag_ids})
    refuse_clashes(ctx, chosen)
    return open_release(ctx, chosen, release_request, actor=actor)


def open_release(
    ctx: Context,
    chosen: Sequence[Submission],
    release_request: ReleaseRequest,
    terms: ReleaseTerms = BY_PEOPLE,
    *,
    actor: Actor,
) -> Release:
    """Make a release of claimed submissions and start its pipeline. The caller has authorised it."""
    access.require_target(ctx)
    if release_request.soak_minutes and not release_request.run_after_release:
        raise InvalidRequestError("A soak watches the first runs: ask for runs after the release as well.")
    schedule.require_future(ctx, release_request.scheduled_at)
    base = terms.base or ctx.store.ref(environment_ref(ctx.settings.environment))
    changes = build_changes(ctx, chosen, base, terms.extra)
    pipeline = ctx.settings.pipeline_dag_id
    reviewers: list[Person] = []
    if not terms.exempt_reason:
        facts, name = (
            risk.draft_facts(ctx, chosen, changes, base),
            Message("release %(title)r", title=release_request.title),
        )
        flow = preliminary_flow(ctx, chosen, facts, actor, release_request.at_least_level, name, terms.kind)
        reviewers = _reviewers(actor, release_request.reviewers, eligible(flow))
        pipeline = flow.spec.pipeline_dag_id or pipeline
    threads = lock_threads(ctx, chosen)
    release = make(
        ctx,
        chosen,
        changes,
        release_request,
        terms,
        actor=actor,
        base_commit=base,
        pipeline_dag_id=pipeline,
        reviewers=reviewers,
    )
    carry_threads(ctx, release, threads, actor=actor)
    _start(ctx, release, actor=actor, by_pipeline=terms.by_pipeline)
    return release


def make(
    ctx: Context,
    chosen: Sequence[Submission],
    changes: Sequence[TreeChange],
    release_request: ReleaseRequest,
    terms: ReleaseTerms,
    *,
    actor: Actor,
    base_commit: str | None,
    pipeline_dag_id: str,
    reviewers: Sequence[Person] = (),
) -> Release:
    """
    A release in ``draft`` with its number and its event; nothing works on it yet.

    :param base_commit: that of the branch, or ``terms.base``; ``None`` for an empty environment
    :param reviewers: the people asked, by the ids that the auth manager knows
    """
    environment, now = ctx.settings.environment, ctx.clock()
    release = Release(
        number=uuid4().hex,
        title=release_request.title.strip(),
        description=release_request.description,
        run_after_release=release_request.run_after_release,
        scheduled_at=release_request.scheduled_at,
        at_least_level=release_request.at_least_level,
        soak_minutes=release_request.soak_minutes,
        kind=terms.kind,
        state=ReleaseState.DRAFT,
        state_since=now,
        environment=environment,
        attempt=1,
        change_digest=change_digest(changes, target=environment, kind=terms.kind),
        requested_at=now,
        items=[ReleaseItem.of(submission, position) for position, submission in enumerate(chosen)],
        reviewers=[{"id": person.id, "name": person.name} for person in reviewers],
        base_commit=base_commit,
        pipeline_dag_id=pipeline_dag_id,
        rolls_back_id=terms.rolls_back.id if terms.rolls_back else None,
        exempt_reason=terms.exempt_reason,
        **stamp(actor, "requested"),
    )
    release.changes = changes
    ctx.session.add(release)
    # The id, which the database gives once, makes the number that people and the pipeline use.
    ctx.session.flush()
    release.number = release_number(release.id)
    _record_created(ctx, release, chosen, actor=actor)
    search_words.note_titles(ctx.session, {release.id: release.title})
    return release


def _record_created(ctx: Context, release: Release, chosen: Sequence[Submission], *, actor: Actor) -> None:
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_CREATED,
        subject=f"release:{release.id}",
        title=release.title,
        kind=release.kind.value,
        change_digest=release.change_digest,
        submissions=[{"id": s.id, "path": s.path, "version": s.version} for s in chosen],
        reviewers=release.reviewers,
        exempt_reason=release.exempt_reason,
    )


def _reviewers(actor: Actor, wanted: Sequence[str], eligible: Sequence[Person]) -> list[Person]:
    if actor.id in wanted or actor.name in wanted:
        raise SelfApprovalError("You cannot review your own release; choose somebody else.")
    by_key = access.people_by_key(eligible)
    unknown = sorted(set(wanted) - by_key.keys())
    if unknown or not wanted:
        raise InvalidRequestError(
            "Not eligible to review this release: %(unknown)s. Eligible: %(names)s.",
            unknown=unknown or Message("(nobody chosen)"),
            names=[person.name for person in eligible],
        )
    return list(dict.fromkeys(by_key[key] for key in wanted))


def _start(ctx: Context, release: Release, *, actor: Actor, by_pipeline: bool = True) -> None:
    """Take the submissions and hand the release to its pipeline."""
    taken = [item.submission for item in release.items]
    version_states.hand_all(ctx.session, taken, SubmissionState.IN_RELEASE, release.id)
    lifecycle.move(ctx, release, ReleaseState.CHECKING, actor=actor)
    if by_pipeline:
        releases.start_pipeline(ctx, release, actor=actor)


def may_retry(ctx: Context, actor: Actor, release: Release) -> bool:
    """Whether the actor may start another attempt now."""
    return (
        release.effective_state(ctx.clock()).can_be_retried
        and _has_another_attempt(release)
        and (actor.id == release.requested_by_id or access.is_admin(ctx, actor))
    )


def _has_another_attempt(release: Release) -> bool:
    """Whether the same versions may be tried again; those made for it go nowhere once the target changed."""
    is_overtaken = release.state is ReleaseState.STALE and release.has_own_versions
    return release.released_at is None and not is_overtaken


def request_anew(release: Release) -> str:
    """What to do where the target changed under a release whose versions were made for it."""
    return Message(
        "This %(kind)s was made for the target as it was; request it anew.", kind=release.kind.value
    )


def retry(
    ctx: Context, *, actor: Actor, release_id: int, added: Sequence[completion.JoinedFile] = ()
) -> Release:
    """
    Start another attempt with the same submissions against the target as it is now.

    It needs approval again, but for what people had approved before our machinery broke. That still counts
    for exactly the same change, while its window is open and the target has not changed under it:
    invariant 2 (docs/concepts/invariants.md). What was closed by breaking the glass counts for one attempt.

    A rollback, or whatever else made its own versions, is tried again as it was planned, while the target has
    not changed under it.

    :param added: files of their snapshots that the submissions get before; the caller has authorised that
    :raises InvalidTransitionError: the release is not failed, errored or stale
    :raises TooLargeError: with what is added, a unit has more files than it may
    :raises ConflictError: a submission was released, removed or superseded in the meantime; or the target
        changed under what was planned for it
    """
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    _require_another_attempt(ctx, release, actor)
    chosen = _claim_again(ctx, release)
    refuse_clashes(ctx, chosen)
    head = ctx.store.ref(environment_ref(release.environment))
    changed = changed_under(ctx, release, head)
    may_keep = release.state is ReleaseState.ERRORED and not changed
    approval = approval_queries.latest_approval(ctx.session, "release", release.id, lock=True)
    _add(ctx, release, added, actor=actor)
    _plan_again(ctx, release, chosen, head, changed)
    is_kept = may_keep and kept_until(ctx, release, approval) is not None
    if not is_kept:
        approvals.withdraw(ctx, "release", release.id, actor=actor)
    release.attempt += 1
    release.target_commit = release.expires_at = None
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_RETRIED,
        subject=f"release:{release.id}",
        attempt=release.attempt,
        change_digest=release.change_digest,
        approval_kept=is_kept,
        added=[file.path for file in added],
    )
    _start(ctx, release, actor=actor)
    return release


def _add(ctx: Context, release: Release, added: Sequence[completion.JoinedFile], *, actor: Actor) -> None:
    _, problems = completion.complete_versions(ctx, release, added, actor=actor)
    if problems:
        raise TooLargeError(problems[0].detail)


def _plan_again(
    ctx: Context, release: Release, chosen: Sequence[Submission], head: str | None, changed: Sequence[str]
) -> None:
    """Plan it on the target as it is now; ``changed`` are paths under it that did since it was planned."""
    if not release.has_own_versions:
        release.changes = build_changes(ctx, chosen, head)
        release.change_digest = release.digest_now
    elif changed:
        raise ConflictError(
            "%(release)s cannot be tried again: %(paths)s changed in %(environment)s meanwhile. %(advice)s",
            release=release.subject,
            paths=list(changed[:5]),
            environment=release.environment,
            advice=request_anew(release),
        )
    release.base_commit = head


def _claim_again(ctx: Context, release: Release) -> list[Submission]:
    """The release's versions, locked; no other rollback of the same files may be under way."""
    ids, state = [item.submission_id for item in release.items], SubmissionState.PENDING
    if release.has_own_versions:
        units = [item.submission.unit_id for item in release.items]
        submissions.lock_units(ctx.session, units)
        held = submissions.with_state(ctx.session, units, SubmissionState.IN_RELEASE)
        if busy := next((row for row in held if not row.listed), None):
            raise ItemBusyError(
                "%(path)r is part of %(other)s, another rollback that is open; approve or revoke that first.",
                path=busy.path,
                other=release_number(busy.release_id or 0),
                release_id=busy.release_id,
            )
        state = SubmissionState.REMOVED
    return claim(ctx, ids, most=len(ids), state=state)


def kept_until(ctx: Context, release: Release, approval: Approval | None) -> datetime | None:
    """How long what people approved would count for another attempt; ``None`` if they are asked again."""
    if approval is None or approval.glass_broken:
        return None
    return schedule.counts_until(ctx, release, approval)


def _require_another_attempt(ctx: Context, release: Release, actor: Actor) -> None:
    if actor.id != release.requested_by_id and not access.may_administer(ctx, actor):
        raise NotAllowedError(
            "%(actor)r may not retry %(release)s; its requester and admins may.",
            actor=actor.name,
            release=release.subject,
        )
    if not release.state.can_be_retried:
        raise ConflictError(
            "%(release)s is %(state)r; only failed, errored and stale ones are retried.",
            release=release.subject,
            state=release.state.value,
        )
    if release.exempt_reason.startswith(BASIC_MODE) and not ctx.settings.is_basic:
        raise ConflictError(
            "%(release)s was to be released without approval, but basic mode is off now. Its "
            "versions are in the to-be-released list; request a release of them.",
            release=release.subject,
        )
    if not _has_another_attempt(release):
        if release.released_at is None:
            raise ConflictError(
                "%(release)s cannot be tried again: %(advice)s",
                release=release.subject,
                advice=request_anew(release),
            )
        raise ConflictError(
            "%(release)s cannot be tried again: it was in the target already. Release its versions anew, "
            "or roll it back.",
            release=release.subject,
        )
