"""The tables of insights as CSV: durations in seconds, parts from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from airflow_release_plugin.domain.insights.distribution import Distribution, Spread
from airflow_release_plugin.services.insights.insights import InsightDetail
from airflow_release_plugin.views.widgets.csv_export import csv_line

_Row = Sequence[Any]


def _times(prefix: str) -> list[str]:
    return [f"{prefix}_count", f"{prefix}_median", f"{prefix}_p90"]


def _cells(found: Distribution | Spread) -> list[int | None]:
    return [found.total, found.median, found.p90]


def _trend(found: InsightDetail) -> Iterator[_Row]:
    head = ["first_day", "days", "released", "failed", "failure_rate", "glass_broken", "unrestored"]
    yield [*head, *_times("lead"), *_times("restore")]
    for first, figures in found.trend:
        yield [
            first.isoformat(),
            figures.days,
            figures.released,
            figures.failed,
            figures.failure_rate,
            figures.glass_broken,
            figures.unrestored,
            *_cells(figures.lead),
            *_cells(figures.restore),
        ]


def _breakdown(found: InsightDetail) -> Iterator[_Row]:
    yield [found.question.by.value, "versions", "failed", "failure_rate", *_times("lead")]
    for row in found.breakdown:
        yield [row.name, row.versions, row.failed, row.failure_rate, *_cells(row.lead)]


def _steps(found: InsightDetail) -> Iterator[_Row]:
    yield ["flow", "step", *_times("now"), *_times("before")]
    for row in found.steps:
        yield [row.flow, row.step, *_cells(row.now), *_cells(row.before)]


def _people(found: InsightDetail) -> Iterator[_Row]:
    yield ["person", *_times("now"), *_times("before"), "asked_now"]
    for row in found.people:
        yield [row.name, *_cells(row.now), *_cells(row.before), row.asked]


TABLES: Mapping[str, Callable[[InsightDetail], Iterator[_Row]]] = {
    "trend": _trend,
    "breakdown": _breakdown,
    "steps": _steps,
    "people": _people,
}
"""By the name in the address: rows of cells, the names of the columns first."""


def table_lines(name: str, found: InsightDetail) -> Iterator[str]:
    """Lines of one of :data:`TABLES`."""
    for row in TABLES[name](found):
        yield csv_line(["" if cell is None else str(cell) for cell in row])
