"""The to-be-released list."""

from __future__ import annotations

from datetime import datetime

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.schemas.common import FileResponse, PersonResponse, ResponseModel


class CandidateResponse(ResponseModel):
    """
    One DAG file of the source that differs from the target, or is waiting in the list.

    ``dag_ids`` are the ids in the target; ``source_dag_ids`` those of the copy in the source bundle here.
    ``submission_id`` and ``version`` name the latest submitted version, if it is not released yet.
    ``renamed_from`` is where the target has the file; ``note`` says why one that looks moved counts as
    deleted and new; ``also_used_by`` is how many other released DAGs need a file that would change with it.
    """

    path: str
    dag_ids: list[str]
    source_dag_ids: list[str]
    change: ChangeKind
    tags: list[str]
    owners: list[str]
    submission_id: int | None
    version: int | None
    submission_state: str | None
    submitted_by: PersonResponse | None
    submitted_at: datetime | None
    release_id: int | None
    changed_since_submission: bool
    problem: str | None
    may_submit: bool
    renamed_from: str | None
    also_used_by: int
    note: str


class ClosureResponse(ResponseModel):
    """What would be submitted for one DAG file, file by file."""

    path: str
    digest: str
    files: list[FileResponse]
    external: list[str]
    warnings: list[str]
    is_complete: bool


class BringerResponse(ResponseModel):
    """A submitted version that waits and brings another content of a shared file than the target has."""

    submission_id: int
    path: str
    version: int


class SharedFileResponse(ResponseModel):
    """
    A file that several DAG files, or a released one, need and that differs from the target.

    ``used_by`` are ids in the target that the caller may see; ``users`` and ``released_users`` count all.
    """

    path: str
    change: ChangeKind
    used_by: list[str]
    users: int
    released_users: int
    brought_by: list[BringerResponse]
