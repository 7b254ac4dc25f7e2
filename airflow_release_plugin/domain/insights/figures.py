"""The figures of a period and of each of its parts, and what became of them since the period before."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from airflow_release_plugin.domain.insights.distribution import Distribution

STEADY = 0.05
"""A figure that differs by less than this part of itself is as it was."""


@dataclass(frozen=True)
class Figures:
    """
    DORA's four, and what stands beside them. How each is reckoned: docs/concepts/insights.md.

    :param days: of the period or bucket
    :param released: changes that reached the target
    :param failed: those of them that failed there
    :param glass_broken: those of them that reached it by breaking the glass
    :param lead: from submitting each version until it reached the target
    :param restore: of what began to fail, until it was put right
    :param unrestored: what began to fail and is not put right yet
    """

    days: int
    released: int = 0
    failed: int = 0
    glass_broken: int = 0
    lead: Distribution = field(default_factory=Distribution)
    restore: Distribution = field(default_factory=Distribution)
    unrestored: int = 0

    @property
    def per_day(self) -> float:
        """Changes that reached the target, per day."""
        return self.released / self.days

    @property
    def per_week(self) -> float:
        """Changes that reached the target, per week."""
        return self.per_day * 7

    @property
    def failure_rate(self) -> float | None:
        """Part of the changes that failed, 0 to 1; ``None`` where there were none."""
        return self.failed / self.released if self.released else None


class Trend(str, Enum):
    """What a figure did since the period before."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    UNKNOWN = "unknown"
    """One of the two periods has nothing to say."""


def trend(now: float | None, before: float | None, *, more_is_better: bool = False) -> Trend:
    """Whether a figure is better than it was; nothing at all before is no basis for a comparison."""
    if now is None or before is None:
        return Trend.UNKNOWN
    if abs(now - before) <= STEADY * max(abs(now), abs(before)):
        return Trend.SAME
    return Trend.BETTER if (now > before) is more_is_better else Trend.WORSE
