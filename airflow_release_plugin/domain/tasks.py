"""Task instances as Airflow has them on record, and what a task of ours may say to the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

ROLE_FIELD = "release_role"
"""Attribute of our operators that Airflow serializes with the DAG; subclasses inherit it."""
LINK_KEY = "_link_ReleaseLink"
"""How the key of our operators' link begins; their role follows. Of mapped tasks Airflow records no more."""


class TaskRole(str, Enum):
    """What an operator or sensor is there for. The server trusts Airflow's record of it, never the caller."""

    GATE = "gate"
    """Asks people to sign off the run that it stands in."""
    CHECK = "check"
    """Parses what a release would bring, and reports."""
    REQUEST_APPROVAL = "request_approval"
    """Opens the approval of a release whose checks passed."""
    PROMOTE = "promote"
    """Moves the target to an approved release."""
    VERIFY = "verify"
    """Asks whether Airflow serves what was promoted."""
    RUN = "run"
    """Starts the released DAGs."""
    SOAK = "soak"
    """Watches their first runs."""


@dataclass(frozen=True, order=True)
class TaskKey:
    """One try of one task instance; ``map_index`` is -1 for a task that is not mapped."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, for events and columns."""
        return {
            "dag_id": self.dag_id,
            "run_id": self.run_id,
            "task_id": self.task_id,
            "map_index": self.map_index,
            "try_number": self.try_number,
        }


@dataclass(frozen=True)
class TaskRecord:
    """
    What Airflow recorded about a task instance as it is now.

    :param try_number: the present one; an earlier try has no record here
    :param state: as Airflow names it; ``running`` from the moment in which a worker begins
    :param process: names the process that runs it, or ran it last: another one for every start by a worker
    :param run_started_by: login name of whoever triggered the run, else how it came to be (``scheduled``)
    """

    key: TaskKey
    state: str
    process: str
    bundle_name: str | None = None
    bundle_version: str | None = None
    data_interval_start: datetime | None = None
    data_interval_end: datetime | None = None
    run_started_by: str = ""

    @property
    def is_running(self) -> bool:
        """Whether a worker is at it."""
        return self.state == "running"


@dataclass(frozen=True)
class TaskOperator:
    """What a task is, by the serialized DAG that its instance runs; ``role`` only for operators of ours."""

    name: str
    role: TaskRole | None = None
