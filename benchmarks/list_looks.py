"""What people look at in a filled database, as use cases by name; for the benchmark and tests of growth."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_release_plugin.domain.identity import Actor

if TYPE_CHECKING:
    from airflow_release_plugin.services.runtime.context import Context

PERSON = Actor("9", "ann", frozenset({"user"}))
"""Somebody who may read one DAG in forty."""


def looks(ctx: Context, actor: Actor) -> dict[str, Callable[[], object]]:
    """Every list, search, filter and page, for a database that :mod:`.filled_database` filled."""
    return {**_releases(ctx, actor), **_records(ctx, actor), **_insights(ctx, actor), **_pages(ctx, actor)}


def _releases(ctx: Context, actor: Actor) -> dict[str, Callable[[], object]]:
    from airflow_release_plugin.domain.kinds import ReleaseKind
    from airflow_release_plugin.domain.release.release_filter import ReleaseFilter
    from airflow_release_plugin.domain.states import ReleaseState
    from airflow_release_plugin.services.releases import releases

    found = partial(releases.list_releases, ctx, actor=actor)

    def by(**fields: Any) -> Callable[[], object]:
        return partial(found, criteria=ReleaseFilter(**fields))

    return {
        "releases, first page": found,
        "releases, last page": partial(found, offset=found().total_entries - 1),
        "releases, oldest first": partial(found, order_by="number"),
        "releases, by title": partial(found, order_by="title"),
        "releases, search": by(search="forecast 77"),
        "releases, search that finds many": by(search="nightly"),
        "releases, mistyped search": by(search="forcast"),
        "releases, search that finds nothing": by(search="zzzzzzzz"),
        "releases, waiting": by(state=ReleaseState.AWAITING_APPROVAL),
        "releases, expired": by(state=ReleaseState.EXPIRED),
        "releases, released": by(state=ReleaseState.RELEASED),
        "releases, rollbacks": by(kind=ReleaseKind.ROLLBACK),
        "releases of somebody": by(requested_by="user_5"),
        "releases of a DAG": by(dag_id="dag_47"),
    }


def _records(ctx: Context, actor: Actor) -> dict[str, Callable[[], object]]:
    from airflow_release_plugin.domain.release.records import VersionPlace
    from airflow_release_plugin.services.promotion import records
    from airflow_release_plugin.services.read_models import dag_history

    versions = partial(records.list_records, ctx, actor=actor)
    return {
        "records, first page": versions,
        "records, last page": partial(versions, offset=versions().total_entries - 1),
        "records, by name": partial(versions, order_by="name"),
        "records, by release": partial(versions, order_by="-released_at"),
        "records, search": partial(versions, search="dag_47"),
        "records, search that finds nothing": partial(versions, search="zzz"),
        "records of somebody": partial(versions, submitter="user_5"),
        **{f"records, {place.value}": partial(versions, place=place) for place in VersionPlace},
        "records of a DAG": partial(dag_history.get_history, ctx, actor=actor, dag_id="dag_47"),
    }


def _insights(ctx: Context, actor: Actor) -> dict[str, Callable[[], object]]:
    from airflow_release_plugin.domain.insights.period import OFFERED_DAYS, last_days
    from airflow_release_plugin.domain.insights.question import InsightQuestion
    from airflow_release_plugin.services.insights import insights
    from airflow_release_plugin.services.releases import releases

    last = releases.list_releases(ctx, actor=actor, order_by="-released_at", limit=1).items
    newest = ((last[0].released_at if last else None) or ctx.clock()).date()
    return {
        f"insights of {days} days": partial(
            insights.get_insights, ctx, actor=actor, question=InsightQuestion(last_days(days, newest))
        )
        for days in OFFERED_DAYS
    }


def _pages(ctx: Context, actor: Actor) -> dict[str, Callable[[], object]]:
    from airflow_release_plugin.services.approvals import gates
    from airflow_release_plugin.services.read_models import (
        environment_page,
        home,
        inbox,
        page_frame,
        quick_search,
        release_page,
    )
    from airflow_release_plugin.services.releases import releases

    find = partial(quick_search.find, ctx, actor=actor)
    some = releases.list_releases(ctx, actor=actor, order_by="number", limit=1).items[0]
    return {
        "Ctrl+K, a number": partial(find, text="R-77"),
        "Ctrl+K, a DAG": partial(find, text="dag_47"),
        "Ctrl+K, nothing named so": partial(find, text="zzz"),
        "Home": partial(home.get_home, ctx, actor=actor),
        "inbox": partial(inbox.get_inbox_page, ctx, actor=actor),
        "frame of each page": partial(page_frame.get_frame, ctx, actor=actor),
        "environment": partial(environment_page.get_environment, ctx, actor=actor),
        "gates": partial(gates.list_gates, ctx, actor=actor),
        "events of a release": partial(release_page.get_events, ctx, actor=actor, release_id=some.id),
    }


class _Rights:
    """Lets one person read the DAGs of one team, and everybody else all."""

    def __init__(self, real: object) -> None:
        self._real = real

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def readable(self, actor: Actor, dag_ids: Collection[str]) -> frozenset[str]:
        from benchmarks.filled_database import READABLE_EVERY

        if actor != PERSON:
            return frozenset(dag_ids)
        numbers = ((name, name.rpartition("_")[2]) for name in dag_ids)
        return frozenset(
            name for name, number in numbers if number.isdecimal() and int(number) % READABLE_EVERY == 7
        )


def with_rights(ctx: Context) -> Context:
    """The context in which :data:`PERSON` may read some DAGs only."""
    access: Any = _Rights(ctx.airflow.access)
    return replace(ctx, airflow=replace(ctx.airflow, access=access))
