"""What both sensors share: wait in the triggerer, or by rescheduling."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_release_plugin.hooks.links import ReleaseLink
from airflow_release_plugin.hooks.release import DEFAULT_CONN_ID, ReleaseHook
from airflow_release_plugin.hooks.role import RecordedRole
from airflow_release_plugin.hooks.task import REFUSED, readable_failures, require_waited

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_release_plugin.client.release import ReleaseClient

LONGEST_WAIT = timedelta(days=11).total_seconds()
"""Default timeout: longer than any approval is valid, so that the approval's own end comes first."""


class StateSensor(RecordedRole, BaseSensorOperator):
    """
    Base of the sensors.

    :param on_refusal: ``fail`` or ``skip`` the task when the answer is no
    :param deferrable: wait in the triggerer, where one request serves all waiting tasks; else reschedule
    :param end_from_trigger: let the triggerer end the task on success, which saves a worker's start;
        listeners and asset events of the task do not run then
    :param release_conn_id: connection of type ``airflow_release``
    """

    ui_color = "#e3f1ea"
    operator_extra_links = (ReleaseLink(),)

    def __init__(
        self,
        *,
        on_refusal: str = "fail",
        deferrable: bool = True,
        end_from_trigger: bool = False,
        release_conn_id: str = DEFAULT_CONN_ID,
        timeout: timedelta | float = LONGEST_WAIT,
        mode: str = "reschedule",
        **kwargs: Any,
    ) -> None:
        super().__init__(timeout=timeout, mode=mode, **kwargs)
        if on_refusal not in {"fail", "skip"}:
            raise ValueError(f"on_refusal is {on_refusal!r}; possible: 'fail', 'skip'.")
        self.on_refusal = on_refusal
        self.deferrable = deferrable
        self.end_from_trigger = end_from_trigger
        self.release_conn_id = release_conn_id

    def targets(self) -> Sequence[str]:
        """States that end the wait with success."""
        raise NotImplementedError

    def refusals(self) -> Sequence[str]:
        """States that end it with a refusal."""
        raise NotImplementedError

    def begin(self, context: Context, client: ReleaseClient) -> tuple[str, str]:
        """Return the subject to wait for (``gate:3``) and its present state."""
        raise NotImplementedError

    def result(self, client: ReleaseClient, subject: str) -> Any:
        """Return the XCom of the ended wait."""
        raise NotImplementedError

    def refusal(self, client: ReleaseClient, subject: str) -> str:
        """Return who said no, and why, for people."""
        raise NotImplementedError

    def execute(self, context: Context) -> Any:
        """Answer at once when the answer is known; otherwise defer or poke."""
        if not self.deferrable:
            return super().execute(context)
        with readable_failures(), ReleaseHook(self.release_conn_id).get_conn() as client:
            subject, state = self.begin(context, client)
            if state in self.targets():
                return self.result(client, subject)
            if state in self.refusals():
                self._refuse(client, subject)
        return self._defer(subject, state)

    def poke(self, context: Context) -> PokeReturnValue:
        """Ask once."""
        with readable_failures(), ReleaseHook(self.release_conn_id).get_conn() as client:
            subject, state = self.begin(context, client)
            if state in self.refusals():
                self._refuse(client, subject)
            done = state in self.targets()
            return PokeReturnValue(done, self.result(client, subject) if done else None)

    def execute_complete(self, context: Context, event: dict[str, Any], subject: str) -> Any:
        """Turn the trigger's payload into the task's end."""
        require_waited(event)
        with readable_failures(), ReleaseHook(self.release_conn_id).get_conn() as client:
            if event["error_type"] == REFUSED:
                self._refuse(client, subject)
            return self.result(client, subject)

    def _defer(self, subject: str, state: str) -> NoReturn:
        from airflow_release_plugin.triggers.state import ReleaseStateTrigger

        self.defer(
            trigger=ReleaseStateTrigger(
                subject=subject,
                targets=self.targets(),
                refusals=self.refusals(),
                known=state,
                release_conn_id=self.release_conn_id,
                end_from_trigger=self.end_from_trigger,
            ),
            method_name="execute_complete",
            kwargs={"subject": subject},
            timeout=timedelta(seconds=self.timeout),
        )

    def _refuse(self, client: ReleaseClient, subject: str) -> NoReturn:
        message = self.refusal(client, subject)
        if self.on_refusal == "skip":
            raise AirflowSkipException(message)
        raise AirflowFailException(message)
