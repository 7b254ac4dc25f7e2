"""Remembers what was found out about a file for as long as its stat stays the same."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Stamp = tuple[int, int, int, int, int]
"""What changes when a file is written: times, size, inode, mode."""

_SETTLED_NS = 2_000_000_000
"""A file that changed less than 2 s ago may change again under the same time stamp: not remembered."""
_LIMIT = 200_000


class StatMemo(Generic[T]):
    """Answers by file. Emptied when it passes 200,000 rows, so that a long-lived process stays bounded."""

    def __init__(self) -> None:
        self._rows: dict[Hashable, tuple[Stamp, T]] = {}

    def get(self, key: Hashable, info: os.stat_result, make: Callable[[], T]) -> T:
        """Return the answer for the file ``key`` with this stat; ``make`` gives it if it is not known."""
        row = self._rows.get(key)
        stamp = stamp_of(info)
        if row is not None and row[0] == stamp:
            return row[1]
        made = make()
        if is_settled(info):
            bound(self._rows)
            self._rows[key] = (stamp, made)
        return made

    def known(self, key: Hashable, info: os.stat_result) -> T | None:
        """The answer for the file ``key`` with this stat, if it is known."""
        row = self._rows.get(key)
        return row[1] if row is not None and row[0] == stamp_of(info) else None


def stamp_of(info: os.stat_result) -> Stamp:
    """What changes when the file is written."""
    return (info.st_mtime_ns, info.st_size, info.st_ino, info.st_ctime_ns, info.st_mode)


def is_settled(info: os.stat_result, now: int = 0) -> bool:
    """
    Whether the next change of the file is sure to get another time stamp.

    :param now: in nanoseconds since 1970, where it was asked for already
    """
    return (now or time.time_ns()) - max(info.st_mtime_ns, info.st_ctime_ns) > _SETTLED_NS


def bound(table: dict[Any, Any]) -> None:
    """Empty a table that is full."""
    if len(table) >= _LIMIT:
        table.clear()
