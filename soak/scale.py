"""A short run shrinks the days of settings as it shrinks the years: what goes after a time still goes."""

from __future__ import annotations

from soak.verdict import KEPT_FOR_A_TIME

YEARS = 156
"""Weeks of a whole run, which has the settings that everybody has."""
_DAYS = {
    "keep_snapshots_days": 30,
    "keep_notifications_days": 180,
    "keep_transfers_days": 730,
    "keep_details_days": 180,
    "keep_events_days": 730,
}


def settings_for(weeks: int) -> dict[str, int]:
    """Settings of a run; none for a whole one."""
    if weeks >= YEARS:
        return {}
    return {name: max(1, days * weeks // YEARS) for name, days in _DAYS.items()}


def judged(weeks: int) -> tuple[str, ...]:
    """Tables whose size says something: events go by calendar months, which do not shrink."""
    return tuple(name for name in KEPT_FOR_A_TIME if weeks >= YEARS or name != "release_event")
