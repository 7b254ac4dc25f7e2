"""A clock that stands still until it is moved."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone


class FrozenClock:
    """Call it for the time; ``advance`` it by what ``timedelta`` takes."""

    def __init__(self, now: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> datetime:
        """Move the clock, say ``advance(hours=24)``; return the new time."""
        self.now += timedelta(**by)
        return self.now
