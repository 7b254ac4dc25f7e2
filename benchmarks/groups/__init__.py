"""The rows, in a module for each group; :data:`ALL` has them in the order in which they run."""

from __future__ import annotations

from benchmarks.frame.rows import RowGroup
from benchmarks.groups import adoption, check, cold_start, lists, promotion, release, serving, source

ALL: tuple[RowGroup, ...] = (
    serving.GROUP,
    source.GROUP,
    check.GROUP,
    promotion.GROUP,
    lists.GROUP,
    cold_start.GROUP,
    release.GROUP,
    adoption.GROUP,
)
