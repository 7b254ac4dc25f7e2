"""Gates: sign-offs that running tasks wait for."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from airflow_release_plugin.domain.flow.gate_question import LONGEST_MESSAGE, LONGEST_TITLE, MOST_APPROVERS
from airflow_release_plugin.domain.states import GateState
from airflow_release_plugin.schemas.approval import ApprovalResponse
from airflow_release_plugin.schemas.common import (
    MAX_ID,
    Name,
    PersonResponse,
    RequestModel,
    ResponseModel,
)


class GateBody(RequestModel):
    """
    Open the gate of one try of one task. The same try gets the same gate back.

    The task must run, and what it asks is what Airflow recorded when it rendered the task's templates; the
    other fields here only say what the caller believes to ask, and must agree.
    """

    dag_id: Name
    run_id: Name
    task_id: Name
    map_index: int = Field(default=-1, ge=-1, le=MAX_ID)
    try_number: int = Field(ge=0, le=MAX_ID)
    title: str = Field(max_length=LONGEST_TITLE)
    message: str = Field(default="", max_length=LONGEST_MESSAGE)
    valid_hours: float | None = None
    approvers: list[Name] = Field(default=[], max_length=MOST_APPROVERS)


class GateResponse(ResponseModel):
    """A gate in a list. ``state`` is the effective one."""

    id: int
    state: GateState
    state_reason: str = ""
    title: str
    message: str
    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int
    bundle_name: str | None
    bundle_version: str | None
    data_interval_start: datetime | None
    data_interval_end: datetime | None
    run_started_by: str
    change_digest: str
    requested_by: PersonResponse
    opened_at: datetime
    closed_at: datetime | None


class GateDetailResponse(GateResponse):
    """A gate with its approval."""

    approval: ApprovalResponse
