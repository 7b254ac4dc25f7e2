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


class LeftOutResponse(ResponseModel):
    """A file or folder of the source that a snapshot does not hold."""

    path: str
    reason: str


class SnapshotResponse(ResponseModel):
    """
    The whole source when a version was submitted.

    :param tree_id: git's id of the tree, 40 hex digits
    :param size: bytes of all files
    :param left_out: the first thousand of ``left_out_count``
    """

    tree_id: str
    file_count: int
    size: int
    left_out: list[LeftOutResponse]
    left_out_count: int
    taken_at: datetime


class SubmissionDetailResponse(SubmissionResponse):
    """
    A submission with its closure.

    :param snapshot: none if it was not copied from the source
    :param is_complete: whether the text of the code told all that it needs
    """

    snapshot: SnapshotResponse | None
    files: list[FileResponse]
    external: list[str]
    warnings: list[str]
    is_complete: bool
