"""What a team does in a week, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from random import Random


class Ending(str, Enum):
    """How a release goes."""

    RELEASED = "released"
    """Checked, approved, promoted, verified."""
    MENDED = "mended"
    """Its check fails at first; it is retried, and goes on as the others do."""
    REJECTED = "rejected"
    """A reviewer says no; its versions go back to the list, and are taken off it."""
    REVOKED = "revoked"
    """Who asked takes it back; its versions are taken off the list."""


_ENDINGS = (Ending.RELEASED,) * 16 + (Ending.MENDED,) * 2 + (Ending.REJECTED, Ending.REVOKED)
_SIZES = (1,) * 8 + (2, 3)


@dataclass(frozen=True)
class Change:
    """
    What one release brings.

    :param dags: names of DAGs whose files are edited
    :param mark: what makes their text new
    """

    dags: tuple[str, ...]
    mark: str
    ending: Ending


class Team:
    """
    People who work on DAGs.

    :param dags: how many there are
    :param releases: how many they ask for in a week
    """

    def __init__(self, *, seed: int = 1, dags: int = 200, releases: int = 30) -> None:
        self._random = Random(seed)
        self.names = tuple(f"team_{number:03d}" for number in range(dags))
        self._releases = releases

    def week(self, number: int) -> Iterator[Change]:
        """What they release in a week."""
        for place in range(self._releases):
            size = self._random.choice(_SIZES)
            chosen = tuple(self._random.sample(self.names, size))
            yield Change(chosen, f"{number}.{place}", self._random.choice(_ENDINGS))
