"""How a row is declared: what is measured, beside what, and what it is to reach."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.frame.bench import Bench

Contest = Mapping[str, Any]
"""A row of ``results.json``."""
OURS, PEER, FLOOR = "ours", "peer", "floor"


class Unit(Enum):
    """By what a row is judged; the others are kept beside it."""

    CPU = "seconds of CPU"
    WALL = "seconds"
    SIZE = "bytes"
    COUNT = "times"


@dataclass(frozen=True)
class Goal:
    """
    What a row is to reach; what is left out is not asked.

    :param ratio: the peer takes at least so many times what we take
    :param to_floor: we take at most so many times what the floor takes
    :param over_floor: and at most so much more
    :param at_most: we take at most so much
    """

    ratio: float | None = None
    to_floor: float | None = None
    over_floor: float | None = None
    at_most: float | None = None

    def words(self, unit: Unit) -> str:
        """As it stands in tables."""
        parts = [
            self.ratio is not None and f"≥ {self.ratio:g} ×",
            self.to_floor is not None and f"≤ {self.to_floor:g} × floor",
            self.over_floor is not None and f"≤ floor + {quantity(self.over_floor, unit)}",
            self.at_most is not None and f"≤ {quantity(self.at_most, unit)}",
        ]
        return ", ".join(part for part in parts if part)

    def is_met(self, contest: Contest) -> bool:
        """Whether figures of a row reach it; what was not measured does not."""
        ours, floor = contest.get(OURS), contest.get(FLOOR)
        ratio, to_floor = contest.get("ratio"), contest.get("to_floor")
        return (
            (self.ratio is None or (ratio is not None and ratio >= self.ratio))
            and (self.to_floor is None or (to_floor is not None and to_floor <= self.to_floor))
            and (self.over_floor is None or (None not in (ours, floor) and ours - floor <= self.over_floor))
            and (self.at_most is None or (ours is not None and ours <= self.at_most))
        )


@dataclass(frozen=True)
class Row:
    """
    One thing that is measured.

    :param name: what we do, with its size; unique, without a comma
    :param peer: what people use for it today; empty if nobody offers it
    :param floor: what cannot be done without
    :param n: how many files, DAGs or rows there are
    :param rounds: how often each is measured after a first time that does not count
    :param why_few: why fewer than nine
    :param quantile: which of the rounds counts, by how many of all stay below: the middle one, or a late one
    :param note: what a reader has to know, and the reason where we are slower
    """

    name: str
    goal: Goal
    n: int
    peer: str = ""
    floor: str = ""
    unit: Unit = Unit.CPU
    rounds: int = 9
    why_few: str = ""
    quantile: float = 0.5
    note: str = ""

    def __post_init__(self) -> None:
        if self.rounds < 9 and not self.why_few:
            raise ValueError(f"{self.name}: say why there are fewer than nine rounds")
        if "," in self.name:
            raise ValueError(f"{self.name}: a comma stands between the names of rows")


@dataclass(frozen=True)
class RowGroup:
    """
    Rows that share what they are measured on, and run in a process of their own.

    :param measure: measures those rows that its argument wants
    :param minutes: after which it is ended
    :param runs_airflow: whether it starts all of Airflow's processes
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    measure: Callable[[Bench], None]
    minutes: float = 5
    runs_airflow: bool = False


def chosen(groups: Iterable[RowGroup], wanted: Collection[str]) -> dict[str, list[str]]:
    """
    Names of rows by the name of their group.

    :param wanted: names of groups, names of rows, ``quick`` for all groups that start no Airflow; empty for
        everything
    :raises LookupError: one of them is neither
    """
    groups = tuple(groups)
    found: dict[str, list[str]] = {}
    used: set[str] = set()
    for group in groups:
        by_group = {group.name, *(() if group.runs_airflow else ("quick",))} & set(wanted)
        rows = [row.name for row in group.rows if by_group or row.name in wanted or not wanted]
        used |= by_group | ({row.name for row in group.rows} & set(wanted))
        if rows:
            found[group.name] = rows
    if unknown := set(wanted) - used:
        raise LookupError(
            f"No group and no row is called {', '.join(sorted(unknown))}. Groups: quick, "
            f"{', '.join(group.name for group in groups)}."
        )
    return found


_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B"))
_SECONDS = ((1, "s"), (1e-3, "ms"), (1e-6, "µs"))


def quantity(value: float, unit: Unit) -> str:
    """A number of three digits with what it counts, ``12.3 ms`` or ``4.21 MB``."""
    if unit is Unit.COUNT:
        return _three_digits(value)
    steps = _BYTES if unit is Unit.SIZE else _SECONDS
    factor, name = next((step for step in steps if abs(value) >= step[0]), steps[-1])
    return f"{_three_digits(value / factor)} {name}"


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{float(f'{value:.3g}'):g}"
