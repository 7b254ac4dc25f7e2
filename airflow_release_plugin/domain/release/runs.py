"""Start status: what became of the runs that a release was to start (R11)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WAITING = "waiting"
"""The pipeline will start it."""
NOT_STARTED = "not_started"
"""It could not be started; ``problem`` says why."""
DELETED = "missing"
"""It was started, and somebody deleted it in Airflow since."""
AT_WORK = frozenset({"queued", "running"})
"""States of a run that has not ended."""


@dataclass(frozen=True)
class StartStatus:
    """
    One DAG of a release that asked for runs.

    :param run_id: of its run; empty before there is one
    :param state: as Airflow names it, or one of the words above
    :param ended: whether nothing more is to be expected
    :param problem: why it was not started
    """

    dag_id: str
    run_id: str
    state: str
    ended: bool = False
    problem: str = ""


@dataclass(frozen=True)
class StartSummary:
    """How many runs there are to be, and how they stand."""

    total: int
    succeeded: int
    failed: int
    not_started: int
    deleted: int

    @property
    def under_way(self) -> int:
        """Those that wait or run."""
        return self.total - self.succeeded - self.failed - self.not_started - self.deleted


def summary(statuses: Iterable[StartStatus]) -> StartSummary:
    """Count."""
    states = [status.state for status in statuses]
    return StartSummary(
        total=len(states),
        succeeded=states.count("success"),
        failed=states.count("failed"),
        not_started=states.count(NOT_STARTED),
        deleted=states.count(DELETED),
    )
