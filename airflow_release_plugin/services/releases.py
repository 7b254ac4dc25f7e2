"""Requesting, reading, revoking and retrying releases."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from airflow_release_plugin.domain.digest import ReleaseKind, change_digest
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.files import TreeChange
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.states import (
    REVOCABLE_RELEASE_STATES,
    ReleaseState,
    SubmissionState,
)
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    ItemBusyError,
    NotAllowedError,
    NotFoundError,
    SelfApprovalError,
)
from airflow_release_plugin.models import Release, ReleaseItem, Submission
from airflow_release_plugin.models.base import stamp
from airflow_release_plugin.models.release import release_number
from airflow_release_plugin.repositories import releases, submissions
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services import access, approvals, audit, flows, lifecycle, risk, settlement
from airflow_release_plugin.services.contents import build_changes
from airflow_release_plugin.services.context import Context
from airflow_release_plugin.services.flows import ResolvedFlow
from airflow_release_plugin.store.base import environment_ref

MAX_ITEMS = 100


@dataclass(frozen=True)
class Offer:
    """What a release would need, as known before its check; ``problem`` if nobody could approve."""

    people: tuple[Person, ...]
    flow: str = ""
    level: int = 1
    levels: int = 1
    level_name: str = ""
    problem: str = ""


def offer(ctx: Context, *, actor: Actor, submission_ids: Collection[int], at_least_level: int = 1) -> Offer:
    """The flow, its level and the people who could approve a release of these submissions by ``actor``."""
    chosen = submissions.submissions_by_id(ctx.session, submission_ids)
    try:
        base = ctx.store.ref(environment_ref(ctx.settings.environment))
        changes = build_changes(ctx, chosen, base) if chosen else ()
        flow = _preliminary_flow(ctx, chosen, changes, actor, at_least_level)
    except InvalidRequestError as error:
        return Offer(people=(), problem=error.message)
    return Offer(
        people=_eligible(flow),
        flow=flow.spec.name,
        level=flow.requirement.level,
        levels=len(flow.spec.levels),
        level_name=flow.requirement.level_name,
    )


def _preliminary_flow(
    ctx: Context,
    chosen: Sequence[Submission],
    changes: Sequence[TreeChange],
    actor: Actor,
    at_least: int,
    subject: str = "this release",
) -> ResolvedFlow:
    """The flow by what is known before the check; the one that counts is resolved after it."""
    return flows.resolve(
        ctx,
        subject=subject,
        excluded={actor.id} | {submission.submitted_by_id for submission in chosen},
        facts=risk.draft_facts(ctx, chosen, changes),
        at_least=at_least,
    )


def _eligible(flow: ResolvedFlow) -> tuple[Person, ...]:
    people = {person.id: person for node in flow.requirement.nodes for person in node.eligible}
    return tuple(sorted(people.values(), key=lambda person: person.name))


def request(
    ctx: Context,
    *,
    actor: Actor,
    title: str,
    submission_ids: Sequence[int],
    reviewers: Sequence[str],
    description: str = "",
    run_after_release: bool = False,
    scheduled_at: datetime | None = None,
    at_least_level: int = 1,
) -> Release:
    """
    Package submissions into a release and start the pipeline that checks it.

    :param reviewers: ids or login names of the people asked; at least one, eligible, not the actor
    :param scheduled_at: not to be executed before
    :param at_least_level: people may raise the risk level, never lower it
    :raises ItemBusyError: a submission is in another open release
    :raises InvalidRequestError: no or too many items, nobody could approve, a reviewer is not eligible
    """
    chosen = _claimable(ctx, submission_ids)
    dag_ids = {dag_id for submission in chosen for dag_id in submission.dag_ids}
    access.require_edit(ctx, actor, dag_ids)
    base = ctx.store.ref(environment_ref(ctx.settings.environment))
    changes = build_changes(ctx, chosen, base)
    flow = _preliminary_flow(ctx, chosen, changes, actor, at_least_level, f"release {title!r}")
    asked = _reviewers(actor, reviewers, _eligible(flow))
    release = _new(
        ctx,
        chosen,
        changes,
        base_commit=base,
        pipeline_dag_id=flow.spec.pipeline_dag_id or ctx.settings.pipeline_dag_id,
        scheduled_at=scheduled_at,
        at_least_level=at_least_level,
        actor=actor,
        title=title.strip(),
        description=description,
        reviewers=[{"id": person.id, "name": person.name} for person in asked],
        run_after_release=run_after_release,
    )
    _start(ctx, release, actor=actor)
    return release


def _new(
    ctx: Context, chosen: Sequence[Submission], changes: Sequence[TreeChange], *, actor: Actor, **asked: Any
) -> Release:
    environment = ctx.settings.environment
    release = Release(
        number=uuid4().hex,
        kind=ReleaseKind.PROMOTION,
        state=ReleaseState.DRAFT,
        environment=environment,
        attempt=1,
        change_digest=change_digest(changes, target=environment, kind=ReleaseKind.PROMOTION),
        requested_at=ctx.clock(),
        items=[ReleaseItem(position=i, submission=submission) for i, submission in enumerate(chosen)],
        **asked,
        **stamp(actor, "requested"),
    )
    release.changes = changes
    ctx.session.add(release)
    # The id, which the database gives once, makes the number that people and the pipeline use.
    ctx.session.flush()
    release.number = release_number(release.id)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_CREATED,
        subject=f"release:{release.id}",
        title=release.title,
        change_digest=release.change_digest,
        submissions=[{"id": s.id, "path": s.path, "version": s.version} for s in chosen],
        reviewers=release.reviewers,
    )
    return release


def _claimable(ctx: Context, submission_ids: Sequence[int]) -> list[Submission]:
    wanted = sorted(set(submission_ids))
    if not 1 <= len(wanted) <= MAX_ITEMS:
        raise InvalidRequestError(f"A release holds 1 to {MAX_ITEMS} submissions; {len(wanted)} were chosen.")
    # Releases are locked before submissions everywhere, so that two requests never wait for each other.
    settlement.settle_held(ctx, submissions.submissions_by_id(ctx.session, wanted))
    found = submissions.submissions_by_id(ctx.session, wanted, lock=True)
    missing = sorted(set(wanted) - {submission.id for submission in found})
    if missing:
        raise NotFoundError(f"There is no submission {', '.join(map(str, missing))}. Reload the list.")
    for submission in found:
        if submission.state is SubmissionState.IN_RELEASE:
            raise ItemBusyError(
                f"v{submission.version} of {submission.path!r} is part of another open release; revoke that "
                "first or leave the Dag out.",
                release_id=submission.release_id,
            )
        if submission.state is not SubmissionState.PENDING:
            raise ConflictError(
                f"v{submission.version} of {submission.path!r} is {submission.state.value}; only versions "
                "that wait in the to-be-released list can be released. Reload the list."
            )
    if len({submission.unit_id for submission in found}) < len(found):
        raise InvalidRequestError("Two versions of the same Dag file were chosen; choose one.")
    return found


def _reviewers(actor: Actor, wanted: Sequence[str], eligible: Sequence[Person]) -> list[Person]:
    if actor.id in wanted or actor.name in wanted:
        raise SelfApprovalError("You cannot review your own release; choose somebody else.")
    by_key = access.people_by_key(eligible)
    unknown = sorted(set(wanted) - by_key.keys())
    if unknown or not wanted:
        names = ", ".join(person.name for person in eligible)
        raise InvalidRequestError(
            f"Not eligible to review this release: {', '.join(unknown) or '(nobody chosen)'}. "
            f"Eligible: {names}."
        )
    return list(dict.fromkeys(by_key[key] for key in wanted))


def _start(ctx: Context, release: Release, *, actor: Actor) -> None:
    """Take the submissions and hand the release to its pipeline."""
    for item in release.items:
        item.submission.move_to(SubmissionState.IN_RELEASE)
        item.submission.release_id = release.id
    lifecycle.move(ctx, release, ReleaseState.CHECKING, actor=actor)
    start_pipeline(ctx, release, actor=actor)


def start_pipeline(ctx: Context, release: Release, *, actor: Actor, suffix: str = "") -> None:
    """Start the DAG run that works on the release's present attempt."""
    run = ctx.airflow.serving.trigger(
        release.pipeline_dag_id,
        run_id=f"{release.number}__{release.attempt}{suffix}",
        conf={"release_id": release.id, "attempt": release.attempt},
        actor=actor,
        unpause=True,
    )
    release.pipeline_run_id = run.run_id


