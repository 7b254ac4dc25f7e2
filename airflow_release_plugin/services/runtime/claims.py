"""
Work that waits for any of several servers: who takes a piece of it does that piece alone.

What takes long shows signs of life. If there was none for as long as the lease, another server begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import TypeVar

from airflow_release_plugin.services.runtime.background import Work, in_transaction
from airflow_release_plugin.services.runtime.context import Context

T = TypeVar("T")

LEASE = timedelta(seconds=45)
"""
Without a sign of life for this long, a server that does something counts as dead: another begins within a
minute. One that writes the end of its work holds the row locked, so nobody else takes that.
"""
MAX_ATTEMPTS = 3


class LostError(Exception):
    """It is another server's by now, or nobody wants it any more."""


@dataclass(frozen=True)
class Claim:
    """What this server alone does now; ``heartbeat_at`` is the sign of life by which it is known."""

    id: int
    heartbeat_at: datetime
    attempt: int


def claim_next(work: Work, find: Callable[[Context], T | None]) -> T | None:
    """Take what ``find`` finds, in a transaction; ``None`` where that is nothing or another was faster."""
    claims: list[T | None] = []
    return claims[0] if in_transaction(work, lambda ctx: claims.append(find(ctx))) else None


def claim_each(work: Work, find: Callable[[Context], T | None], stop: Event | None = None) -> Iterator[T]:
    """Take one after the other, until there is none or ``stop`` is set."""
    while not (stop is not None and stop.is_set()) and (taken := claim_next(work, find)) is not None:
        yield taken
