"""When nothing can be executed next, by the calendars of flows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from airflow_release_plugin.domain.flow.flow import FlowSpec
from airflow_release_plugin.domain.flow.release_calendar import HORIZON, MAX_WINDOWS, Calendar, WindowKind
from airflow_release_plugin.domain.kinds import ReleaseKind


@dataclass(frozen=True)
class Freeze:
    """
    A time in which nothing goes out under a flow.

    :param name: of the window that closes it
    :param starts: the moment that was asked about, if it is closed then
    :param ends: ``None`` when no end is in sight
    """

    flow: str
    name: str
    starts: datetime
    ends: datetime | None


def next_freezes(flows: Iterable[FlowSpec], now: datetime, *, limit: int) -> list[Freeze]:
    """The freeze of each flow for releases that is on at ``now``, or comes next; the first ones."""
    closings = [
        (*closing, flow)
        for flow in flows
        if flow.enabled
        and flow.kind is not ReleaseKind.GATE
        and (closing := next_closing(flow.calendar, now))
    ]
    closings.sort(key=lambda closing: (closing[0], closing[2].name))
    return [
        Freeze(flow.name, name, starts, flow.calendar.next_open(starts))
        for starts, name, flow in closings[:limit]
    ]


def next_closing(calendar: Calendar, now: datetime) -> tuple[datetime, str] | None:
    """The first moment from ``now`` on at which it is closed, and what closes it; ``None``: not in sight."""
    moment: datetime | None = now
    # Where windows that allow follow each other without a gap, each end is looked at.
    for _ in range(2 * MAX_WINDOWS):
        if moment is None or moment - now >= HORIZON:
            return None
        if name := calendar.closed_by(moment):
            return moment, name
        moment = _next_edge(calendar, moment)
    return None


def _next_edge(calendar: Calendar, moment: datetime) -> datetime | None:
    """The next moment at which an open calendar may close: a window that denies begins, or one ends."""
    edges = []
    for window in calendar.windows:
        if window.kind is WindowKind.DENY:
            edges.append(window.next_start(moment))
        elif stretch := window.around(moment):
            edges.append(stretch[1])
    return min((edge for edge in edges if edge is not None), default=None)
