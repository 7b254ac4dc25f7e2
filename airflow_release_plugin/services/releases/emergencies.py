"""What broken glass asks of others: a second person who confirms it, and the review afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import EmergencyState
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
)
from airflow_release_plugin.models import Approval, Emergency, Release
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import emergencies as queries
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services.releases import break_glass, emergency_people, releases
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context

SHORTEST_REVIEW = 10


@dataclass(frozen=True)
class EmergencyDetail:
    """
    Broken glass as the actor sees it.

    :param may_confirm: whether the actor could be the second person
    :param may_review: whether the actor could say what came out of it
    """

    emergency: Emergency
    state: EmergencyState
    release: Release
    may_confirm: bool
    may_review: bool


def of_release(
    ctx: Context, release: Release, approval: Approval | None, *, actor: Actor
) -> tuple[EmergencyDetail, ...]:
    """Those of a release, oldest first; one query."""
    return tuple(
        _detail(ctx, row, release, approval, actor=actor)
        for row in queries.of_release(ctx.session, release.id)
    )


def waiting_for(ctx: Context, *, actor: Actor) -> list[EmergencyDetail]:
    """What the actor could confirm or review now, oldest first; a fixed number of queries."""
    rows = queries.open_ones(ctx.session, ctx.clock())
    if not rows:
        return []
    details = _details(ctx, rows, actor=actor)
    mine = [each for each in details if each.may_confirm or each.may_review]
    readable = ctx.airflow.access.readable(actor, access.both_ids(ctx, _dag_ids(mine)))
    return [e for e in mine if not readable.isdisjoint(access.both_ids(ctx, e.release.dag_ids))]


def list_emergencies(
    ctx: Context, *, actor: Actor, state: EmergencyState | None = None, limit: int = 100, offset: int = 0
) -> Page[EmergencyDetail]:
    """
    Those of releases that the actor may see: what waits for a review first, then for a second person.

    A fixed number of queries.
    """
    scope = access.release_scope(ctx, actor)
    page = queries.emergencies(ctx.session, scope, state, now=ctx.clock(), limit=limit, offset=offset)
    return page.of(_details(ctx, page.items, actor=actor))


def _details(ctx: Context, rows: Sequence[Emergency], *, actor: Actor) -> list[EmergencyDetail]:
    found = release_queries.with_items(ctx.session, {row.release_id for row in rows})
    asked = approval_queries.with_approvals(ctx.session, list(found))
    by_release = {release.id: approval for release, approval in asked}
    return [
        _detail(ctx, row, found[row.release_id], by_release.get(row.release_id), actor=actor) for row in rows
    ]


def _dag_ids(details: Iterable[EmergencyDetail]) -> list[str]:
    return [dag_id for each in details for dag_id in each.release.dag_ids]


def _detail(
    ctx: Context, row: Emergency, release: Release, approval: Approval | None, *, actor: Actor
) -> EmergencyDetail:
    state = row.state(ctx.clock())
    is_newest = approval is not None and approval.id == row.approval_id
    return EmergencyDetail(
        emergency=row,
        state=state,
        release=release,
        may_confirm=state is EmergencyState.ASKED
        and is_newest
        and actor.id not in row.people
        and break_glass.may_break_glass(ctx, actor, release, approval),
        may_review=state is EmergencyState.TO_REVIEW
        and emergency_people.may_review(ctx, actor, row, release, approval),
    )


def _require_to_review(ctx: Context, row: Emergency, release: Release) -> None:
    if row.state(ctx.clock()) is EmergencyState.TO_REVIEW:
        return
    if row.reviewed_at:
        raise ConflictError(
            "Nothing of %(release)s is to be reviewed: %(person)s has reviewed it.",
            release=release.subject,
            person=row.reviewed_by_name,
        )
    raise ConflictError(
        "Nothing of %(release)s is to be reviewed: its glass was not broken.", release=release.subject
    )


def review(ctx: Context, *, actor: Actor, release_id: int, emergency_id: int, comment: str) -> Emergency:
    """
    Say what came out of the look at a broken glass; it is not open any more then.

    :raises NotFoundError: the release has none of that id
    :raises ConflictError: the glass is not broken, or somebody has reviewed it
    :raises NotAllowedError: the actor did it, asked for the release, or is nobody whom the flow asks
    """
    # On SQLite too, whoever comes second reads what the first one has stored.
    approval_queries.begin_to_write(ctx.session)
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    row = queries.emergency(ctx.session, emergency_id)
    if row is None or row.release_id != release.id:
        raise NotFoundError(
            "%(release)s has no emergency %(number)s; its page lists those it has.",
            release=release.subject,
            number=emergency_id,
        )
    approval = approval_queries.latest_approval(ctx.session, "release", release.id)
    _require_to_review(ctx, row, release)
    if not emergency_people.may_review(ctx, actor, row, release, approval):
        raise NotAllowedError(
            "%(actor)r may not review the emergency of %(release)s: that is for people whom its "
            "flow asks, and admins, who neither broke the glass nor asked for the release.",
            actor=actor.name,
            release=release.subject,
        )
    access.require_code(ctx, actor, release.dag_ids)
    if len(comment.strip()) < SHORTEST_REVIEW:
        raise InvalidRequestError(
            "Say what came out of it, in at least %(least)s characters.",
            least=SHORTEST_REVIEW,
        )
    row.review, row.reviewed_at = comment.strip(), ctx.clock()
    row.reviewed_by_id, row.reviewed_by_name = actor.id, actor.name
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_GLASS_REVIEWED,
        subject=f"release:{release.id}",
        emergency=row.id,
        comment=row.review,
    )
    return row
