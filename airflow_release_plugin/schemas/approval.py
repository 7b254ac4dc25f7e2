"""Approvals and decisions, the same for releases, gates and transfers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from airflow_release_plugin.domain.flow.approval import StepRule, Verdict
from airflow_release_plugin.domain.states import ApprovalState
from airflow_release_plugin.schemas.common import MAX_ID, PersonResponse, RequestModel, ResponseModel, RowId

StepNumber = Annotated[int | None, Field(ge=0, le=MAX_ID)]
"""The step that the caller saw waiting, ``current_step`` of the approval; without it, the one waiting now."""


class DecisionBody(RequestModel):
    """One person's verdict, bound to the digest that they saw."""

    verdict: Verdict
    comment: str = Field(default="", max_length=2000)
    change_digest: str = Field(min_length=64, max_length=64)
    step: StepNumber = None


class DecisionResponse(ResponseModel):
    """A recorded decision."""

    step: int
    actor: PersonResponse
    place_of: PersonResponse | None
    roles: list[str]
    verdict: Verdict
    comment: str
    change_digest: str
    decided_at: datetime


class StepResponse(ResponseModel):
    """
    One step: who may approve, how many, and how far it is.

    One of ``including`` must be among a quorum; ``beside_previous`` waits together with the step before it.
    """

    name: str
    rule: StepRule
    needed: int
    approvals: int
    roles: list[str]
    users: list[str]
    eligible: list[PersonResponse]
    escalates_at: datetime | None
    including: list[str]
    beside_previous: bool


class ApprovalResponse(ResponseModel):
    """
    An approval as it stands now. ``may_decide``, ``why_not`` and ``would_complete`` speak of the caller.

    ``current_step`` is where the caller would decide, else the first of ``waiting_steps``.
    ``open_threads`` have to be resolved before approvals count; 0 where the flow does not demand that.
    """

    id: int
    state: ApprovalState
    flow: str
    flow_revision: int
    level: int
    level_name: str
    raised_from: int | None
    glass_broken: bool
    change_digest: str
    opened_at: datetime
    expires_at: datetime
    current_step: int | None
    waiting_steps: list[int]
    steps: list[StepResponse]
    decisions: list[DecisionResponse]
    may_decide: bool
    why_not: str | None
    would_complete: bool
    open_threads: int = 0


class SubjectBody(RequestModel):
    """One thing to decide on, bound to the digest that the caller saw."""

    subject: Literal["release", "gate"]
    subject_id: RowId
    change_digest: str = Field(min_length=64, max_length=64)
    step: StepNumber = None


class DecisionsBody(RequestModel):
    """One verdict and comment for several things."""

    verdict: Verdict
    comment: str = Field(default="", max_length=2000)
    subjects: list[SubjectBody] = Field(min_length=1, max_length=100)


class DecidedResponse(ResponseModel):
    """What became of one of several; ``error`` and ``detail`` are empty for one that was decided."""

    subject: str
    subject_id: int
    error: str
    detail: str


class InboxItemResponse(ResponseModel):
    """
    Something that waits for the caller's decision.

    ``level`` is that of its flow, from 1 to ``levels``. Gates change no lines.
    """

    subject: Literal["release", "gate"]
    subject_id: int
    title: str
    requested_by: PersonResponse
    dag_ids: list[str]
    change_digest: str
    step: int
    step_name: str
    level: int
    level_name: str
    levels: int
    opened_at: datetime
    expires_at: datetime
    lines_added: int
    lines_removed: int
