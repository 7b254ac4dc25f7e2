"""Queries on what a target holds now, without the contents of its versions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, func, select

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.models import Release, Submission, Unit

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class LiveVersion:
    """A version that the target holds, and the release that brought it; only what a long list is made of."""

    submission_id: int
    version: int
    path: str
    dag_ids: list[str]
    release_id: int | None
    release_number: str | None
    release_title: str | None
    released_at: datetime | None
    released_by_id: str | None
    released_by_name: str | None
    commit: str | None


def live_versions(session: Session, source: str) -> list[LiveVersion]:
    """What the target holds of each unit of a source, removals left out; thousands of narrow rows."""
    columns = (
        Submission.id,
        Submission.version,
        Submission.path,
        Submission.dag_ids,
        Submission.release_id,
        Release.number,
        Release.title,
        Release.released_at,
        Release.released_by_id,
        Release.released_by_name,
        Release.target_commit,
    )
    query = live_query(source, *columns).outerjoin(Release, Release.id == Submission.release_id)
    return [LiveVersion(*row) for row in session.execute(query)]


def live_dag_files(session: Session, source: str) -> dict[str, list[str]]:
    """Ids of the DAGs of each DAG file that the target holds, by path; thousands of narrow rows."""
    rows = session.execute(live_query(source, Submission.path, Submission.dag_ids))
    return {row[0]: row[1] for row in rows}


def live_with_paths(session: Session, source: str, paths: Collection[str]) -> set[int]:
    """Ids of versions that the target holds and that have one of these files; reads the closures of all."""
    wanted = set(paths)
    rows = session.execute(live_query(source, Submission.id, Submission.closure))
    return {row[0] for row in rows if any(file["path"] in wanted for file in row[1])}


def waiting_units(session: Session, source: str) -> list[int]:
    """Unit of each version in the to-be-released list."""
    query = (
        select(Submission.unit_id)
        .join(Unit, Unit.id == Submission.unit_id)
        .where(
            Submission.state == SubmissionState.PENDING, Submission.listed.is_(True), Unit.source == source
        )
    )
    return list(session.scalars(query))


def live_query(source: str, *columns: Any) -> Select[Any]:
    """Columns of what the target holds of each unit of a source, removals left out."""
    newest = (
        select(Submission.unit_id, func.max(Submission.version).label("version"))
        .where(Submission.state == SubmissionState.RELEASED)
        .group_by(Submission.unit_id)
        .subquery()
    )
    return (
        select(*columns)
        .select_from(Submission)
        .join(newest, (Submission.unit_id == newest.c.unit_id) & (Submission.version == newest.c.version))
        .join(Unit, Unit.id == Submission.unit_id)
        .where(Unit.source == source, Submission.change != ChangeKind.DELETED)
    )
