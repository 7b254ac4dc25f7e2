"""Submitted versions."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.schemas.common import FileResponse, PersonResponse, RequestModel, ResponseModel


class SubmissionBody(RequestModel):
    """Submit the present content of one DAG file of the source."""

    path: str = Field(min_length=1, max_length=1000)
    comment: str = Field(default="", max_length=2000)


class SubmissionResponse(ResponseModel):
    """An immutable numbered version of one unit."""

    id: int
    path: str
    unit_name: str
    version: int
    change: ChangeKind
    state: SubmissionState
    dag_ids: list[str]
    digest: str
    commit_id: str
    comment: str
    submitted_by: PersonResponse
    submitted_at: datetime
    release_id: int | None


class SubmissionDetailResponse(SubmissionResponse):
    """A submission with its closure."""

    files: list[FileResponse]
    external: list[str]
    warnings: list[str]
