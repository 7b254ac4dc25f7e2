"""Approval flows: reading is for everybody, changing needs its own right."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from airflow_release_plugin.api.dependencies import CallerDep, IdPath
from airflow_release_plugin.api.serializers.flows import flow_detail, flow_response, simulation_response
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import ChangeFact
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.schemas.common import Collection, RowId
from airflow_release_plugin.schemas.flow import (
    EnabledBody,
    FlowBody,
    FlowDetailResponse,
    FlowIdsBody,
    FlowResponse,
    FlowRevisionResponse,
    FlowSwitchBody,
    SimulationResponse,
)
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.read_models import flow_page, simulator

router = APIRouter(prefix="/flows", tags=["Flows"])


@router.get("")
def list_flows(caller: CallerDep) -> Collection[FlowResponse]:
    """All flows in the order in which they are tried; the built-in one last."""
    with caller.transaction() as (ctx, actor):
        items = [flow_response(view) for view in flow_admin.list_flows(ctx, actor=actor)]
        return Collection(items=items, total_entries=len(items))


@router.post("", status_code=201)
def create_flow(body: FlowBody, caller: CallerDep) -> FlowDetailResponse:
    """Add a flow; it is tried after all others but the built-in one."""
    with caller.transaction() as (ctx, actor):
        made = flow_admin.create(ctx, actor=actor, raw=body.spec)
        return flow_detail(flow_page.with_people(ctx, made))


@router.post("/preview")
def preview_flow(body: FlowBody, caller: CallerDep) -> FlowDetailResponse:
    """Check a flow without saving it: its warnings, and who could approve."""
    with caller.transaction() as (ctx, actor):
        return flow_detail(flow_page.get_unsaved(ctx, actor=actor, raw=body.spec))


@router.put("/order")
def order_flows(body: FlowIdsBody, caller: CallerDep) -> Collection[FlowResponse]:
    """Set the order in which flows are tried; names every flow once."""
    with caller.transaction() as (ctx, actor):
        items = [flow_response(view) for view in flow_admin.reorder(ctx, actor=actor, flow_ids=body.ids)]
        return Collection(items=items, total_entries=len(items))


@router.post("/delete")
def delete_flows(body: FlowIdsBody, caller: CallerDep) -> Collection[str]:
    """Delete flows, all or none; answers their names. What is under way goes on."""
    with caller.transaction() as (ctx, actor):
        names = flow_admin.delete(ctx, actor=actor, flow_ids=body.ids)
        return Collection(items=names, total_entries=len(names))


@router.post("/enabled")
def switch_flows(body: FlowSwitchBody, caller: CallerDep) -> Collection[FlowResponse]:
    """Switch flows on or off, all or none; what is under way goes on."""
    with caller.transaction() as (ctx, actor):
        views = flow_admin.switch(ctx, actor=actor, flow_ids=body.ids, enabled=body.enabled)
        return Collection(items=[flow_response(view) for view in views], total_entries=len(views))


@router.get("/simulate")
def simulate(
    caller: CallerDep,
    dag_id: Annotated[str, Query(max_length=250)] = "",
    release_id: RowId | None = None,
    kind: ReleaseKind = ReleaseKind.PROMOTION,
    change: Annotated[tuple[ChangeFact, ...], Query()] = (ChangeFact.MODIFIED,),
    lines: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    at_least_level: Annotated[int, Query(ge=1, le=10)] = 1,
) -> SimulationResponse:
    """Which flow would apply to a change of a DAG, or to a past release, and why the others would not."""
    if bool(dag_id) == (release_id is not None):
        raise InvalidRequestError("Name either a Dag (dag_id) or a release (release_id).")
    with caller.transaction() as (ctx, actor):
        if release_id is not None:
            return simulation_response(simulator.of_release(ctx, actor=actor, release_id=release_id))
        found = simulator.of_dag(
            ctx, actor=actor, dag_id=dag_id, kind=kind, changes=change, lines=lines, at_least=at_least_level
        )
        return simulation_response(found)


@router.get("/{flow_id}")
def get_flow(flow_id: IdPath, caller: CallerDep) -> FlowDetailResponse:
    """One flow, with the people who can approve at each step."""
    with caller.transaction() as (ctx, actor):
        return flow_detail(flow_page.get_flow(ctx, actor=actor, flow_id=flow_id))


@router.put("/{flow_id}")
def update_flow(flow_id: IdPath, body: FlowBody, caller: CallerDep) -> FlowDetailResponse:
    """Replace a flow's content; ``revision`` is the one that the editor saw."""
    if body.revision is None:
        raise InvalidRequestError("Say which revision you edited: revision.")
    with caller.transaction() as (ctx, actor):
        view = flow_admin.update(ctx, actor=actor, flow_id=flow_id, raw=body.spec, revision=body.revision)
        return flow_detail(flow_page.with_people(ctx, view))


@router.post("/{flow_id}/enabled")
def set_enabled(flow_id: IdPath, body: EnabledBody, caller: CallerDep) -> FlowResponse:
    """Switch a flow on or off; what is under way goes on."""
    with caller.transaction() as (ctx, actor):
        return flow_response(flow_admin.set_enabled(ctx, actor=actor, flow_id=flow_id, enabled=body.enabled))


@router.get("/{flow_id}/revisions")
def list_revisions(flow_id: IdPath, caller: CallerDep) -> Collection[FlowRevisionResponse]:
    """What a flow was, newest first; also for one that was deleted."""
    with caller.transaction() as (ctx, actor):
        rows = flow_admin.revisions(ctx, actor=actor, flow_id=flow_id)
        items = [FlowRevisionResponse.model_validate(row) for row in rows]
        return Collection(items=items, total_entries=len(items))
