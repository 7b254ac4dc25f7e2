"""When a release may be executed: windows that allow and windows that deny; deny wins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

from airflow_release_plugin.domain.text.field_errors import Problem, refusal
from airflow_release_plugin.domain.text.strict_json import read_fields
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message

# Without croniter's "R", which stands for another time at each look.
_CRON = re.compile(r"(?!.*\bR\b)[A-Z0-9*?,/#-]+( [A-Z0-9*?,/#-]+){4}", re.IGNORECASE)
MAX_NAME = 110
MAX_WINDOW_MINUTES = 60 * 24 * 31
HORIZON = timedelta(days=400)
"""How far ahead :meth:`Calendar.next_open` looks: past any window that comes once a year."""
MAX_LOOKS = 3000
"""How often it looks at a window: those that follow each other every minute must not keep a page waiting."""
MAX_WINDOWS = 30


class WindowKind(str, Enum):
    """What a window does."""

    ALLOW = "allow"
    """Outside of all windows of this kind nothing is executed."""
    DENY = "deny"
    """Nothing is executed inside."""


@dataclass(frozen=True)
class Window:
    """
    A stretch of time: fixed (``start`` to ``end``), or repeated (``cron`` and ``minutes``).

    :param cron: five fields; each match begins a stretch
    :param minutes: length of each stretch by the clock on the wall: what ends at midnight does so on each day
    :param zone: IANA name in which ``cron`` is read, and in which a fixed stretch is shown
    """

    name: str
    kind: WindowKind
    cron: str = ""
    minutes: int = 0
    start: datetime | None = None
    end: datetime | None = None
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > MAX_NAME:
            raise _refusal(Message("A window needs a name of 1 to %(most)s characters.", most=MAX_NAME))
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as error:
            raise self._refusal(Message("there is no time zone %(zone)r.", zone=self.zone)) from error
        for moment in (self.start, self.end):
            self._check_moment(moment)
        if self.cron:
            self._check_repeated()
        elif self.start is None or self.end is None or self.end <= self.start:
            raise _refusal(
                Message(
                    "Window %(name)r needs a start and a later end, or a cron expression.", name=self.name
                )
            )

    def _check_moment(self, moment: datetime | None) -> None:
        """Pages show it in the zone of the window, and all else counts in UTC."""
        try:
            if moment is not None:
                moment.astimezone(timezone.utc).astimezone(ZoneInfo(self.zone))
        except OverflowError as error:
            raise self._refusal(Message("its start or end is in no year from 1 to 9999.")) from error

    def _check_repeated(self) -> None:
        if not _CRON.fullmatch(self.cron) or not croniter.is_valid(self.cron):  # type: ignore[no-untyped-call]
            raise self._refusal(
                Message(
                    "%(cron)r is not a cron expression; write five fields, such as '0 15 * * FRI'.",
                    cron=self.cron,
                )
            )
        if self.start is not None or self.end is not None:
            raise _refusal(
                Message(
                    "Window %(name)r has a cron expression and a start or end; make two windows.",
                    name=self.name,
                )
            )
        if not 1 <= self.minutes <= MAX_WINDOW_MINUTES:
            raise self._refusal(Message("its length must be 1 to %(most)s minutes.", most=MAX_WINDOW_MINUTES))
        try:
            self.next_start(datetime(2026, 1, 1, tzinfo=timezone.utc))
        except CroniterBadDateError as error:
            raise self._refusal(Message("%(cron)r never comes.", cron=self.cron)) from error

    def _refusal(self, problem: str) -> InvalidRequestError:
        return _refusal(Message("Window %(name)r: %(problem)s", name=self.name, problem=problem))

    def around(self, now: datetime) -> tuple[datetime, datetime] | None:
        """The stretch that contains ``now``: its start, and its end, which is outside."""
        if not self.cron:
            start, end = self.start, self.end
            return (start, end) if start is not None and end is not None and start <= now < end else None
        # A match in this very minute begins a stretch; ``get_prev`` alone would miss it.
        minute = now.replace(second=0, microsecond=0)
        on_wall = self._cron(minute + timedelta(seconds=1)).get_prev(datetime)
        began, end = on_wall.astimezone(timezone.utc), self._end_of(on_wall)
        return (began, end) if began <= now < end else None

    def _end_of(self, began: datetime) -> datetime:
        """When the stretch ends that begins at this moment of its zone; what comes twice, the next time."""
        wall = began.replace(tzinfo=None) + timedelta(minutes=self.minutes)
        both = [wall.replace(tzinfo=began.tzinfo, fold=fold).astimezone(timezone.utc) for fold in (0, 1)]
        return both[0] if both[0] > began else both[1]

    def next_start(self, now: datetime) -> datetime | None:
        """Start of the next stretch after ``now``."""
        if not self.cron:
            return self.start if self.start is not None and self.start > now else None
        following: datetime = self._cron(now).get_next(datetime)
        return following.astimezone(timezone.utc)

    def _cron(self, moment: datetime) -> Any:
        return croniter(self.cron, moment.astimezone(ZoneInfo(self.zone)))

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "name": self.name,
            "kind": self.kind.value,
            **({"cron": self.cron, "minutes": self.minutes} if self.cron else {}),
            **({"zone": self.zone} if self.cron or self.zone != "UTC" else {}),
            **({"start": self.start.isoformat()} if self.start else {}),
            **({"end": self.end.isoformat()} if self.end else {}),
        }

    @classmethod
    def from_dict(cls, raw: Any) -> Window:
        """Inverse of :meth:`to_dict`. Raises ``InvalidRequestError``."""
        try:
            values = read_fields({**raw, "start": None, "end": None}, cls)
            return cls(
                **{
                    **values,
                    "kind": WindowKind(values.get("kind")),
                    "start": _moment(raw.get("start")),
                    "end": _moment(raw.get("end")),
                }
            )
        except (TypeError, ValueError) as error:
            raise _refusal(Message("A freeze window is not readable: %(error)s.", error=error)) from error


def _refusal(text: str) -> InvalidRequestError:
    return refusal([Problem("calendar", text)])


def _moment(text: Any) -> datetime | None:
    if text in (None, ""):
        return None
    moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Calendar:
    """Windows together. Without any, it is always open."""

    windows: tuple[Window, ...] = ()

    def closed_by(self, now: datetime) -> str | None:
        """Name of what closes the calendar at ``now``; ``None`` when it is open."""
        for window in self._of(WindowKind.DENY):
            if window.around(now):
                return window.name
        allowing = self._of(WindowKind.ALLOW)
        if allowing and not any(window.around(now) for window in allowing):
            return Message("outside of %(windows)s", windows=[window.name for window in allowing])
        return None

    def next_open(self, now: datetime) -> datetime | None:
        """The first moment from ``now`` on at which it is open; ``None`` when there is none in sight."""
        moment: datetime | None = now
        for _ in range(MAX_LOOKS // max(1, len(self.windows))):
            if moment is None or moment - now >= HORIZON:
                return None
            if self.closed_by(moment) is None:
                return moment
            moment = self._edge(moment)
        return None

    def _of(self, kind: WindowKind) -> Sequence[Window]:
        return [window for window in self.windows if window.kind is kind]

    def _edge(self, moment: datetime) -> datetime | None:
        """A later moment than ``moment``, at which it is closed; before it the calendar does not open."""
        denied = [stretch[1] for w in self._of(WindowKind.DENY) if (stretch := w.around(moment))]
        if denied:
            return max(denied)
        starts = [start for w in self._of(WindowKind.ALLOW) if (start := w.next_start(moment))]
        return min(starts, default=None)
