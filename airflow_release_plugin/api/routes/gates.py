"""Gates: sign-offs that running tasks wait for."""

from __future__ import annotations

from fastapi import APIRouter

from airflow_release_plugin.api.dependencies import CallerDep, IdPath, LimitQuery, OffsetQuery
from airflow_release_plugin.api.serializers.common import gate_detail, gate_response
from airflow_release_plugin.api.serializers.pages import listed
from airflow_release_plugin.domain.flow.gate_question import GateQuestion
from airflow_release_plugin.domain.states import GateState
from airflow_release_plugin.domain.tasks import TaskKey
from airflow_release_plugin.schemas.approval import DecisionBody
from airflow_release_plugin.schemas.common import Collection
from airflow_release_plugin.schemas.gate import GateBody, GateDetailResponse, GateResponse
from airflow_release_plugin.services.approvals import gates
from airflow_release_plugin.services.read_models import gate_page
from airflow_release_plugin.services.releases import decisions

router = APIRouter(prefix="/gates", tags=["Gates"])


@router.get("")
def list_gates(
    caller: CallerDep,
    state: GateState | None = None,
    dag_id: str = "",
    limit: LimitQuery = 50,
    offset: OffsetQuery = 0,
) -> Collection[GateResponse]:
    """Gates of DAGs that the caller may read, newest first."""
    with caller.transaction() as (ctx, actor):
        page = gates.list_gates(ctx, actor=actor, state=state, dag_id=dag_id, limit=limit, offset=offset)
        items = [gate_response(ctx, row) for row in page.items]
        return listed(page, items)


@router.post("")
def open_gate(body: GateBody, caller: CallerDep) -> GateDetailResponse:
    """Open the gate of one try of a task; the same try gets the same gate back."""
    task = TaskKey(body.dag_id, body.run_id, body.task_id, body.map_index, body.try_number)
    said = GateQuestion(body.title, body.message, tuple(body.approvers), body.valid_hours)
    with caller.transaction() as (ctx, actor):
        gate = gates.open_gate(ctx, actor=actor, task=task, said=said)
        return gate_detail(ctx, gate_page.get_gate(ctx, actor=actor, gate_id=gate.id))


@router.get("/{gate_id}")
def get_gate(gate_id: IdPath, caller: CallerDep) -> GateDetailResponse:
    """One gate with its approval."""
    with caller.transaction() as (ctx, actor):
        return gate_detail(ctx, gate_page.get_gate(ctx, actor=actor, gate_id=gate_id))


@router.post("/{gate_id}/decisions")
def decide(gate_id: IdPath, body: DecisionBody, caller: CallerDep) -> GateDetailResponse:
    """Sign off or reject exactly what the digest names."""
    with caller.transaction() as (ctx, actor):
        gate = decisions.decide_gate(
            ctx,
            actor=actor,
            gate_id=gate_id,
            verdict=body.verdict,
            change_digest=body.change_digest,
            comment=body.comment,
            step=body.step,
        )
        return gate_detail(ctx, gate_page.get_gate(ctx, actor=actor, gate_id=gate.id))


@router.post("/{gate_id}/withdraw")
def withdraw(gate_id: IdPath, caller: CallerDep) -> GateDetailResponse:
    """Take the question back; the waiting task fails or skips."""
    with caller.transaction() as (ctx, actor):
        gate = gates.withdraw(ctx, actor=actor, gate_id=gate_id)
        return gate_detail(ctx, gate_page.get_gate(ctx, actor=actor, gate_id=gate.id))
