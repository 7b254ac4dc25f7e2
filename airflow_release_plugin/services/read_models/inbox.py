"""What waits for somebody: releases, gates and imports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor, ActorKind
from airflow_release_plugin.domain.release.trials import Trial
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.services.read_models import import_page
from airflow_release_plugin.services.releases import decisions, emergencies
from airflow_release_plugin.services.releases.decisions import InboxItem
from airflow_release_plugin.services.releases.emergencies import EmergencyDetail
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import dev_trials


@dataclass(frozen=True)
class InboxDetail:
    """
    What waits for the actor.

    :param items: releases and gates, the soonest to expire first
    :param emergencies: broken glass that the actor could confirm or review, the oldest first
    :param imports: those that nobody has applied or discarded, the oldest first, with state and findings
    """

    items: tuple[InboxItem, ...]
    imports: tuple[import_page.ImportSummary, ...]
    emergencies: tuple[EmergencyDetail, ...]

    def __len__(self) -> int:
        return len(self.items) + len(self.imports) + len(self.emergencies)


@dataclass(frozen=True)
class InboxPageDetail:
    """
    What the page of the inbox shows.

    :param trials: by id of the release, one for each of its DAGs that a dev run here can have tried
    """

    inbox: InboxDetail
    trials: Mapping[int, tuple[Trial, ...]]


@dataclass(frozen=True)
class ActorDetail:
    """
    The actor, and what they may do.

    :param waiting: number of releases and gates that wait for their decision
    """

    actor: Actor
    is_admin: bool
    may_approve: bool
    waiting: int


def get_inbox(ctx: Context, *, actor: Actor) -> InboxDetail:
    """What waits for the actor now; a fixed number of queries."""
    return InboxDetail(
        items=tuple(decisions.inbox(ctx, actor=actor)),
        imports=tuple(import_page.summary(row) for row in import_page.waiting(ctx, actor=actor)),
        emergencies=tuple(emergencies.waiting_for(ctx, actor=actor)),
    )


def get_inbox_page(ctx: Context, *, actor: Actor) -> InboxPageDetail:
    """The same, and whether dev has tried what waits; a fixed number of queries."""
    found = get_inbox(ctx, actor=actor)
    ids = {item.subject_id for item in found.items if item.subject == "release"}
    waiting = release_queries.with_items(ctx.session, ids)
    versions = {each: [item.submission for item in row.items] for each, row in waiting.items()}
    tried = dev_trials.tried(ctx, [version for rows in versions.values() for version in rows])
    return InboxPageDetail(
        found,
        {each: tuple(t for row in rows for t in tried.get(row.id, ())) for each, rows in versions.items()},
    )


def count_waiting(ctx: Context, *, actor: Actor) -> int:
    """How many things :func:`get_inbox` finds."""
    return (
        decisions.count_inbox(ctx, actor=actor)
        + import_page.count_waiting(ctx, actor=actor)
        + len(emergencies.waiting_for(ctx, actor=actor))
    )


def get_actor(ctx: Context, *, actor: Actor) -> ActorDetail:
    """Who the actor is to this product."""
    return ActorDetail(
        actor=actor,
        is_admin=access.is_admin(ctx, actor),
        may_approve=actor.kind is ActorKind.USER and actor.has_any_role(ctx.settings.default_flow_roles),
        waiting=decisions.count_inbox(ctx, actor=actor),
    )
