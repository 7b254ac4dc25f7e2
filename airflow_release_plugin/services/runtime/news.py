"""
Wakes who waits for the trail in this process, as soon as what the process wrote there is committed.

A courtesy: what another process writes is not heard of, so who waits has to look by itself now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import event

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_lock = Lock()
_listening: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()


@contextmanager
def listening() -> Iterator[asyncio.Event]:
    """A signal of the running event loop, set whenever this process has committed something to the trail."""
    listener = (asyncio.get_running_loop(), asyncio.Event())
    with _lock:
        _listening.add(listener)
    try:
        yield listener[1]
    finally:
        with _lock:
            _listening.discard(listener)


def tell_after_commit(session: Session) -> None:
    """Wake all that listen once the transaction is committed; never when it is rolled back."""
    if not event.contains(session, "after_commit", _tell):
        event.listen(session, "after_commit", _tell)


def _tell(session: Session) -> None:
    # The end of a savepoint wakes them too early; the end of the transaction does so again.
    with _lock:
        listeners = list(_listening)
    for loop, signal in listeners:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(signal.set)
