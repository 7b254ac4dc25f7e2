"""Waiting for a release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.hooks.links import push_link
from airflow_release_plugin.hooks.task import RELEASE_ID_FROM_CONF, as_id
from airflow_release_plugin.sensors.base import StateSensor
from airflow_release_plugin.sensors.decisions import rejections

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_release_plugin.client.release import ReleaseClient

_WAY = (
    ReleaseState.DRAFT,
    ReleaseState.CHECKING,
    ReleaseState.AWAITING_APPROVAL,
    ReleaseState.APPROVED,
    ReleaseState.RELEASED,
)


class ReleaseStateSensor(StateSensor):
    """
    Wait until a release is in a state, or beyond it. The XCom is the state that it was then in.

    States that lead away from it (``rejected``, ``revoked``, ``expired``, ``failed``…) are a refusal.

    :param release_id: number of the release; by default the one that the DAG run's conf names
    :param target_state: state to wait for
    :param on_refusal: ``fail`` or ``skip`` the task when the release goes another way
    :param deferrable: wait in the triggerer, where one request serves all waiting tasks; else reschedule
    :param end_from_trigger: let the triggerer end the task on success, which saves a worker's start;
        listeners and asset events of the task do not run then
    :param release_conn_id: connection of type ``airflow_release``
    """

    template_fields: Sequence[str] = ("release_id",)

    def __init__(
        self,
        *,
        release_id: int | str = RELEASE_ID_FROM_CONF,
        target_state: str = ReleaseState.APPROVED.value,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.release_id = release_id
        self.target_state = ReleaseState(target_state).value

    def targets(self) -> Sequence[str]:
        """The state, and those that follow when all goes well."""
        target = ReleaseState(self.target_state)
        if target not in _WAY:
            return [target.value]
        return [state.value for state in _WAY[_WAY.index(target) :]]

    def refusals(self) -> Sequence[str]:
        """States away from the good way; for a target that is off it, the ends."""
        if ReleaseState(self.target_state) in _WAY:
            return [state.value for state in ReleaseState if state not in _WAY]
        return [state.value for state in ReleaseState if state.is_terminal and state != self.target_state]

    def begin(self, context: Context, client: ReleaseClient) -> tuple[str, str]:
        """Read the release."""
        release_id = as_id(self.release_id, "release_id")
        push_link(context, client.settings, f"releases/{release_id}")
        return f"release:{release_id}", client.get_release(release_id).watch_state

    def result(self, client: ReleaseClient, subject: str) -> str:
        """Return the state."""
        return client.get_release(as_id(self.release_id, "release_id")).state.value

    def refusal(self, client: ReleaseClient, subject: str) -> str:
        """Return state, reason and who rejected."""
        release = client.get_release(as_id(self.release_id, "release_id"))
        reason = f": {release.state_reason}" if release.state_reason else "."
        decisions = release.approval.decisions if release.approval else []
        return f"Release {release.number} is {release.state.value!r}{reason}{rejections(decisions)}"
