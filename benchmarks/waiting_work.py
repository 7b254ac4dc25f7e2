# ruff: noqa: S608 - the statements are made of names of columns and of numbers that stand here
"""Hundreds of releases and gates that wait, made by copying one of each in a database that is filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from airflow_release_plugin.models import Approval, Gate, Release, ReleaseItem
from airflow_release_plugin.repositories.id_sets import is_postgresql

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tests.harness.context import World

RELEASES, GATES = 500, 1_000


def fill_inboxes(
    world: World, *, name: str = "waiting_47", releases: int = RELEASES, gates: int = GATES
) -> list[Gate]:
    """Let so many wait for everybody who may decide; all gates."""
    session = world.ctx.session
    submission = world.submit(world.dag(name))
    release = world.report(world.request(submission, reviewers=("admin",)))
    gate = world.gate(name)
    session.flush()
    _copy(session, Release, release.id, releases - 1, number="'W-' || (:last + n)")
    _copy(session, Gate, gate.id, gates - 1, run_id="run_id || '_' || n")
    (item,) = release.items
    _copy(session, ReleaseItem, item.id, releases - 1, release_id="release_id + n")
    for kind, first, count in (("release", release.id, releases), ("gate", gate.id, gates)):
        approval = session.query(Approval).filter_by(subject_type=kind, subject_id=first).one()
        _copy(session, Approval, approval.id, count - 1, subject_id="subject_id + n")
    session.expire_all()
    return session.query(Gate).filter_by(dag_id=name).all()


def _copy(session: Session, model: type, first: int, count: int, **changed: str) -> None:
    """Copies of a row with the ids behind those of all."""
    table = model.__table__  # type: ignore[attr-defined]
    last = session.scalar(text(f"SELECT max(id) FROM {table.name}"))
    values = {column.name: f'"{column.name}"' for column in table.columns} | changed | {"id": ":last + n"}
    names = ", ".join(f'"{name}"' for name in values)
    numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)"
    session.execute(
        text(
            f"INSERT INTO {table.name} ({names}) {numbers} SELECT {', '.join(values.values())} "
            f"FROM {table.name} CROSS JOIN numbers WHERE id = :first"
        ),
        {"first": first, "count": count, "last": last},
    )
    if is_postgresql(session):
        behind = (
            f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), (SELECT max(id) FROM {table.name}))"
        )
        session.execute(text(behind))
