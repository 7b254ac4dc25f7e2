"""What people ask for when they request a release: one object from the form or the body to the row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ReleaseRequest:
    """
    What people say about a release when they ask for it.

    :param title: empty where the use case makes one
    :param reviewers: ids or login names of the people asked; at least one, eligible, not the requester
    :param scheduled_at: not to be executed before
    :param at_least_level: people may raise the risk level, never lower it
    :param soak_minutes: the first runs must succeed within them, else the release is rolled back; 0 = no soak
    """

    title: str
    reviewers: Sequence[str] = ()
    description: str = ""
    run_after_release: bool = False
    scheduled_at: datetime | None = None
    at_least_level: int = 1
    soak_minutes: int = 0
