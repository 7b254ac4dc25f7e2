"""How far each item of a release is, while people look on (R8)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ItemState(str, Enum):
    """How far one item is."""

    WAITING = "waiting"
    """Nothing was done yet in this attempt."""
    CHECKING = "checking"
    """A worker parses it."""
    CHECKED = "checked"
    """It parses; the release waits for people, its time or other items."""
    PROMOTED = "promoted"
    """It is in the target; Airflow has not parsed it there yet."""
    SERVED = "served"
    """Airflow serves it as it was approved."""
    FAILED = "failed"
    """A check or the verification said no."""


REPORTED_STATES = frozenset({ItemState.CHECKING, ItemState.CHECKED, ItemState.FAILED})
"""What a worker says of a file while it checks."""


@dataclass(frozen=True)
class ItemProgress:
    """
    One DAG file of a release.

    :param detail: why it failed
    :param seconds: how long its check took; 0 before it has ended
    :param lines: what was logged while it was checked; kept only until the check has reported
    """

    path: str
    state: ItemState
    detail: str = ""
    seconds: float = 0.0
    lines: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether the step under way is through with it."""
        return self.state not in {ItemState.WAITING, ItemState.CHECKING}


@dataclass(frozen=True)
class OtherProgress:
    """
    One DAG file that a release changes without naming it.

    :param dag_ids: its DAGs that change
    :param change: what becomes of them, for people
    """

    dag_ids: tuple[str, ...]
    change: str
    reached: ItemProgress