def list_releases(
    ctx: Context,
    *,
    actor: Actor,
    state: ReleaseState | None = None,
    search: str = "",
    requested_by: str = "",
    released_by: str = "",
    dag_id: str = "",
    requested_after: datetime | None = None,
    requested_before: datetime | None = None,
    released_after: datetime | None = None,
    released_before: datetime | None = None,
    order_by: str = "-number",
    limit: int = 50,
    offset: int = 0,
) -> Page[Release]:
    """
    Releases that the actor may see; a fixed number of queries, whatever the number of rows.

    :param requested_after: from then on; ``…_before`` ends just before its moment
    """
    of_units = None
    if dag_id:
        name = ctx.settings.target_id(dag_id)
        units = submissions.units(ctx.session, ctx.settings.source)
        of_units = {unit.id for unit in units if name in unit.dag_ids}
    wanted = releases.ReleaseFilter(
        state=state,
        search=search,
        requested_by=requested_by,
        released_by=released_by,
        of_units=of_units,
        requested=(requested_after, requested_before),
        released=(released_after, released_before),
        unit_ids=access.readable_units(ctx, actor),
        seen_by=actor.id,
    )
    return releases.list_releases(
        ctx.session, wanted, now=ctx.clock(), order_by=order_by, limit=limit, offset=offset
    )


