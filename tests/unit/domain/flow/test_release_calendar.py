"""When releases may be executed: windows in time zones, also when the clock changes in spring and autumn."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_release_plugin.domain.flow.release_calendar import HORIZON, Calendar, Window, WindowKind
from airflow_release_plugin.exceptions import InvalidRequestError
from tests.harness.flow_strategies import windows

UTC = timezone.utc
NOON = datetime(2026, 3, 6, 12, tzinfo=UTC)  # a Friday
CHANGES = (
    ("Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 7, 12, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 10, 31, 12, tzinfo=UTC)),
)


def deny(cron: str = "", minutes: int = 0, **options: Any) -> Window:
    return Window("freeze", WindowKind.DENY, cron=cron, minutes=minutes, **options)


def allow(cron: str = "", minutes: int = 0, **options: Any) -> Window:
    return Window("office hours", WindowKind.ALLOW, cron=cron, minutes=minutes, **options)


def opens(now: datetime, *listed: Window) -> datetime | None:
    return Calendar(listed).next_open(now)


@pytest.mark.req("R19")
@settings(max_examples=60)
@given(st.lists(windows(), max_size=3), st.integers(0, 400), st.integers(0, 86_399), st.integers(0, 999_999))
def test_the_next_open_moment_is_open_and_nothing_before_it_is(
    listed: list[Window], days: int, seconds: int, micros: int
) -> None:
    calendar = Calendar(tuple(listed))
    now = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=days, seconds=seconds, microseconds=micros)
    found = calendar.next_open(now)
    end = now + timedelta(days=3) if found is None else min(found, now + timedelta(days=3))

    assert found is None or (found >= now and calendar.closed_by(found) is None)
    moment = now
    while moment < end:
        assert calendar.closed_by(moment) is not None
        moment += timedelta(minutes=37)
    if found is not None and found > now:
        assert calendar.closed_by(found - timedelta(microseconds=1)) is not None


@pytest.mark.req("R19")
@pytest.mark.parametrize(("zone", "day"), CHANGES)
@pytest.mark.parametrize("hour", ["1", "2", "3", "*"])
@pytest.mark.parametrize("minutes", [30, 90, 600])
def test_windows_follow_the_wall_clock_through_its_changes(
    zone: str, day: datetime, hour: str, minutes: int
) -> None:
    """
    A start that the clock skips comes when the gap ends; one that it shows twice comes twice. The end is what
    the clock shows then; where it skips that, the minutes count.
    """
    window = deny(f"30 {hour} * * *", minutes, zone=zone)
    every = [day - timedelta(days=1) + timedelta(minutes=i) for i in range(60 * 24 * 3)]
    starts = [moment for moment in every if begins(moment, hour, zone)]
    for moment in every[60 * 24 :: 15]:
        expected = any(start <= moment < ends(start, minutes, zone) for start in starts)
        assert (window.around(moment) is not None) is expected, moment


def ends(start: datetime, minutes: int, zone: str) -> datetime:
    """When the wall clock shows ``minutes`` more than at ``start`` for the first time."""
    wall = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None) + timedelta(minutes=minutes)
    moment = start
    while (shown := moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) < wall:
        moment += timedelta(minutes=1)
    return moment if shown == wall else start + timedelta(minutes=minutes)


@pytest.mark.req("R19")
@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_a_freeze_of_whole_days_has_no_hole_when_clocks_change(zone: str, day: datetime) -> None:
    weekend = deny("0 0 * * SAT", 2 * 1440, zone=zone)
    monday = (day + timedelta(days=2)).astimezone(ZoneInfo(zone)).replace(hour=0)
    began, end = weekend.around(day) or (day, day)

    assert (end, began.astimezone(ZoneInfo(zone)).hour) == (monday, 0)
    assert weekend.around(monday.astimezone(UTC) - timedelta(minutes=1)) == (began, end)
    assert weekend.around(monday.astimezone(UTC)) is None


def begins(moment: datetime, hour: str, zone: str) -> bool:
    """Whether the wall clock shows half past ``hour``, or has just skipped it."""
    wall, before = (m.astimezone(ZoneInfo(zone)) for m in (moment, moment - timedelta(minutes=1)))
    if hour == "*":
        return wall.minute == 30
    skipped = before.utcoffset() < wall.utcoffset()  # type: ignore[operator]
    return (wall.hour, wall.minute) == (int(hour), 30) or (skipped and before.hour + 1 == int(hour))


@pytest.mark.parametrize("offset", [timedelta(0), timedelta(microseconds=1), timedelta(seconds=59.9)])
def test_a_freeze_does_not_lift_for_a_moment_before_its_next_start(offset: timedelta) -> None:
    window = deny("0 * * * *", 90)
    moment = NOON - timedelta(seconds=0.5)

    assert window.around(moment) is not None
    assert Calendar((window,)).closed_by(moment - offset) == "freeze"


def test_a_window_holds_from_its_first_moment_to_before_its_end() -> None:
    window = deny("0 12 * * FRI", 60)

    assert window.around(NOON - timedelta(microseconds=1)) is None
    assert window.around(NOON) == (NOON, NOON + timedelta(hours=1))
    assert window.around(NOON + timedelta(minutes=59, seconds=59)) is not None
    assert window.around(NOON + timedelta(hours=1)) is None


@pytest.mark.req("R19")
def test_deny_wins_over_allow() -> None:
    listed = (allow("0 0 * * *", 1440), deny("0 12 * * *", 60))

    assert Calendar(listed).closed_by(NOON) == "freeze"
    assert opens(NOON, *listed) == NOON + timedelta(hours=1)


def test_outside_of_what_is_allowed_it_is_closed() -> None:
    calendar = Calendar((allow("0 9 * * 1-5", 480, zone="Europe/Berlin"),))

    assert calendar.closed_by(NOON) is None
    assert calendar.closed_by(NOON + timedelta(hours=5)) == "outside of office hours"
    assert calendar.next_open(NOON + timedelta(hours=5)) == datetime(2026, 3, 9, 8, tzinfo=UTC)


def test_without_windows_it_is_always_open() -> None:
    assert opens(NOON) == NOON


def test_a_freeze_that_meets_the_next_one_ends_with_the_last() -> None:
    first = deny(start=NOON, end=NOON + timedelta(hours=2))
    second = deny(start=NOON + timedelta(hours=1), end=NOON + timedelta(hours=5))

    assert opens(NOON, first, second) == NOON + timedelta(hours=5)


@pytest.mark.parametrize(
    "listed",
    [
        (deny("* * * * *", 1),),
        (deny("* * * * *", 60 * 24 * 31),),
        (deny("* * * * *", 1), allow("* * * * *", 1)),
        (deny("0 0 * * *", 1440), allow("* * * * *", 1)),
        (deny("0 0 * * *", 1440), allow("*/2 * * * *", 1)),
        (allow(start=NOON - timedelta(days=2), end=NOON - timedelta(days=1)),),
        (deny("0 0 1 * *", 60 * 24 * 31),),
        (deny(start=NOON, end=NOON + HORIZON * 2),),
        tuple(deny(f"{minute}-59/30 * * * *", 1) for minute in range(30)),
    ],
)
def test_when_it_never_opens_the_answer_is_none_and_comes_soon(listed: tuple[Window, ...]) -> None:
    before = time.process_time()

    assert opens(NOON, *listed) is None
    assert time.process_time() - before < 10


def test_a_long_freeze_over_short_allowances_is_crossed_at_once() -> None:
    listed = (deny(start=NOON, end=NOON + timedelta(days=300)), allow("* * * * *", 1))

    assert opens(NOON, *listed) == NOON + timedelta(days=300)


@pytest.mark.parametrize(
    "options",
    [
        {"cron": "0 0 31 2 *", "minutes": 5},
        {"cron": "R * * * *", "minutes": 5},
        {"cron": "r r * * *", "minutes": 5},
        {"cron": "H * * * *", "minutes": 5},
        {"cron": "@daily", "minutes": 5},
        {"cron": "0 0 * *", "minutes": 5},
        {"cron": "0 0 * * * *", "minutes": 5},
        {"cron": "60 0 * * *", "minutes": 5},
        {"cron": "0 0 * * FRY", "minutes": 5},
        {"cron": "0 0 * * *", "minutes": 0},
        {"cron": "0 0 * * *", "minutes": -1},
        {"cron": "0 0 * * *", "minutes": 60 * 24 * 31 + 1},
        {"cron": "0 0 * * *", "minutes": 5, "zone": "Mars/Base"},
        {"cron": "0 0 * * *", "minutes": 5, "zone": "../../etc/passwd"},
        {"cron": "0 0 * * *", "minutes": 5, "zone": ""},
        {"cron": "0 0 * * *", "minutes": 5, "start": NOON},
        {},
        {"start": NOON},
        {"start": NOON, "end": NOON},
        {"start": NOON, "end": NOON - timedelta(seconds=1)},
        {"start": NOON, "end": datetime.max.replace(tzinfo=UTC), "zone": "Asia/Shanghai"},
        {"start": datetime.min.replace(tzinfo=timezone(timedelta(hours=1))), "end": NOON},
    ],
)
def test_a_window_that_means_nothing_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        Window("w", WindowKind.DENY, **options)


@pytest.mark.parametrize("name", ["", "  ", "x" * 111])
def test_a_window_has_a_name(name: str) -> None:
    with pytest.raises(InvalidRequestError):
        Window(name, WindowKind.DENY, cron="0 0 * * *", minutes=5)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "x",
        [],
        {},
        {"name": "x", "kind": "deny"},
        {"name": "x", "kind": "maybe", "cron": "0 0 * * *", "minutes": 5},
        {"name": "x", "kind": "deny", "cron": "0 0 * * *", "minutes": "soon"},
        {"name": "x", "kind": "deny", "cron": "0 0 * * *", "minutes": 5, "timezone": "Europe/Berlin"},
        {"name": "x", "kind": "deny", "start": "tomorrow", "end": "later"},
        {"name": "x", "kind": "deny", "cron": "0 0 * * *", "minutes": float("nan")},
        {"name": "x", "kind": "deny", "cron": "0 0 * * *", "minutes": float("inf")},
        {"name": 7, "kind": "deny", "cron": "0 0 * * *", "minutes": 5},
        {"name": "x", "kind": "deny", "cron": "0 0 * * *", "minutes": 5.5},
    ],
)
def test_what_is_no_window_is_refused(raw: Any) -> None:
    with pytest.raises(InvalidRequestError):
        Window.from_dict(raw)


@given(windows())
def test_a_window_written_down_and_read_again_is_the_same(window: Window) -> None:
    assert Window.from_dict(window.to_dict()) == window


def test_a_moment_without_a_zone_is_utc() -> None:
    raw = {"name": "x", "kind": "deny", "start": "2026-03-06 12:00", "end": "2026-03-06T14:00:00Z"}

    assert Window.from_dict(raw).around(NOON) == (NOON, NOON + timedelta(hours=2))
