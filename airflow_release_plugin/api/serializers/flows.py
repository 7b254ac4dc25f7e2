"""Flows and simulations as the API answers them."""

from __future__ import annotations

from airflow_release_plugin.domain.flow.values import flow_to_dict
from airflow_release_plugin.schemas.common import PersonResponse
from airflow_release_plugin.schemas.flow import (
    FlowDetailResponse,
    FlowResponse,
    SimulatedStepResponse,
    SimulationResponse,
    StepPeopleResponse,
    TrialResponse,
)
from airflow_release_plugin.services.approvals.flow_admin import FlowDetail
from airflow_release_plugin.services.read_models.flow_page import FlowPeopleDetail
from airflow_release_plugin.services.read_models.simulator import Simulation


def flow_response(view: FlowDetail) -> FlowResponse:
    """A flow for a list."""
    return FlowResponse(
        id=view.id,
        name=view.spec.name,
        kind=view.spec.kind,
        enabled=view.spec.enabled,
        priority=view.priority,
        revision=view.revision,
        spec=flow_to_dict(view.spec),
        warnings=list(view.warnings),
        created_by=PersonResponse.model_validate(view.created_by) if view.created_by else None,
        created_at=view.created_at,
        updated_by=PersonResponse.model_validate(view.updated_by) if view.updated_by else None,
        updated_at=view.updated_at,
    )


def flow_detail(found: FlowPeopleDetail) -> FlowDetailResponse:
    """A flow with the people who can approve at each step."""
    people = [StepPeopleResponse.model_validate(step) for step in found.people]
    return FlowDetailResponse(**flow_response(found.flow).model_dump(), people=people)


def simulation_response(found: Simulation) -> SimulationResponse:
    """What the simulator found."""
    level = found.applies.level or 1
    return SimulationResponse(
        kind=found.kind,
        dag_ids=[dag.dag_id for dag in found.facts.dags],
        changes=sorted(found.facts.changes),
        reasons={fact: list(reasons) for fact, reasons in found.facts.reasons},
        lines=found.facts.lines,
        impacted=list(found.facts.impacted),
        flow=found.applies.flow.name,
        level=level,
        level_name=found.applies.flow.levels[level - 1].name,
        trials=[
            TrialResponse(
                flow=trial.flow.name,
                outcome=trial.outcome.value,
                level=trial.level,
                raised_from=trial.raised_from,
            )
            for trial in found.trials
        ],
        steps=[
            SimulatedStepResponse(
                name=step.name,
                rule=step.rule.value,
                needed=step.needed,
                eligible=[PersonResponse.model_validate(person) for person in step.eligible],
                including=list(step.including),
                beside_previous=step.beside_previous,
            )
            for step in found.steps
        ],
        unmet=[step.name for step in found.unmet],
        per_dag_flows=dict(found.per_dag_flows),
    )
