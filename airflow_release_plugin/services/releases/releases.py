"""Reading, revoking and running releases; see :mod:`.creation` for how one begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.release_filter import EVERY_RELEASE, ReleaseFilter
from airflow_release_plugin.domain.states import REVOCABLE_RELEASE_STATES, ReleaseState
from airflow_release_plugin.exceptions import NotAllowedError, NotFoundError, UnavailableError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories import release_lists, releases, submissions
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services.approvals import approvals
from airflow_release_plugin.services.releases import expiry, lifecycle, name_search
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context

ORDER_COLUMNS = tuple(release_lists.ORDER_COLUMNS)
"""What the list can be ordered by."""
BATCH = 500
"""Releases that a list without end fetches at once."""


def start_pipeline(ctx: Context, release: Release, *, actor: Actor, suffix: str = "") -> None:
    """
    Start the DAG run that works on the release's present attempt.

    Our own pipeline is unpaused; one of the users' is theirs, and the page says when it is paused.

    :raises UnavailableError: Airflow does not know the pipeline
    """
    try:
        run = ctx.airflow.serving.trigger(
            release.pipeline_dag_id,
            run_id=f"{release.number}__{release.attempt}{suffix}",
            conf={"release_id": release.id, "attempt": release.attempt},
            actor=actor,
            unpause=release.pipeline_dag_id == ctx.settings.pipeline_dag_id,
        )
    except NotFoundError as error:
        raise UnavailableError(
            "Airflow does not know the pipeline %(pipeline)r, so nothing would work on "
            "the release. Look at the import errors of its bundle, or name another pipeline in "
            "the flow.",
            pipeline=release.pipeline_dag_id,
        ) from error
    release.pipeline_run_id = run.run_id


def pipeline_state(ctx: Context, release: Release) -> str:
    """State of the run that works on the release, as Airflow names it; ``missing`` when there is none."""
    if release.pipeline_run_id is None:
        return "missing"
    found = ctx.airflow.serving.runs([(release.pipeline_dag_id, release.pipeline_run_id)])
    return found[0].state if found else "missing"


def list_releases(
    ctx: Context,
    *,
    actor: Actor,
    criteria: ReleaseFilter = EVERY_RELEASE,
    order_by: str = "-number",
    limit: int = 50,
    offset: int = 0,
) -> Page[Release]:
    """Releases that the actor may see; a fixed number of queries, whatever the number of rows."""
    return release_lists.list_releases(
        ctx.session,
        criteria,
        _scope(ctx, actor, criteria),
        now=ctx.clock(),
        order_by=order_by,
        limit=limit,
        offset=offset,
    )


def every_release(
    ctx: Context, *, actor: Actor, criteria: ReleaseFilter = EVERY_RELEASE, order_by: str = "-number"
) -> Iterator[Release]:
    """All rows of :func:`list_releases`, fetched page by page; a release that moves meanwhile comes once."""
    seen: set[int] = set()
    offset, fetched = 0, BATCH
    while fetched == BATCH:
        rows = list_releases(
            ctx, actor=actor, criteria=criteria, order_by=order_by, limit=BATCH, offset=offset
        ).items
        fresh = [row for row in rows if row.id not in seen]
        seen.update(row.id for row in fresh)
        yield from fresh
        offset, fetched = offset + BATCH, len(rows)


def _scope(ctx: Context, actor: Actor, criteria: ReleaseFilter) -> release_lists.ReleaseScope:
    scope = access.release_scope(ctx, actor)
    if criteria.dag_id:
        name = ctx.settings.target_id(criteria.dag_id)
        units = submissions.dag_ids_by_unit(ctx.session, ctx.settings.source)
        scope = replace(scope, of_units={unit for unit, dag_ids in units.items() if name in dag_ids})
    return name_search.searched(ctx, scope, criteria.search)


def get(ctx: Context, *, actor: Actor, release_id: int) -> Release:
    """A release that the actor may see."""
    return access.require_release(ctx, actor, releases.release(ctx.session, release_id), release_id)


def get_locked(ctx: Context, *, actor: Actor, release_id: int) -> Release:
    """The same, locked for a change and with its expiry written down."""
    release = access.require_release(
        ctx, actor, releases.release(ctx.session, release_id, lock=True), release_id
    )
    expiry.expire_if_due(ctx, release)
    return release


def discredit(ctx: Context, release: Release, *, actor: Actor, reason: str) -> None:
    """
    Stop a release of which nobody knows whether its check was one; what people agreed to counts no more.

    One that is in the target, or ended otherwise, is left alone.
    """
    if release.state.is_open:
        lifecycle.move(ctx, release, ReleaseState.ERRORED, actor=actor, reason=reason)
    if release.state is ReleaseState.ERRORED:
        approvals.withdraw(ctx, "release", release.id, actor=actor)


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
            "%(actor)r may not revoke %(release)s; its requester, its reviewers and admins may.",
            actor=actor.name,
            release=release.subject,
        )
    lifecycle.move(
        ctx,
        release,
        ReleaseState.REVOKED,
        actor=actor,
        reason=reason or Message("Revoked by %(actor)s.", actor=actor.name),
    )
    approvals.withdraw(ctx, "release", release.id, actor=actor)
    audit.record(
        ctx, actor=actor, tag=EventTag.RELEASE_REVOKED, subject=f"release:{release.id}", reason=reason
    )
    return release
