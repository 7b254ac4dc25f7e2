"""Moves of many versions at once: one statement for each would cost more than all else of a promotion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from airflow_release_plugin.domain.states import SubmissionState, checked_move
from airflow_release_plugin.models import Submission
from airflow_release_plugin.repositories.id_sets import is_one_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def move_all(session: Session, rows: Iterable[Submission], to: SubmissionState) -> None:
    """Move versions to another state; see :func:`hand_all`."""
    _move(session, list(rows), to, {})


def hand_all(
    session: Session, rows: Iterable[Submission], to: SubmissionState, release_id: int | None
) -> None:
    """
    Move versions to another state, and say which release has them.

    There is a statement for each number of earlier changes, and few of those.

    :raises InvalidTransitionError: the state of one of them does not allow that; nothing is moved
    :raises StaleDataError: somebody else has changed one of them since it was read
    """
    _move(session, list(rows), to, {"release_id": release_id})


def _move(
    session: Session, rows: list[Submission], to: SubmissionState, values: dict[str, int | None]
) -> None:
    for row in rows:
        checked_move(row.subject, row.state, to)
    session.flush()  # else what has changed of them would be written with the version that is gone then
    by_version: dict[int, list[Submission]] = defaultdict(list)
    for row in rows:
        by_version[row.row_version].append(row)
    for known, same in by_version.items():
        among = is_one_of(session, Submission.id, [row.id for row in same])
        query = update(Submission).where(among, Submission.row_version == known)
        query = query.values(state=to, row_version=known + 1, **values)
        # Fetched, so that the session knows which objects to read anew where a savepoint is rolled back.
        query = query.execution_options(synchronize_session="fetch")
        if session.execute(query).rowcount < len(same):  # type: ignore[attr-defined]
            raise StaleDataError(f"{len(same)} versions were to move, and some are not as they were read")
        for row in same:
            for name, value in values.items():
                # Of a version that was just made, what was never set is passed over by the session.
                set_committed_value(row, name, value)
