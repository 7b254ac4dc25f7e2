"""The rows, in a module for each group; :data:`ALL` has them in the order in which they run."""

from __future__ import annotations

from benchmarks.frame.rows import RowGroup
from benchmarks.groups import (
    adoption,
    check,
    closure,
    cold_start,
    gates,
    lists,
    plugin,
    promotion,
    release,
    served,
    serving,
    source,
    transfer,
    unrelated,
)

ALL: tuple[RowGroup, ...] = (
    serving.GROUP,
    plugin.GROUP,
    closure.GROUP,
    source.GROUP,
    check.GROUP,
    promotion.GROUP,
    transfer.GROUP,
    gates.GROUP,
    lists.GROUP,
    cold_start.GROUP,
    release.GROUP,
    served.GROUP,
    unrelated.GROUP,
    adoption.GROUP,
)
