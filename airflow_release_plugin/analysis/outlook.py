"""What the scheduler would create of a DAG from now on; computed by its timetable, where DAG code may run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

MOST_DUE = 1000
"""Counting ends here: more runs than that are one piece of bad news."""


@dataclass(frozen=True)
class Outlook:
    """
    The next run by schedule, and how many are due already; times are ISO 8601 in UTC, empty for none.

    :param run_after: when the scheduler creates the next run; in the past when it would do so at once
    :param interval_start: first moment of that run's data interval
    :param due: runs that the scheduler creates at once; :data:`MOST_DUE` means that many or more
    """

    run_after: str = ""
    interval_start: str = ""
    interval_end: str = ""
    due: int = 0


def find_outlook(dag: Any, last_run: Any) -> Outlook:
    """
    Ask the timetable of a serialized DAG, as the scheduler does, from its last automated run on.

    :param last_run: that run as Airflow's ``DagRunInfo``; ``None`` when there was none
    """
    now = datetime.now(timezone.utc)
    first = info = dag.next_dagrun_info(last_automated_run_info=last_run)
    due = 0
    while info is not None and info.run_after <= now and due < MOST_DUE:
        due += 1
        info = dag.next_dagrun_info(last_automated_run_info=info)
    if first is None:
        return Outlook()
    interval = first.data_interval
    return Outlook(
        run_after=_text(first.run_after),
        interval_start=_text(interval.start) if interval else "",
        interval_end=_text(interval.end) if interval else "",
        due=due,
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat(timespec="seconds")
