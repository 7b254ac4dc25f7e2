"""Lists of an installation that has released for years, beside Airflow's list of runs with as many rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from airflow_release_plugin.domain.release.records import VersionPlace
from benchmarks.dag_runs_of_airflow import list_dag_runs
from benchmarks.filled_database import fill
from benchmarks.frame.bench import Bench
from benchmarks.frame.rows import Goal, Row, RowGroup, Unit
from benchmarks.frame.samples import living_seconds, taken
from benchmarks.frame.stages import database, postgres, scratch

if TYPE_CHECKING:
    from airflow_release_plugin.domain.identity import Actor

RELEASES = 100_000
_FIRST, _LAST, _SEARCH = "DAG runs, first page", "DAG runs, last page", "DAG runs, search"
_FAILED = "DAG runs, failed"
_LOOKS = {
    "releases, first page": _FIRST,
    "releases, last page": _LAST,
    "releases, oldest first": _FIRST,
    "releases, by title": _FIRST,
    "releases, search": _SEARCH,
    "releases, search that finds many": _SEARCH,
    "releases, mistyped search": _SEARCH,
    "releases, search that finds nothing": _SEARCH,
    "releases, waiting": _FAILED,
    "releases, expired": _FAILED,
    "releases, released": _FAILED,
    "releases, rollbacks": _FAILED,
    "releases of somebody": _FAILED,
    "releases of a DAG": _FAILED,
    "records, first page": _FIRST,
    "records, last page": _LAST,
    "records, by name": _FIRST,
    "records, by release": _FIRST,
    "records, search": _SEARCH,
    "records, search that finds nothing": _SEARCH,
    "records of somebody": _FAILED,
    **{f"records, {place.value}": _FAILED for place in VersionPlace},
    "records of a DAG": _FAILED,
    "insights of 7 days": "",
    "insights of 30 days": "",
    "insights of 90 days": "",
    "insights of 365 days": "",
    "Ctrl+K, a number": _SEARCH,
    "Ctrl+K, a DAG": _SEARCH,
    "Ctrl+K, nothing named so": _SEARCH,
    "Home": _FIRST,
    "inbox": _FIRST,
    "frame of each page": "",
    "environment": _FIRST,
    "gates": _FIRST,
    "events of a release": "",
}
"""What of Airflow each stands beside."""
_WHO = ("an admin", "a person")


def _name(look: str, who: str) -> str:
    return f"{look.replace(', ', ': ')} ({who})"


def _row(look: str, who: str) -> Row:
    peer = _LOOKS[look]
    return Row(
        _name(look, who),
        Goal(ratio=1 if peer else None, at_most=0.1),
        RELEASES,
        peer=f"Airflow's {peer.replace(', ', ': ')}" if peer else "",
        unit=Unit.WALL,
        rounds=20,
        quantile=0.95,
        note=""
        if who == "an admin"
        else "A person who may read one DAG in forty; Airflow is asked as an admin.",
    )


ROWS = tuple(_row(look, who) for who in _WHO for look in _LOOKS)


def measure(bench: Bench) -> None:
    """Look at ours and at Airflow's in turn, each in a database of its own on one server."""
    if not bench.wants(*ROWS):
        return
    with (
        scratch("lists") as folder,
        postgres() as server,
        database(server.create_database("filled")) as engine,
        list_dag_runs(server.create_database("airflow")) as peers,
        Session(engine) as session,
    ):
        from benchmarks.list_looks import PERSON, looks, with_rights
        from benchmarks.waiting_work import fill_inboxes
        from tests.harness.context import ADMIN, make_world

        fill(engine)
        world = make_world(session, folder / "source", lambda: datetime.now(timezone.utc))
        fill_inboxes(world, releases=20, gates=30)
        ctx = with_rights(world.ctx)
        actors: dict[str, Actor] = dict(zip(_WHO, (ADMIN, PERSON), strict=True))
        for who, actor in actors.items():
            ours = looks(ctx, actor)
            _require_rows(ours)
            for look, action in ours.items():
                _measure(bench, session, _row(look, who), action, peers.get(_LOOKS[look]))


def _require_rows(ours: dict[str, Callable[[], object]]) -> None:
    if missing := ours.keys() ^ _LOOKS.keys():
        raise LookupError(f"benchmarks/groups/lists.py and list_looks.py differ in {sorted(missing)}")


def _measure(
    bench: Bench,
    session: Session,
    row: Row,
    ours: Callable[[], object],
    peer: Callable[[], object] | None,
) -> None:
    contestants = {"ours": lambda: taken(ours, others=living_seconds)}
    if peer is not None:
        contestants["peer"] = lambda: taken(peer, others=living_seconds)
    bench.alternate(row, prepare=session.expunge_all, **contestants)


GROUP = RowGroup(
    "lists",
    f"lists with {RELEASES:,} releases, {3 * RELEASES:,} versions and {10 * RELEASES:,} events, PostgreSQL",
    ROWS,
    measure,
    minutes=12,
)
