"""Which events of the trail are counted, and how: what is in the trail is counted, whoever did it."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_release_plugin.domain import metrics
from airflow_release_plugin.domain.events import EventTag, JsonValue
from airflow_release_plugin.domain.metrics import Metric

_CHECK = "check"


def counter_of(
    tag: EventTag, subject: str, data: Mapping[str, JsonValue]
) -> tuple[Metric, dict[str, str]] | None:
    """The counter that an event adds one to, with its tags; ``None`` for what nobody counts."""
    kind = str(data.get("kind", ""))
    result = "passed" if data.get("passed") else "failed"
    if tag is EventTag.RELEASE_MOVED:
        return metrics.MOVES, {"state": str(data["after"])}
    if tag is EventTag.APPROVAL_DECIDED:
        of = subject.partition(":")[0]
        return metrics.DECISIONS, {"subject": of, "verdict": str(data["verdict"])}
    if tag is EventTag.RELEASE_CHECKED and kind == _CHECK:
        return metrics.CHECKS, {"result": result}
    if tag is EventTag.RELEASE_VERIFIED:
        return metrics.VERIFICATIONS, {"kind": kind, "result": result}
    if tag is EventTag.ENVIRONMENT_VERIFIED:
        return metrics.DRIFT_CHANGES, {"result": "drift" if data.get("total") else "well"}
    plain = _PLAIN.get(tag)
    return None if plain is None else (plain, {})


_PLAIN = {
    EventTag.RELEASE_GLASS_BROKEN: metrics.GLASS_BROKEN,
    EventTag.NOTIFICATION_FAILED: metrics.NOTIFICATIONS_FAILED,
    EventTag.TASK_REFUSED: metrics.TASKS_REFUSED,
}
