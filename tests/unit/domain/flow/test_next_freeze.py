from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from airflow_release_plugin.domain.flow.flow import FlowSpec, Level, StepSpec
from airflow_release_plugin.domain.flow.next_freeze import Freeze, next_closing, next_freezes
from airflow_release_plugin.domain.flow.release_calendar import Calendar, Window, WindowKind
from airflow_release_plugin.domain.kinds import ReleaseKind

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=timezone.utc)  # a Wednesday
DENY, ALLOW = WindowKind.DENY, WindowKind.ALLOW


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=timezone.utc)


def fixed(name: str, start: datetime, end: datetime, kind: WindowKind = DENY) -> Window:
    return Window(name, kind, start=start, end=end)


OFFICE = Window("office hours", ALLOW, cron="0 9 * * MON-FRI", minutes=8 * 60)
MORNINGS = Window("mornings", ALLOW, cron="0 8 * * *", minutes=4 * 60)
AFTERNOONS = Window("afternoons", ALLOW, cron="0 12 * * *", minutes=6 * 60)
WEEKEND = Window("weekend", DENY, cron="0 15 * * FRI", minutes=60 * 60)


@pytest.mark.req("R90")
@pytest.mark.parametrize(
    ("windows", "closing"),
    [
        ((), None),
        ((fixed("past", at(1), at(2)),), None),
        ((WEEKEND,), (at(6, 15), "weekend")),
        ((fixed("audit", at(4, 8), at(5)), WEEKEND), (NOW, "audit")),
        ((OFFICE,), (at(4, 17), "outside of office hours")),
        ((MORNINGS, AFTERNOONS), (at(4, 18), "outside of mornings, afternoons")),
        ((OFFICE, fixed("audit", at(4, 16), at(5))), (at(4, 16), "audit")),
        ((fixed("all day", at(4), at(5), ALLOW),), (at(5), "outside of all day")),
    ],
)
def test_the_first_moment_at_which_a_calendar_is_closed(
    windows: tuple[Window, ...], closing: tuple[datetime, str] | None
) -> None:
    assert next_closing(Calendar(windows), NOW) == closing


def test_windows_without_a_gap_end_the_look() -> None:
    every_minute = Window("always", ALLOW, cron="* * * * *", minutes=1)

    assert next_closing(Calendar((every_minute,)), NOW) is None


def flow(
    name: str, *windows: Window, enabled: bool = True, kind: ReleaseKind = ReleaseKind.PROMOTION
) -> FlowSpec:
    level = Level("Standard", (StepSpec("One", roles=("op",)),))
    return FlowSpec(name, kind, (level,), enabled=enabled, calendar=Calendar(windows))


@pytest.mark.req("R90")
def test_the_next_freezes_are_those_of_enabled_flows_for_releases_the_soonest_first() -> None:
    audit = fixed("audit", at(4, 8), at(5))
    flows = [
        flow("Weekend", WEEKEND),
        flow("Audit", audit),
        flow("Office", OFFICE),
        flow("Off", audit, enabled=False),
        flow("Gates", audit, kind=ReleaseKind.GATE),
        flow("Always open"),
    ]

    assert next_freezes(flows, NOW, limit=2) == [
        Freeze("Audit", "audit", NOW, at(5)),
        Freeze("Office", "outside of office hours", at(4, 17), at(5, 9)),
    ]
    assert [freeze.ends for freeze in next_freezes(flows, NOW, limit=9)][2:] == [
        at(6, 15) + timedelta(hours=60)
    ]
