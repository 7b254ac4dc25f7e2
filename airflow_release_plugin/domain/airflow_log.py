"""Which events of the trail are told in Airflow's audit log, too, and in which words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from airflow_release_plugin.domain.events import EventTag, JsonValue
from airflow_release_plugin.domain.tasks import TaskKey

APPROVE = "release_approve"
REJECT = "release_reject"
BREAK_GLASS = "release_break_glass"
PROMOTE = "release_promote"
ROLL_BACK = "release_roll_back"
REVOKE = "release_revoke"
HOLD = "release_hold"
LIFT_HOLD = "release_lift_hold"
RESTORE = "release_restore_branch"
REPAIR = "release_repair_drift"

_BY_TAG = {
    EventTag.RELEASE_GLASS_BROKEN: BREAK_GLASS,
    EventTag.RELEASE_REVOKED: REVOKE,
    EventTag.ENVIRONMENT_HELD: HOLD,
    EventTag.ENVIRONMENT_HOLD_LIFTED: LIFT_HOLD,
    EventTag.ENVIRONMENT_RESTORED: RESTORE,
    EventTag.ENVIRONMENT_REPAIRED: REPAIR,
}
_BY_STATE = {"released": PROMOTE, "rolled_back": ROLL_BACK}
_BY_VERDICT = {"approve": APPROVE, "reject": REJECT}


@dataclass(frozen=True)
class LogLine:
    """
    One line of Airflow's audit log.

    Airflow shows a line to whoever may read its DAG, one without a DAG to everybody who may read the log. So
    it says what was done and where to read more, no reasons and no comments.

    :param event: at most 60 characters, in the way of Airflow's own (``trigger_dag_run``)
    :param extra: a few facts as JSON
    """

    time: datetime
    event: str
    actor_name: str
    dag_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    map_index: int | None = None
    try_number: int | None = None
    extra: Mapping[str, JsonValue] = field(default_factory=dict)

    def about(self, extra: Mapping[str, JsonValue]) -> LogLine:
        """The line with these facts."""
        return replace(self, extra=extra)

    def at_task(self, task: TaskKey) -> LogLine:
        """The line as one about a task instance."""
        return replace(
            self,
            dag_id=task.dag_id,
            run_id=task.run_id,
            task_id=task.task_id,
            map_index=task.map_index,
            try_number=task.try_number,
        )

    def for_each(self, dag_ids: Iterable[str]) -> list[LogLine]:
        """The line once for each DAG; as it is where there is none."""
        return [replace(self, dag_id=dag_id) for dag_id in dag_ids] or [self]


def name_of(tag: EventTag, data: Mapping[str, JsonValue]) -> str:
    """What Airflow's log calls an event; empty for what it is not told."""
    if tag is EventTag.RELEASE_MOVED:
        return _BY_STATE.get(str(data["after"]), "")
    if tag is EventTag.APPROVAL_DECIDED:
        return _BY_VERDICT.get(str(data["verdict"]), "")
    return _BY_TAG.get(tag, "")
