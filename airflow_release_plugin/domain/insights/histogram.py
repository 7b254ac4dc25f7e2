"""
Durations in classes, and how often each class was seen: as bytes that add up without being read.

Up to an hour a class is a minute wide; from there on, what lies between a power of two and the next one has
32 of them. So the middle of a class is within 1.6 % of every duration in it, and a month of thousands of
durations has a few hundred numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from airflow_release_plugin.domain.insights.distribution import MINUTE, Distribution, rounded

EXACT: Final = 64
"""Minutes below which each one is a class of its own."""
_PARTS: Final = EXACT // 2
_COUNT: Final = struct.Struct("<I")
"""How a number is written; months with four thousand million durations do not occur."""
_BITS: Final = 8 * _COUNT.size


def class_of(seconds: int) -> int:
    """Number of the class that a duration is in."""
    minutes = seconds // MINUTE
    if minutes < EXACT:
        return minutes
    shift = minutes.bit_length() - EXACT.bit_length() + 1
    return EXACT + (shift - 1) * _PARTS + (minutes >> shift) - _PARTS


@lru_cache(maxsize=1024)
def middle_of(number: int) -> int:
    """The duration that stands for a class, in seconds, :func:`rounded`."""
    if number < EXACT:
        return number * MINUTE
    doublings, part = divmod(number - EXACT, _PARTS)
    shift = doublings + 1
    return rounded((((_PARTS + part) << shift) + (1 << doublings)) * MINUTE)


def with_one(counts: bytes, number: int, by: int = 1) -> bytes:
    """The same counts with one more, or less, of a class."""
    return _to_bytes(int.from_bytes(counts, "little") + (by << (_BITS * number)))


def distribution_of(parts: Iterable[bytes]) -> Distribution:
    """All these counts together."""
    # As one number each: none of them is long enough to flow over into the next.
    data = _to_bytes(sum(int.from_bytes(counts, "little") for counts in parts))
    found = {number: count for number, (count,) in enumerate(_COUNT.iter_unpack(data)) if count}
    return in_classes(found)


def _to_bytes(number: int) -> bytes:
    return number.to_bytes(_COUNT.size * -(-number.bit_length() // _BITS), "little")


def in_classes(counts: Mapping[int, int]) -> Distribution:
    """The distribution of durations of which only their classes are known."""
    together: dict[int, int] = {}
    for number, count in counts.items():
        seconds = middle_of(number)
        together[seconds] = together.get(seconds, 0) + count
    return Distribution(together)
