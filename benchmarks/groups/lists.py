"""
Lists of an installation that has released for years, beside Airflow's list of runs with as many rows.

What is looked at, and the database that it is looked at in, are in ``bench_lists`` and ``filled_database``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from benchmarks import bench_lists
from benchmarks.frame.bench import Bench
from benchmarks.frame.rows import Goal, Row, RowGroup, Unit
from benchmarks.frame.samples import Sample, timed
from benchmarks.frame.stages import postgres

if TYPE_CHECKING:
    from sqlalchemy import Engine

RELEASES = 100_000
_DAGS = 2_000
_PEER = "Airflow's list of DAG runs, "
_PEERS = {
    "first page": "order_by=-run_after",
    "last page": f"order_by=-run_after&offset={RELEASES - 50}",
    "search": "run_id_pattern=%25run_77777%25",
}
"""What is asked of Airflow, by what is looked at."""
_LOOKS = {
    "releases, first page": "first page",
    "releases, last page": "last page",
    "releases, search": "search",
    "releases, mistyped search": "search",
    "search box, a number": "search",
    "search box, a DAG": "search",
    "search box, nothing named so": "search",
    "releases of somebody": "search",
    "releases of a DAG": "search",
    "insights of 7 days": "",
    "insights of 30 days": "",
    "insights of 90 days": "",
    "insights of 365 days": "",
    "records, first page": "first page",
    "records, last page": "last page",
    "records, search": "search",
}
"""What of Airflow each stands beside."""
_WHO = ("an admin", "a person")


def _name(look: str, who: str) -> str:
    return f"{look.replace(', ', ': ')} ({who})"


def _row(look: str, peer: str, who: str) -> Row:
    return Row(
        _name(look, who),
        Goal(ratio=1 if peer else None, at_most=0.1),
        RELEASES,
        peer=_PEER + peer if peer else "",
        unit=Unit.WALL,
        note=""
        if who == "an admin"
        else "A person who may read one DAG in forty; Airflow is asked as an admin.",
    )


_LOOKED_AT = {_name(look, who): (look, who) for who in _WHO for look in _LOOKS}
ROWS = tuple(_row(look, peer, who) for who in _WHO for look, peer in _LOOKS.items())


def measure(bench: Bench) -> None:
    """Airflow's list, then ours: the two databases are too large to be looked at in turn."""
    if not bench.wants(*ROWS):
        return
    rounds = bench.rounds(ROWS[0])
    with airflow_runs() as ask:
        peers = {
            name: [timed(lambda query=query: ask(query))() for _ in range(rounds)]
            for name, query in _PEERS.items()
        }
    found = bench_lists.run()
    looks = {tuple(what.removesuffix(" (ms)").rpartition(", ")[::2]): value for what, value in found.items()}
    for row in ROWS:
        milliseconds = looks.pop(_LOOKED_AT[row.name])
        peer = _LOOKS[_LOOKED_AT[row.name][0]]
        ours = {"ours": [Sample(wall=milliseconds / 1000)] * rounds}
        bench.note(row, {**ours, "peer": peers[peer]} if peer else ours)
    if looks:
        raise LookupError(
            f"No rows in benchmarks/groups/lists.py: {', '.join(sorted({look for look, _ in looks}))}"
        )


@contextmanager
def airflow_runs() -> Iterator[Callable[[str], None]]:
    """Asks Airflow's API for runs, of which PostgreSQL has as many as there are releases."""
    from tests.harness.airflow_home import migrate
    from tests.harness.databases import airflow_uses, connect

    with postgres() as server:
        url = server.create_database("airflow")
        migrate(url)
        engine = connect(url)
        _fill(engine)
        with airflow_uses(engine):
            yield _client()
        engine.dispose()


def _client() -> Callable[[str], None]:
    from airflow.api_fastapi.app import create_app
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    app = create_app(apps="core")
    token = app.state.auth_manager.generate_jwt(SimpleAuthManagerUser(username="admin", role="ADMIN"))
    client = TestClient(app, headers={"Authorization": f"Bearer {token}"})

    def ask(query: str) -> None:
        answer = client.get(f"/api/v2/dags/~/dagRuns?limit=50&{query}")
        answer.raise_for_status()
        assert answer.json()["dag_runs"], query

    return ask


def _fill(engine: Engine) -> None:
    """DAGs, and runs of them over years; Airflow's own defaults fill what is not said."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from sqlalchemy import insert, text
    from sqlalchemy.orm import Session

    with Session(engine) as session:
        session.add(DagBundleModel(name="dags"))
        session.flush()
        session.add_all(DagModel(dag_id=f"dag_{n}", bundle_name="dags") for n in range(_DAGS))
        session.flush()
        session.execute(insert(DagRun), [_run(n) for n in range(RELEASES)])
        session.commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _run(number: int) -> dict[str, object]:
    moment = datetime(2024, 1, 1, tzinfo=timezone.utc) + number * timedelta(minutes=13)
    moments = dict.fromkeys(("run_after", "logical_date", "queued_at", "start_date", "end_date"), moment)
    told = {"dag_id": f"dag_{number % _DAGS}", "run_id": f"run_{number}", "run_type": "scheduled"}
    return {**told, **moments, "state": "success", "span_status": "not_started", "log_template_id": None}


GROUP = RowGroup(
    "lists",
    f"lists with {RELEASES:,} releases, {3 * RELEASES:,} versions and {10 * RELEASES:,} events, PostgreSQL",
    ROWS,
    measure,
    minutes=10,
)
