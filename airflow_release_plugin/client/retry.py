"""When a request is sent again, and after how long."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

RETRY_STATUSES = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Backoff:
    """
    Growing pauses with jitter.

    :param first: seconds before the first repetition
    :param cap: longest pause in seconds
    :param total: seconds after whose sum no further pause is given
    """

    first: float = 0.5
    cap: float = 8.0
    total: float = 45.0

    def delays(self) -> Iterator[float]:
        """Yield the seconds to wait before each repetition; between half of and the whole doubled pause."""
        pause, spent = self.first, 0.0
        while spent < self.total:
            delay = pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
            spent += delay
            yield delay
            pause = min(self.cap, pause * 2)


def is_passing(response: httpx.Response) -> bool:
    """Whether the server could not do it now, or lost a race and did nothing; the next try sees what is."""
    if response.status_code != httpx.codes.CONFLICT:
        return response.status_code in RETRY_STATUSES
    try:
        return bool(response.json()["context"]["lost_race"])
    except (ValueError, KeyError, TypeError):
        return False


def may_repeat(error: httpx.TransportError, *, idempotent: bool) -> bool:
    """Whether a request that failed with ``error`` may be sent again: it never left, or that does no harm."""
    never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    broken_address = isinstance(error, httpx.UnsupportedProtocol)
    return (never_sent or idempotent) and not broken_address
