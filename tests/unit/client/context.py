"""The part of a task's context that our operators read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any


@dataclass
class TaskInstance:
    """What a running task offers, with pushed XComs kept."""

    dag_id: str = "pay"
    run_id: str = "r1"
    task_id: str = "ask"
    map_index: int | None = None
    try_number: int = 1
    bundle_instance: Any = field(default_factory=lambda: SimpleNamespace(name="prod", version="c0ffee"))
    xcoms: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value


def context(ti: TaskInstance | None = None, **changes: Any) -> Any:
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    return {
        "ti": ti or TaskInstance(),
        "dag_run": SimpleNamespace(conf={"release_id": 7, "attempt": 1}),
        "data_interval_start": start,
        "data_interval_end": start,
    } | changes
