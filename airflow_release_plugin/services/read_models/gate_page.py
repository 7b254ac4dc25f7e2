"""Everything that the page of a gate shows."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import GateState
from airflow_release_plugin.models import Gate
from airflow_release_plugin.services.approvals import gates
from airflow_release_plugin.services.approvals.approvals import ApprovalDetail
from airflow_release_plugin.services.notifications import outbox
from airflow_release_plugin.services.notifications.outbox import UnsentNotifications
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class GateDetail:
    """A gate with its approval as the actor sees it; ``state`` is the one at this moment."""

    gate: Gate
    state: GateState
    approval: ApprovalDetail
    unsent: UnsentNotifications


def get_gate(ctx: Context, *, actor: Actor, gate_id: int) -> GateDetail:
    """A gate whose DAG the actor may read."""
    gate = gates.get(ctx, actor=actor, gate_id=gate_id)
    return GateDetail(
        gate=gate,
        state=gate.effective_state(ctx.clock()),
        approval=gates.approval_view(ctx, gate, actor=actor),
        unsent=outbox.unsent(ctx, actor=actor, subject=gate),
    )
