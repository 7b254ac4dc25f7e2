"""Measures rows: ours and what stands beside it take turns, and the middle of all rounds counts."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any

from benchmarks.frame.rows import FLOOR, OURS, PEER, Row, Unit
from benchmarks.frame.samples import Contestant, Sample

Samples = Mapping[str, Sequence[Sample]]
"""Rounds by contestant: ``ours``, and ``peer`` and ``floor`` where there are any."""
_FIELDS = {Unit.CPU: "cpu", Unit.WALL: "wall", Unit.SIZE: "size", Unit.COUNT: "size"}


class Bench:
    """
    What a group measures its rows with.

    :param wanted: names of rows
    :param keep: what becomes of the figures of a row
    :param rounds: instead of those that the row declares
    """

    def __init__(
        self,
        wanted: Collection[str],
        keep: Callable[[Row, dict[str, Any]], None],
        rounds: int | None = None,
    ) -> None:
        self._wanted = frozenset(wanted)
        self._keep = keep
        self._rounds = rounds

    def wants(self, *rows: Row) -> bool:
        """Whether any of these is to be measured."""
        return any(row.name in self._wanted for row in rows)

    def rounds(self, row: Row) -> int:
        """How often it is measured: with a first time that does not count, unless there is one time only."""
        return row.rounds if row.rounds == 1 else 1 + (self._rounds or row.rounds)

    def alternate(
        self, row: Row, *, prepare: Callable[[], object] = lambda: None, **contestants: Contestant
    ) -> None:
        """
        Let contestants take turns, each round beginning with the next of them.

        :param prepare: comes before each round, untimed
        :param contestants: ``ours``, ``peer``, ``floor``
        """
        if not self.wants(row):
            return
        samples: dict[str, list[Sample]] = {name: [] for name in contestants}
        names = list(contestants)
        for number in range(self.rounds(row)):
            prepare()
            first = number % len(names)
            for name in (*names[first:], *names[:first]):
                samples[name].append(contestants[name]())
        self.note(row, samples)

    def note(self, row: Row, samples: Samples) -> None:
        """Keep the figures of a row whose rounds, as many as :meth:`rounds` says, somebody else has run."""
        if self.wants(row):
            first = self.rounds(row) > 1
            self._keep(row, figures(row, {name: list(rounds)[first:] for name, rounds in samples.items()}))


def figures(row: Row, samples: Samples) -> dict[str, Any]:
    """What ``results.json`` holds of a row: figures, ratios, and what it is judged by."""
    field = _FIELDS[row.unit]
    judged = {name: _counting(row, rounds, field) for name, rounds in samples.items()}
    ours, peer, floor = (judged.get(name) for name in (OURS, PEER, FLOOR))
    found: dict[str, Any] = {
        OURS: ours,
        PEER: peer,
        FLOOR: floor,
        "ratio": _quotient(peer, ours),
        "to_floor": _quotient(ours, floor),
        "goal": row.goal.words(row.unit),
    }
    met = row.goal.is_met(found)
    others = {
        name: {contestant: _rounded(_counting(row, rounds, name)) for contestant, rounds in samples.items()}
        for name in ("cpu", "wall")
        if any(_counting(row, rounds, name) is not None for rounds in samples.values())
    }
    return {
        **{key: _rounded(value) if isinstance(value, float) else value for key, value in found.items()},
        "met": met,
        "n": row.n,
        "unit": row.unit.value,
        **others,
        "rounds": len(samples[OURS]),
        "measured": date.today().isoformat(),  # noqa: DTZ011 - the day of whoever runs it
    }


def _counting(row: Row, rounds: Sequence[Sample], field: str) -> float | None:
    """The figure of the round that counts."""
    values = sorted(value for each in rounds if (value := getattr(each, field)) is not None)
    if not values or row.quantile == 0.5:
        return statistics.median(values) if values else None
    return values[math.ceil(row.quantile * len(values)) - 1]


def _quotient(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")