def get(ctx: Context, *, actor: Actor, release_id: int) -> Release:
    """A release that the actor may see."""
    return access.require_release(ctx, actor, releases.release(ctx.session, release_id), release_id)


def get_locked(ctx: Context, *, actor: Actor, release_id: int) -> Release:
    """The same, locked for a change and with its expiry written down."""
    release = access.require_release(
        ctx, actor, releases.release(ctx.session, release_id, lock=True), release_id
    )
    settlement.settle(ctx, release)
    return release


def may_revoke(ctx: Context, actor: Actor, release: Release) -> bool:
    """Whether the actor may take the release back now (R12)."""
    return release.effective_state(ctx.clock()) in REVOCABLE_RELEASE_STATES and (
        access.is_involved(actor, release) or access.is_admin(ctx, actor)
    )


def revoke(ctx: Context, *, actor: Actor, release_id: int, reason: str = "") -> Release:
    """Take back what is not yet released: requester, reviewers, admins."""
    release = get_locked(ctx, actor=actor, release_id=release_id)
    if not access.is_involved(actor, release) and not access.is_admin(ctx, actor):
        raise NotAllowedError(
            f"{actor.name!r} may not revoke {release.subject}; its requester, its reviewers and admins may."
        )
    lifecycle.move(
        ctx, release, ReleaseState.REVOKED, actor=actor, reason=reason or f"Revoked by {actor.name}."
    )
    approvals.withdraw(ctx, "release", release.id, actor=actor)
    audit.record(
        ctx, actor=actor, tag=EventTag.RELEASE_REVOKED, subject=f"release:{release.id}", reason=reason
    )
    return release


def may_retry(ctx: Context, actor: Actor, release: Release) -> bool:
    """Whether the actor may start another attempt now."""
    return release.effective_state(ctx.clock()).can_be_retried and (
        actor.id == release.requested_by_id or access.is_admin(ctx, actor)
    )


def retry(ctx: Context, *, actor: Actor, release_id: int) -> Release:
    """
    Start another attempt with the same submissions against the target as it is now; it needs approval again.

    :raises InvalidTransitionError: the release is not failed, errored or stale
    :raises ConflictError: a submission was released, removed or superseded in the meantime
    """
    release = get_locked(ctx, actor=actor, release_id=release_id)
    if actor.id != release.requested_by_id and not access.is_admin(ctx, actor):
        raise NotAllowedError(
            f"{actor.name!r} may not retry {release.subject}; its requester and admins may."
        )
    if not release.state.can_be_retried:
        raise ConflictError(
            f"{release.subject} is {release.state.value!r}; only failed, errored and stale ones are retried."
        )
    chosen = _claimable(ctx, [item.submission_id for item in release.items])
    approvals.withdraw(ctx, "release", release.id, actor=actor)
    release.base_commit = ctx.store.ref(environment_ref(release.environment))
    release.changes = build_changes(ctx, chosen, release.base_commit)
    release.change_digest = change_digest(release.changes, target=release.environment, kind=release.kind)
    release.attempt += 1
    release.target_commit = None
    release.expires_at = None
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_RETRIED,
        subject=f"release:{release.id}",
        attempt=release.attempt,
        change_digest=release.change_digest,
    )
    _start(ctx, release, actor=actor)
    return release
