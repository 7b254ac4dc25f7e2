"""Gates: sign-offs that running tasks wait for."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, Field

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

    ``approvers`` narrows who may decide, by login name; it never adds anybody who may not.
    """

    dag_id: Name
    run_id: Name
    task_id: Name
    map_index: int = Field(default=-1, ge=-1, le=MAX_ID)
    try_number: int = Field(ge=0, le=MAX_ID)
    title: str = Field(min_length=1, max_length=200)
    message: str = Field(default="", max_length=10000)
    bundle_name: str | None = Field(default=None, max_length=250)
    bundle_version: str | None = Field(default=None, max_length=200)
    data_interval_start: AwareDatetime | None = None
    data_interval_end: AwareDatetime | None = None
    valid_hours: float | None = Field(default=None, gt=0, le=240)
    approvers: list[Name] = Field(default=[], max_length=100)


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
    change_digest: str
    requested_by: PersonResponse
    opened_at: datetime
    closed_at: datetime | None


class GateDetailResponse(GateResponse):
    """A gate with its approval."""

    approval: ApprovalResponse
