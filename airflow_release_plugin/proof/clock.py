"""How much of the time that passes a process had, and what it used: a busy machine is not its fault."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK") if sys.platform == "linux" else 100
_USER, _SYSTEM = 11, 12
"""Fields of ``/proc/<pid>/stat`` behind the name of the program."""


@dataclass(frozen=True)
class Moment:
    """
    A reading of :class:`ProcessClock`.

    :param own: seconds without those in which it could have run, but other processes had the processors
    :param used: seconds of processor time, of all its threads; 0 where the system does not tell
    """

    own: float
    used: float

    def __sub__(self, earlier: Moment) -> Moment:
        return Moment(self.own - earlier.own, self.used - earlier.used)


class ProcessClock:
    """Clock of one process; off Linux it is a clock like any other."""

    def __init__(self, pid: int) -> None:
        self._stat = Path(f"/proc/{pid}/stat")
        self._schedule = Path(f"/proc/{pid}/schedstat")

    def now(self) -> Moment:
        """Read it; of a process that has ended, the time goes on and nothing is used."""
        return Moment(time.monotonic() - self._waited(), self._used())

    def _waited(self) -> float:
        try:
            return int(self._schedule.read_text().split()[1]) / 1e9
        except (OSError, ValueError, IndexError):
            return 0.0

    def _used(self) -> float:
        try:
            fields = self._stat.read_text().rpartition(")")[2].split()
            return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS
        except (OSError, ValueError, IndexError):
            return 0.0
