"""
Lists of an installation that has released for years: 100,000 releases, 300,000 versions, 1,000,000 events.

``python -m benchmarks lists``. Milliseconds of the use cases on PostgreSQL, server and database together, as
an admin and as a person who may read one DAG in forty: the median, and what nineteen of twenty stay below.
Beside them the list of DAG runs of Airflow's own API with as many rows.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from sqlalchemy.orm import Session

ROUNDS = 20


def run() -> dict[str, float]:
    """Fill a database and look at its lists."""
    from airflow_release_plugin.models import metadata
    from benchmarks.dag_runs_of_airflow import list_dag_runs
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
        with list_dag_runs(server.create_database("airflow")) as looks:
            for what, look in looks.items():
                found |= _figures(f"Airflow: {what}", _seconds(look))
    finally:
        server.stop()
    for what, milliseconds in found.items():
        print(f"{what:<70} {milliseconds:>7.0f}")
    return found


def _measure(session: Session, folder: Path) -> dict[str, float]:
    from benchmarks.list_looks import PERSON, looks, with_rights
    from benchmarks.waiting_work import fill_inboxes
    from tests.harness.context import ADMIN, make_world

    world = make_world(session, folder / "source", lambda: datetime.now(timezone.utc))
    fill_inboxes(world, releases=20, gates=30)
    ctx = with_rights(world.ctx)

    def fresh(look: Callable[[], object]) -> Callable[[], object]:
        return lambda: (session.expunge_all(), look())

    found = {}
    for actor, name in ((ADMIN, "an admin"), (PERSON, "a person")):
        for what, look in looks(ctx, actor).items():
            found |= _figures(f"{what}, {name}", _seconds(fresh(look)))
    return found


def _seconds(look: Callable[[], object]) -> list[float]:
    seconds = []
    for _ in range(1 + ROUNDS):
        begun = time.perf_counter()
        look()
        seconds.append(time.perf_counter() - begun)
    return seconds[1:]


def _figures(what: str, seconds: Collection[float]) -> dict[str, float]:
    nineteen_of_twenty = sorted(seconds)[-1 - len(seconds) // 20]
    return {f"{what} (ms)": 1000 * median(seconds), f"{what}, p95 (ms)": 1000 * nineteen_of_twenty}
