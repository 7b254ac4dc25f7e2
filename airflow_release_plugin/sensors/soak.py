"""Waiting for the first runs of a release."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseSensorOperator, PokeReturnValue

from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.hooks.links import push_link
from airflow_release_plugin.hooks.release import DEFAULT_CONN_ID, ReleaseHook
from airflow_release_plugin.hooks.role import RecordedRole
from airflow_release_plugin.hooks.task import (
    RELEASE_ID_FROM_CONF,
    as_id,
    failed_for_good,
    readable_failures,
    speak_as,
)
from airflow_release_plugin.sensors.base import LONGEST_WAIT

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReleaseSoakSensor(RecordedRole, BaseSensorOperator):
    """
    Wait until the first runs of a release have succeeded, as long as the release wants.

    One that fails, or is not done in time, fails the task, and the server rolls the release back. A release
    without a soak passes at once. Between two questions the task holds no worker.

    :param release_id: number of the release; by default the one that the DAG run's conf names
    :param release_conn_id: connection of type ``airflow_release``
    """

    template_fields: Sequence[str] = ("release_id",)
    ui_color = "#e3f1ea"
    release_role: ClassVar[str] = TaskRole.SOAK.value

    def __init__(
        self,
        *,
        release_id: int | str = RELEASE_ID_FROM_CONF,
        release_conn_id: str = DEFAULT_CONN_ID,
        mode: str = "reschedule",
        poke_interval: timedelta | float = 10,
        timeout: timedelta | float = LONGEST_WAIT,
        **kwargs: Any,
    ) -> None:
        super().__init__(mode=mode, poke_interval=poke_interval, timeout=timeout, **kwargs)
        self.release_id = release_id
        self.release_conn_id = release_conn_id

    def poke(self, context: Context) -> PokeReturnValue:
        """Ask once."""
        release_id = as_id(self.release_id, "release_id")
        with readable_failures(), ReleaseHook(self.release_conn_id).get_conn() as client:
            push_link(context, client.settings, f"releases/{release_id}", self.release_role)
            speak_as(client, release_id, context["ti"])
            answer = client.soak(release_id)
        if answer.status == "failed":
            raise failed_for_good(f"Release {release_id}: {answer.outcome}", answer.problems)
        for line in answer.problems:
            self.log.info("%s", line)
        return PokeReturnValue(answer.status == "passed")
