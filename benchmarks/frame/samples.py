"""One measurement: seconds of processors and of the wall, or a number of bytes."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """
    What one round of one contestant took.

    :param cpu: seconds of this process and of its children that have ended, and what was added
    :param wall: seconds by the clock
    :param size: bytes, or how often
    """

    cpu: float | None = None
    wall: float | None = None
    size: float | None = None

    def shared_by(self, times: int) -> Sample:
        """One of so many equal parts."""
        parts = (None if each is None else each / times for each in (self.cpu, self.wall, self.size))
        return Sample(*parts)


Contestant = Callable[[], Sample]


def processor_seconds() -> float:
    """CPU that this process has used up to now, and its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def taken(action: Callable[[], object], *, others: Callable[[], float] = lambda: 0.0) -> Sample:
    """
    What an action takes.

    :param others: CPU seconds up to now of processes that work for it and go on, say a database
    """
    cpu, began = processor_seconds() + others(), time.perf_counter()
    action()
    wall = time.perf_counter() - began
    return Sample(cpu=processor_seconds() + others() - cpu, wall=wall)


def timed(action: Callable[[], object], *, times: int = 1) -> Contestant:
    """A contestant that does this; ``times`` in a row for what is too short to be measured once."""

    def repeat() -> None:
        for _ in range(times):
            action()

    return lambda: taken(repeat).shared_by(times)


def living_seconds() -> float:
    """CPU that this process' descendants have used up to now and still live, to a hundredth of a second."""
    import psutil

    seconds = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
    return seconds
