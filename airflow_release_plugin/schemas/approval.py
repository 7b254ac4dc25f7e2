"""Approvals and decisions, the same for releases, gates and transfers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from airflow_release_plugin.domain.approval import NodeRule, Verdict
from airflow_release_plugin.domain.states import ApprovalState
from airflow_release_plugin.schemas.common import PersonResponse, RequestModel, ResponseModel


class DecisionBody(RequestModel):
    """One person's verdict, bound to the digest that they saw."""

    verdict: Verdict
    comment: str = Field(default="", max_length=2000)
    change_digest: str = Field(min_length=64, max_length=64)


class DecisionResponse(ResponseModel):
    """A recorded decision."""

    node: int
    actor: PersonResponse
    roles: list[str]
    verdict: Verdict
    comment: str
    change_digest: str
    decided_at: datetime


class NodeResponse(ResponseModel):
    """One node: who may approve, how many, and how far it is."""

    name: str
    rule: NodeRule
    needed: int
    approvals: int
    roles: list[str]
    users: list[str]
    eligible: list[PersonResponse]


class ApprovalResponse(ResponseModel):
    """An approval as it stands now. ``may_decide`` and ``why_not`` speak of the caller."""

    id: int
    state: ApprovalState
    flow: str
    flow_revision: int
    level: int
    change_digest: str
    opened_at: datetime
    expires_at: datetime
    current_node: int | None
    nodes: list[NodeResponse]
    decisions: list[DecisionResponse]
    may_decide: bool
    why_not: str | None


class InboxItemResponse(ResponseModel):
    """Something that waits for the caller's decision."""

    subject: Literal["release", "gate"]
    subject_id: int
    title: str
    requested_by: PersonResponse
    dag_ids: list[str]
    change_digest: str
    opened_at: datetime
    expires_at: datetime
