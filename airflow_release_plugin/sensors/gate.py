"""Waiting for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_release_plugin.domain.flow.gate_question import FIELDS, recorded_question
from airflow_release_plugin.domain.states import GateState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.hooks.links import push_link
from airflow_release_plugin.hooks.task import named_task
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

    People see what Airflow recorded as the task's rendered fields. A subclass that asks anything else is
    refused.

    :param title: what people are asked, in a line of at most 200 characters
    :param message: what they should know, at most as long as ``[core] max_templated_field_length`` (4096)
    :param approvers: login names that narrow who may decide; they never add anybody
    :param valid_hours: hours until the question expires, at most 240; by default as the flow says
    :param on_refusal: ``fail`` or ``skip`` the task when the answer is no
    :param deferrable: wait in the triggerer, where one request serves all waiting tasks; else reschedule
    :param release_conn_id: connection of type ``airflow_release``
    """

    template_fields: Sequence[str] = FIELDS
    release_role: ClassVar[str] = TaskRole.GATE.value

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
        push_link(context, client.settings, f"gates/{gate.id}", self.release_role)
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
        asked = recorded_question({field: getattr(self, field) for field in FIELDS})
        return GateBody(
            **named_task(context["ti"]),
            title=asked.title,
            message=asked.message,
            approvers=list(asked.approvers),
            valid_hours=asked.valid_hours,
        )


def _number(subject: str) -> int:
    return int(subject.rpartition(":")[2])
