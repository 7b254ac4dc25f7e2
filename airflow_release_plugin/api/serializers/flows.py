"""Flows and simulations as the API answers them."""

from __future__ import annotations

from airflow_release_plugin.domain.flow.values import flow_to_dict
from airflow_release_plugin.schemas.common import PersonResponse
from airflow_release_plugin.schemas.flow import (
    FlowDetailResponse,
    FlowResponse,
    NodePeopleResponse,
    SimulatedNodeResponse,
    SimulationResponse,
    TrialResponse,
)
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.read_models.simulator import Simulation
from airflow_release_plugin.services.runtime.context import Context


def flow_response(view: flow_admin.FlowView) -> FlowResponse:
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
        updated_by=PersonResponse.model_validate(view.updated_by) if view.updated_by else None,
        updated_at=view.updated_at,
    )


def flow_detail(ctx: Context, view: flow_admin.FlowView) -> FlowDetailResponse:
    """A flow with the people who can approve at each node."""
    people = [NodePeopleResponse.model_validate(node) for node in flow_admin.people(ctx, view.spec)]
    return FlowDetailResponse(**flow_response(view).model_dump(), people=people)


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
        nodes=[
            SimulatedNodeResponse(
                name=node.name,
                rule=node.rule.value,
                needed=node.needed,
                eligible=[PersonResponse.model_validate(person) for person in node.eligible],
            )
            for node in found.nodes
        ],
        unmet=[node.name for node in found.unmet],
        apart=dict(found.apart),
    )
