"""Target environments and the records of what reached them."""

from __future__ import annotations

from datetime import datetime

from airflow_release_plugin.domain.digest import ChangeKind
from airflow_release_plugin.domain.drift import FindingKind
from airflow_release_plugin.schemas.common import PersonResponse, ResponseModel


class EnvironmentResponse(ResponseModel):
    """An environment; ``moved`` says that its branch is not where the product left it."""

    name: str
    commit: str | None
    recorded_commit: str | None
    moved: bool


class DagVersionResponse(ResponseModel):
    """One version of one DAG, newest first: a record (R15). ``state`` is that of the submission."""

    dag_id: str
    path: str
    version: int
    submission_id: int
    change: ChangeKind
    state: str
    in_target: bool
    submitted_by: PersonResponse
    submitted_at: datetime
    comment: str
    release_id: int | None
    release_number: str | None
    released_at: datetime | None
    commit: str | None


class FindingResponse(ResponseModel):
    """One difference between what was approved and what runs; ``path`` is empty for those of no file."""

    kind: FindingKind
    place: str
    path: str
    detail: str


class DriftResponse(ResponseModel):
    """What was found; ``host`` is the machine whose served trees were read."""

    host: str
    environment: str
    head: str | None
    trees: int
    findings: list[FindingResponse]
