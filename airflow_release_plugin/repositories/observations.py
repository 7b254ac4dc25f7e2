"""Queries on what versions in the target depend on."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from airflow_release_plugin.models import Observation
from airflow_release_plugin.repositories.id_sets import is_one_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def of_versions(session: Session, submission_ids: Collection[int]) -> dict[int, Observation]:
    """What is known of versions that are in the target, by version; one query."""
    if not submission_ids:
        return {}
    query = select(Observation).where(is_one_of(session, Observation.submission_id, submission_ids))
    return {row.submission_id: row for row in session.scalars(query)}


def replace(session: Session, rows: Collection[Observation], gone: Collection[int] = ()) -> None:
    """
    Note what versions depend on, in place of what was known of them; two statements.

    :param gone: versions that are in the target no more
    """
    ids = [*gone, *(row.submission_id for row in rows)]
    if ids:
        query = delete(Observation).where(Observation.submission_id.in_(ids))
        session.execute(query, execution_options={"synchronize_session": "fetch"})
    session.add_all(rows)
