"""Deputies: for a time, somebody may decide in somebody else's place (R39)."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor, ActorKind, Person
from airflow_release_plugin.exceptions import InvalidRequestError, NotAllowedError, NotFoundError
from airflow_release_plugin.models import Deputy
from airflow_release_plugin.models.base import stamp
from airflow_release_plugin.repositories import flows as queries
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context

LONGEST = timedelta(days=366)


def list_deputies(ctx: Context, *, actor: Actor) -> list[Deputy]:
    """All of them for admins; for others those that name them."""
    rows = queries.deputies(ctx.session)
    if access.is_admin(ctx, actor):
        return rows
    return [row for row in rows if actor.id in {row.person_id, row.deputy_id}]


def name_deputy(
    ctx: Context, *, actor: Actor, person: str, deputy: str, starts_at: datetime, ends_at: datetime
) -> Deputy:
    """
    Let ``deputy`` decide in the place of ``person`` for a time.

    People name their own; admins may for anybody, but nobody makes themselves one.

    :param person: id or login name of whose place is taken
    :param deputy: id or login name of who takes it
    :raises NotAllowedError: it is somebody else's place and the actor is no admin, or the actor is the deputy
    """
    by_key = access.people_by_key(ctx.airflow.access.people())
    missing = [name for name in (person, deputy) if name not in by_key]
    if missing:
        raise InvalidRequestError("The auth manager knows nobody named %(missing)s.", missing=list(missing))
    whose, who = by_key[person], by_key[deputy]
    _require_may_name(ctx, actor, whose, who)
    if not timedelta(0) < ends_at - starts_at <= LONGEST or ends_at <= ctx.clock():
        raise InvalidRequestError("A deputy's time ends in the future, after it starts, and within a year.")
    row = Deputy(
        person_id=whose.id,
        person_name=whose.name,
        deputy_id=who.id,
        deputy_name=who.name,
        starts_at=starts_at,
        ends_at=ends_at,
        **stamp(actor, "made"),
    )
    ctx.session.add(row)
    # The id names the row in the trail.
    ctx.session.flush()
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.DEPUTY_NAMED,
        subject=f"deputy:{row.id}",
        person=whose.name,
        deputy=who.name,
        starts_at=starts_at.isoformat(),
        ends_at=ends_at.isoformat(),
    )
    return row


def _require_may_name(ctx: Context, actor: Actor, whose: Person, who: Person) -> None:
    if actor.kind is not ActorKind.USER or (actor.id != whose.id and not access.is_admin(ctx, actor)):
        raise NotAllowedError(
            "%(actor)r may not name a deputy for %(whose)r; only they and admins may.",
            actor=actor.name,
            whose=whose.name,
        )
    if actor.id == who.id:
        raise NotAllowedError(
            "%(actor)r may not make themselves a deputy; %(whose)r has to name one.",
            actor=actor.name,
            whose=whose.name,
        )
    if not ctx.settings.service_users.isdisjoint({who.name, whose.name}):
        raise InvalidRequestError(
            "%(who)r cannot be the deputy of %(whose)r; service users neither decide nor are stood in for.",
            who=who.name,
            whose=whose.name,
        )


def end_deputy(ctx: Context, *, actor: Actor, deputy_id: int) -> None:
    """End a deputy's time now; whoever may name one may end it, and the deputy may too."""
    row = queries.deputy(ctx.session, deputy_id)
    if row is None:
        raise NotFoundError(
            "There is no deputy entry %(deputy_id)s; it may have been ended already.", deputy_id=deputy_id
        )
    if actor.id not in {row.person_id, row.deputy_id} and not access.is_admin(ctx, actor):
        raise NotAllowedError(
            "%(actor)r may not end the time of %(deputy_name)r as deputy.",
            actor=actor.name,
            deputy_name=row.deputy_name,
        )
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.DEPUTY_ENDED,
        subject=f"deputy:{row.id}",
        person=row.person_name,
        deputy=row.deputy_name,
    )
    ctx.session.delete(row)
