"""
Lists of an installation that has released for years: 100,000 releases, 300,000 versions, 1,000,000 events.

``python -m benchmarks lists``. Milliseconds of the use cases on PostgreSQL, the median of nine after a first
one, as an admin and as a person who may read one DAG in forty.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from airflow_release_plugin.domain.identity import Actor
    from airflow_release_plugin.services.runtime.context import Context

ROUNDS = 9


def run() -> dict[str, float]:
    """Fill a database and look at its lists."""
    from airflow_release_plugin.models import metadata
    from benchmarks.filled_database import fill
    from tests.harness.databases import connect
    from tests.harness.postgres import PostgresServer, find_programs

    programs = find_programs()
    assert programs is not None, "PostgreSQL is missing; install its server package (Debian: postgresql)"
    server = PostgresServer(programs)
    try:
        server.start()
        engine = connect(server.create_database("filled"))
        metadata.create_all(engine)
        fill(engine)
        with tempfile.TemporaryDirectory() as folder, Session(engine) as session:
            found = _measure(session, Path(folder))
        engine.dispose()
    finally:
        server.stop()
    for what, milliseconds in found.items():
        print(f"{what:<60} {milliseconds:>7.0f}")
    return found


def _measure(session: Session, folder: Path) -> dict[str, float]:
    from airflow_release_plugin.domain.identity import Actor
    from tests.harness.context import ADMIN, make_world

    world = make_world(session, folder / "source", lambda: datetime.now(timezone.utc))
    person = Actor("9", "ann", frozenset({"user"}))
    access = _Rights(world.ctx.airflow.access, person)
    ctx = replace(world.ctx, airflow=replace(world.ctx.airflow, access=access))
    return {
        f"{what}, {'an admin' if actor is ADMIN else 'a person'} (ms)": _median(session, look)
        for actor in (ADMIN, person)
        for what, look in _lists(ctx, actor).items()
    }


def _lists(ctx: Context, actor: Actor) -> dict[str, Callable[[], object]]:
    from airflow_release_plugin.domain.insights.period import OFFERED_DAYS, last_days
    from airflow_release_plugin.domain.insights.question import InsightQuestion
    from airflow_release_plugin.domain.release.release_filter import ReleaseFilter
    from airflow_release_plugin.services.insights import insights
    from airflow_release_plugin.services.promotion import records
    from airflow_release_plugin.services.read_models import quick_search
    from airflow_release_plugin.services.releases import releases

    found = partial(releases.list_releases, ctx, actor=actor)
    newest = (found(order_by="-released_at", limit=1).items[0].released_at or ctx.clock()).date()
    versions = partial(records.list_records, ctx, actor=actor)
    ends = {
        "releases": found().total_entries - 1,
        "versions": versions().total_entries - 1,
    }
    return {
        "releases, first page": found,
        "releases, last page": partial(found, offset=ends["releases"]),
        "releases, search": partial(found, criteria=ReleaseFilter(search="forecast 77")),
        "releases, mistyped search": partial(found, criteria=ReleaseFilter(search="forcast")),
        "search box, a number": partial(quick_search.find, ctx, actor=actor, text="R-77"),
        "search box, a DAG": partial(quick_search.find, ctx, actor=actor, text="dag_47"),
        "search box, nothing named so": partial(quick_search.find, ctx, actor=actor, text="zzz"),
        "releases of somebody": partial(found, criteria=ReleaseFilter(requested_by="user_5")),
        "releases of a DAG": partial(found, criteria=ReleaseFilter(dag_id="dag_47")),
        **{
            f"insights of {days} days": partial(
                insights.get_insights, ctx, actor=actor, question=InsightQuestion(last_days(days, newest))
            )
            for days in OFFERED_DAYS
        },
        "records, first page": versions,
        "records, last page": partial(versions, offset=ends["versions"]),
        "records, search": partial(versions, search="dag_47"),
    }


class _Rights:
    """Lets one person read the DAGs of one team, and everybody else all."""

    def __init__(self, real: object, person: Actor) -> None:
        self._real = real
        self._person = person

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def readable(self, actor: Actor, dag_ids: Collection[str]) -> frozenset[str]:
        from benchmarks.filled_database import READABLE_EVERY

        if actor != self._person:
            return frozenset(dag_ids)
        return frozenset(name for name in dag_ids if int(name.rpartition("_")[2]) % READABLE_EVERY == 7)


def _median(session: Session, look: Callable[[], object]) -> float:
    seconds = []
    for _ in range(1 + ROUNDS):
        session.expunge_all()
        begun = time.perf_counter()
        look()
        seconds.append(time.perf_counter() - begun)
    return 1000 * statistics.median(seconds[1:])
