"""Waiting for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_release_plugin.domain.states import GateState
from airflow_release_plugin.hooks.links import push_link
from airflow_release_plugin.schemas.gate import GateBody
from airflow_release_plugin.sensors.base import StateSensor
from airflow_release_plugin.sensors.decisions import rejections

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_release_plugin.client.release import ReleaseClient


class ApprovalGateSensor(StateSensor):
    """
    Stop the DAG run here until people sign off.

    Who may decide comes from the approval flow of the installation. Rejection, expiry and withdrawal fail or
    skip the task. A retry or a cleared task asks anew. The XCom is a dict: ``gate_id``, ``state``,
    ``decided_by`` (login names) and ``comments``.

    :param title: what people are asked, in a line
    :param message: what they should know
    :param approvers: login names that narrow who may decide; they never add anybody
    :param valid_hours: hours until the question expires, at most 240; by default as the flow says
    :param on_refusal: ``fail`` or ``skip`` the task when the answer is no
    :param deferrable: wait in the triggerer, where one request serves all waiting tasks; else reschedule
    :param release_conn_id: connection of type ``airflow_release``
    """

    template_fields: Sequence[str] = ("title", "message", "approvers")

    def __init__(
        self,
        *,
        title: str,
        message: str = "",
        approvers: Sequence[str] = (),
        valid_hours: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.title = title
        self.message = message
        self.approvers = approvers
        self.valid_hours = valid_hours

    def targets(self) -> Sequence[str]:
        """Only an approval lets the task go on."""
        return [GateState.APPROVED.value]

    def refusals(self) -> Sequence[str]:
        """Every other end."""
        return [state.value for state in GateState if state.is_terminal and state is not GateState.APPROVED]

    def begin(self, context: Context, client: ReleaseClient) -> tuple[str, str]:
        """Open the gate of this try, or find it open."""
        gate = client.open_gate(self._body(context))
        push_link(context, client.settings, f"gates/{gate.id}")
        self.log.info("Gate %d is %s; it expires at %s.", gate.id, gate.state.value, gate.approval.expires_at)
        return f"gate:{gate.id}", gate.state.value

    def result(self, client: ReleaseClient, subject: str) -> dict[str, Any]:
        """Return who decided, and what they said."""
        gate = client.get_gate(_number(subject))
        decisions = gate.approval.decisions
        return {
            "gate_id": gate.id,
            "state": gate.state.value,
            "decided_by": [decision.actor.name for decision in decisions],
            "comments": [decision.comment for decision in decisions if decision.comment],
        }

    def refusal(self, client: ReleaseClient, subject: str) -> str:
        """Return state and who rejected."""
        gate = client.get_gate(_number(subject))
        said = rejections(gate.approval.decisions)
        return f"Gate {gate.id} {gate.title!r} is {gate.state.value!r}.{said}"

    def _body(self, context: Context) -> GateBody:
        ti, bundle = context["ti"], getattr(context["ti"], "bundle_instance", None)
        approvers = [self.approvers] if isinstance(self.approvers, str) else list(self.approvers)
        return GateBody(
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            map_index=-1 if ti.map_index is None else ti.map_index,
            try_number=ti.try_number,
            title=self.title,
            message=self.message,
            bundle_name=getattr(bundle, "name", None),
            bundle_version=getattr(bundle, "version", None),
            data_interval_start=context.get("data_interval_start"),
            data_interval_end=context.get("data_interval_end"),
            valid_hours=self.valid_hours,
            approvers=[str(approver) for approver in approvers],
        )


def _number(subject: str) -> int:
    return int(subject.rpartition(":")[2])
