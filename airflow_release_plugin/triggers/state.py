"""The trigger of whatever waits for a state: sensors, exports, imports, a freeze."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError
from airflow_release_plugin.hooks.release import DEFAULT_CONN_ID, ReleaseHook
from airflow_release_plugin.hooks.task import REFUSED
from airflow_release_plugin.triggers.watcher import Watch, Watcher


class ReleaseStateTrigger(BaseTrigger):
    """
    Fires when something is in one of the named states.

    The payload is a dict: ``status`` (``success`` or ``error``), ``state``, ``error_type`` (``refused``, or
    the code of an error of :mod:`airflow_release_plugin.exceptions`) and ``message``.

    :param subject: ``release:<id>``, ``gate:<id>``, ``export:<id>`` or ``import:<id>``
    :param targets: states that end the wait with success
    :param refusals: states that end it with an error
    :param known: state that the caller has seen; empty to be told the present one
    :param release_conn_id: connection to the server
    :param end_from_trigger: end the task in state success without a worker, with the state as its XCom
    """

    def __init__(
        self,
        subject: str,
        targets: Sequence[str],
        refusals: Sequence[str],
        known: str = "",
        release_conn_id: str = DEFAULT_CONN_ID,
        end_from_trigger: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.subject = subject
        self.targets = list(targets)
        self.refusals = list(refusals)
        self.known = known
        self.release_conn_id = release_conn_id
        self.end_from_trigger = end_from_trigger

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        return (
            "airflow_release_plugin.triggers.state.ReleaseStateTrigger",
            {
                "subject": self.subject,
                "targets": self.targets,
                "refusals": self.refusals,
                "known": self.known,
                "release_conn_id": self.release_conn_id,
                "end_from_trigger": self.end_from_trigger,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then fire once."""
        begun = asyncio.get_running_loop().time()
        event = await self._event()
        if not isinstance(event, TaskSuccessEvent):
            await asyncio.sleep(begun + worker_seconds() - asyncio.get_running_loop().time())
        yield event

    async def _event(self) -> TriggerEvent:
        try:
            state = await self._final_state()
        except ReleaseError as error:
            return _failure("", error.code, error.message)
        if state in self.refusals:
            return _failure(state, REFUSED, f"{self.subject} is {state!r}.")
        if self.end_from_trigger:
            return TaskSuccessEvent(xcoms={"return_value": state})
        return TriggerEvent({"status": "success", "state": state, "error_type": "", "message": ""})

    async def _final_state(self) -> str:
        watcher = Watcher.shared(self.release_conn_id, self._connect)
        state = self.known
        while not state or state not in (*self.targets, *self.refusals):
            state = await watcher.next_state(self.subject, state)
        return state

    async def _connect(self) -> Watch:
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            return await ReleaseHook(self.release_conn_id).get_async_conn()
        except AirflowNotFoundException as error:
            raise InvalidRequestError(
                "Connection %(release_conn_id)r does not exist; add it.", release_conn_id=self.release_conn_id
            ) from error


def worker_seconds() -> float:
    """
    How long a worker may take to notice that its task has deferred, and the scheduler to hear of it.

    A task that goes on just when the scheduler hears that it has ended is failed (Airflow 3.2 and 3.3).
    """
    from airflow.configuration import conf

    return conf.getfloat("workers", "min_heartbeat_interval", fallback=5) + 2


def _failure(state: str, error_type: str, message: str) -> TriggerEvent:
    return TriggerEvent({"status": "error", "state": state, "error_type": error_type, "message": message})
