"""Durations and how often each was seen: percentiles without a list of all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MINUTE, HOUR, DAY = 60, 3600, 86400


def rounded(seconds: int) -> int:
    """A duration as a distribution keeps it: in whole minutes below a day, in whole hours from there on."""
    return seconds - seconds % (MINUTE if seconds < DAY else HOUR)


@dataclass(frozen=True)
class Spread:
    """
    What there is to say of some durations; ``None`` where there are none.

    :param median: the duration that half of them do not exceed, in seconds, :func:`rounded`
    :param p90: the one that nine of ten do not exceed
    """

    total: int = 0
    median: int | None = None
    p90: int | None = None

    @classmethod
    def of(cls, durations: Distribution) -> Spread:
        """What there is to say of a distribution."""
        return cls(durations.total, durations.median, durations.p90)


@dataclass(frozen=True)
class Distribution:
    """
    How often durations were seen.

    :param counts: by duration in seconds, each :func:`rounded`
    """

    counts: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, durations: Iterable[int]) -> Distribution:
        """The distribution of some durations in seconds."""
        return cls(Counter(map(rounded, durations)))

    @classmethod
    def together(cls, parts: Iterable[Distribution]) -> Distribution:
        """All of them in one."""
        counts: Counter[int] = Counter()
        for part in parts:
            counts.update(part.counts)
        return cls(counts)

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    @property
    def median(self) -> int | None:
        """The duration that half of them do not exceed; ``None`` where there are none."""
        return self.percentile(50)

    @property
    def p90(self) -> int | None:
        """The duration that nine of ten do not exceed; ``None`` where there are none."""
        return self.percentile(90)

    def percentile(self, percent: int) -> int | None:
        """
        The smallest duration seen that so many of a hundred do not exceed; ``None`` where there are none.

        :param percent: from 1 to 100
        """
        wanted = math.ceil(self.total * percent / 100)
        reached = 0
        for duration in sorted(self.counts):
            reached += self.counts[duration]
            if reached >= wanted:
                return duration
        return None
