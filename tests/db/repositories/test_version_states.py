"""Many versions move at once: their rows, and the objects that stand for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.exceptions import InvalidTransitionError
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.repositories import version_states
from tests.harness.clock import FrozenClock
from tests.harness.context import World, make_world

Standing: TypeAlias = "list[tuple[SubmissionState, int, int | None]]"
Move: TypeAlias = Callable[[Session, Sequence[Submission]], None]
MOVES: dict[str, Move] = {
    "removed": lambda session, rows: version_states.move_all(session, rows, SubmissionState.REMOVED),
    "superseded": lambda session, rows: version_states.move_all(session, rows, SubmissionState.SUPERSEDED),
    "handed": lambda session, rows: version_states.hand_all(
        session, rows, SubmissionState.IN_RELEASE, release_id=session.scalar(select(Release.id))
    ),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def db_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(session: Session, tmp_path: Path, clock: FrozenClock) -> World:
    made = make_world(session, tmp_path / "source", clock)
    made.request(made.submit(made.dag("first")))
    return made


def submitted(world: World, number: int) -> list[Submission]:
    return [world.submit(world.dag(f"dag_{at}")) for at in range(number)]


def stored(session: Session, rows: Sequence[Submission]) -> Standing:
    columns = select(Submission.state, Submission.row_version, Submission.release_id)
    query = columns.where(Submission.id.in_([row.id for row in rows])).order_by(Submission.id)
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def held(rows: Sequence[Submission]) -> Standing:
    return [(row.state, row.row_version, row.release_id) for row in rows]


@pytest.mark.parametrize("number", [0, 1, 7])
@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_objects_go_back_with_their_rows_when_a_savepoint_is_rolled_back(
    world: World, number: int, move: Move
) -> None:
    session, rows = world.ctx.session, submitted(world, number)
    before = held(rows)
    savepoint = session.begin_nested()
    move(session, rows)
    assert held(rows) == stored(session, rows)

    savepoint.rollback()

    assert held(rows) == stored(session, rows) == before
    move(session, rows)
    assert held(rows) == stored(session, rows)


def test_nothing_moves_where_one_of_them_may_not(world: World) -> None:
    session, rows = world.ctx.session, submitted(world, 3)
    version_states.move_all(session, rows[1:2], SubmissionState.REMOVED)
    version_states.hand_all(session, rows[1:2], SubmissionState.IN_RELEASE, release_id=None)
    version_states.move_all(session, rows[1:2], SubmissionState.RELEASED)
    before = held(rows)

    with pytest.raises(InvalidTransitionError):
        version_states.move_all(session, rows, SubmissionState.REMOVED)

    assert held(rows) == stored(session, rows) == before


@pytest.mark.parametrize("late", [0, 1, 2])
def test_one_that_somebody_else_moved_in_between_stops_all(world: World, late: int) -> None:
    session, rows = world.ctx.session, submitted(world, 3)
    version_states.move_all(session, rows[:1], SubmissionState.REMOVED)
    version_states.move_all(session, rows[:1], SubmissionState.PENDING)
    query = update(Submission).where(Submission.id == rows[late].id).values(row_version=9)
    session.execute(query.execution_options(synchronize_session=False))
    savepoint = session.begin_nested()

    with pytest.raises(StaleDataError):
        version_states.move_all(session, rows, SubmissionState.REMOVED)

    savepoint.rollback()
    assert [state for state, _, _ in stored(session, rows)] == [SubmissionState.PENDING] * 3
    assert [row.state for row in rows] == [SubmissionState.PENDING] * 3
