"""Approval flows, deputies and the simulator."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import ChangeFact
from airflow_release_plugin.schemas.common import Moment, PersonResponse, RequestModel, ResponseModel, RowId


class FlowBody(RequestModel):
    """A flow in the form of ``airflow release flows export``; ``revision`` is the one that the editor saw."""

    spec: dict[str, Any]
    revision: int | None = None


class FlowIdsBody(RequestModel):
    """Ids of flows: all of them in their new order, or those to delete."""

    ids: list[RowId] = Field(max_length=1000)


class FlowSwitchBody(RequestModel):
    """Whether some flows are switched on."""

    ids: list[RowId] = Field(max_length=1000)
    enabled: bool


class EnabledBody(RequestModel):
    """Whether something is switched on."""

    enabled: bool


class FlowResponse(ResponseModel):
    """A flow. ``id`` and ``priority`` are null for the built-in one, which is tried last."""

    id: int | None
    name: str
    kind: ReleaseKind
    enabled: bool
    priority: int | None
    revision: int
    spec: dict[str, Any]
    warnings: list[str]
    created_by: PersonResponse | None
    created_at: datetime | None
    updated_by: PersonResponse | None
    updated_at: datetime | None


class StepPeopleResponse(ResponseModel):
    """Who can approve at one step now."""

    level: int
    level_name: str
    step: str
    rule: str
    needed: int
    people: list[PersonResponse]
    escalates_after_hours: float | None
    escalates_to: list[str]
    including: list[str]
    beside_previous: bool


class FlowDetailResponse(FlowResponse):
    """A flow with the people who can approve at each step."""

    people: list[StepPeopleResponse]


class FlowRevisionResponse(ResponseModel):
    """What a flow was at one time."""

    revision: int
    spec: dict[str, Any] = Field(validation_alias="spec_json")
    made_by: PersonResponse
    made_at: datetime


class TrialResponse(ResponseModel):
    """One flow in a simulation; ``outcome`` is a value of ``domain.flow_matching.Outcome``."""

    flow: str
    outcome: str
    level: int | None
    raised_from: int | None


class SimulatedStepResponse(ResponseModel):
    """One step that would have to agree, and who could."""

    name: str
    rule: str
    needed: int
    eligible: list[PersonResponse]
    including: list[str]
    beside_previous: bool


class SimulationResponse(ResponseModel):
    """Which flow would apply, at which level, and why the others would not."""

    kind: ReleaseKind
    dag_ids: list[str]
    changes: list[ChangeFact]
    reasons: dict[str, list[str]]
    lines: int
    impacted: list[str]
    flow: str
    level: int
    level_name: str
    trials: list[TrialResponse]
    steps: list[SimulatedStepResponse]
    unmet: list[str]
    per_dag_flows: dict[str, str]


class DeputyBody(RequestModel):
    """Let ``deputy`` decide in the place of ``person`` for a time; both are ids or login names."""

    person: str = Field(min_length=1, max_length=250)
    deputy: str = Field(min_length=1, max_length=250)
    starts_at: Moment
    ends_at: Moment


class DeputyResponse(ResponseModel):
    """Who takes whose place, and when."""

    id: int
    person: PersonResponse
    deputy: PersonResponse
    starts_at: datetime
    ends_at: datetime


class OfferResponse(ResponseModel):
    """What a release would need, as far as it is known before its check."""

    people: list[PersonResponse]
    flow: str
    level: int
    levels: int
    problem: str
    per_dag_flows: dict[str, str]
