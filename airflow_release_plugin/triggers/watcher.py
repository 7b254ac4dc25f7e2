"""One watcher for all that an event loop waits for: a single long poll serves any number of triggers."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import ClassVar, Protocol
from weakref import WeakKeyDictionary

from airflow_release_plugin.exceptions import NotFoundError, ReleaseError
from airflow_release_plugin.schemas.watch import MOST_SUBJECTS

log = logging.getLogger(__name__)

MISSING = "missing"


class Watch(Protocol):
    """The part of a client that the watcher needs."""

    async def watch(self, known: dict[str, str], *, wait: float) -> dict[str, str]:
        """Return the subjects whose state differs from ``known``, after at most ``wait`` seconds."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


@dataclass(frozen=True)
class Pace:
    """
    Times of a watcher, in seconds.

    :param wait: length of one long poll
    :param turn: length of one poll when there are more subjects than one request takes: they take turns
    :param settle: pause before a request, so that triggers that start together share it
    :param settle_each: what each subject adds to that pause: every request names all of them again
    :param first_pause: pause after the first failure; doubles up to ``longest_pause``
    """

    wait: float = 25.0
    turn: float = 1.0
    settle: float = 0.1
    settle_each: float = 0.0001
    first_pause: float = 1.0
    longest_pause: float = 10.0


@dataclass(eq=False)
class _Waiter:
    known: str
    future: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Watcher:
    """
    Waits for states of many subjects with one request at a time.

    It keeps no states: each request names what its waiters know, so a restart of either side loses nothing.
    A server that does not answer is asked again, for ever. An answer that repeating cannot mend (log-in
    refused, no permission, no such API) ends the waits, but only when a client made anew from the connection
    gets it too.

    :param name: of the connection, for log lines
    :param connect: makes a client
    """

    _instances: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Watcher]]] = (
        WeakKeyDictionary()
    )

    def __init__(
        self, name: str, connect: Callable[[], Awaitable[Watch]], *, pace: Pace | None = None
    ) -> None:
        self._name = name
        self._connect = connect
        self._pace = pace or Pace()
        self._waiters: dict[str, set[_Waiter]] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._client: Watch | None = None
        self._failures = 0
        self._refusals = 0

    @classmethod
    def shared(cls, name: str, connect: Callable[[], Awaitable[Watch]]) -> Watcher:
        """Return the watcher of connection ``name`` in the running event loop."""
        watchers = cls._instances.setdefault(asyncio.get_running_loop(), {})
        return watchers.setdefault(name, cls(name, connect))

    async def next_state(self, subject: str, known: str) -> str:
        """
        Return the state of ``subject`` as soon as it is not ``known``; empty asks for the present one.

        :raises NotFoundError: there is no such subject, or the connection's user may not see it
        :raises ReleaseError: the server refuses to be asked
        """
        waiter = _Waiter(known)
        self._waiters.setdefault(subject, set()).add(waiter)
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"release-watcher-{self._name}")
        try:
            return await waiter.future
        finally:
            self._forget(subject, waiter)

    def _forget(self, subject: str, waiter: _Waiter) -> None:
        remaining = self._waiters.get(subject, set())
        remaining.discard(waiter)
        if not remaining:
            self._waiters.pop(subject, None)
        if not self._waiters:
            self._changed.set()

    async def _run(self) -> None:
        try:
            while self._waiters:
                await asyncio.sleep(self._pace.settle + self._pace.settle_each * len(self._waiters))
                self._changed.clear()
                await self._turn()
        except Exception as error:  # whatever it is, nobody may wait for ever
            log.exception("The watcher of connection %r broke.", self._name)
            self._fail_all(
                ReleaseError(
                    "The watcher of connection %(name)r broke: %(error)r", name=self._name, error=error
                )
            )
        finally:
            self._task = None  # before anything is awaited: a waiter that comes now starts a new run
            await self._disconnect()

    async def _turn(self) -> None:
        try:
            changed = await self._poll()
        except ReleaseError as error:
            await self._handle(error)
            return
        if self._failures:
            log.info("Connection %r: the server answers again.", self._name)
        self._failures = self._refusals = 0
        for subject, state in changed.items():
            self._tell(subject, state)

    async def _poll(self) -> dict[str, str]:
        known = self._next_batch()
        if not known:
            return {}
        if self._client is None:
            self._client = await self._connect()
        whole = len(known) == len(self._waiters)
        wait = self._pace.wait if whole else self._pace.turn
        poll = asyncio.create_task(self._client.watch(known, wait=wait))
        news = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({poll, news}, return_when=asyncio.FIRST_COMPLETED)
            return poll.result() if poll.done() else {}
        finally:
            await _stop(news)
            await _stop(poll)

    def _next_batch(self) -> dict[str, str]:
        """Return subjects with what their waiters know, and put them at the end of the queue."""
        batch = {}
        for subject in list(self._waiters)[:MOST_SUBJECTS]:
            waiters = self._waiters[subject] = self._waiters.pop(subject)
            states = {waiter.known for waiter in waiters}
            # Waiters that know different states: ask for the present one, which differs from one of theirs.
            batch[subject] = states.pop() if len(states) == 1 else ""
        return batch

    def _tell(self, subject: str, state: str) -> None:
        for waiter in self._waiters.get(subject, ()):
            if waiter.future.done():
                continue
            if state == MISSING:
                waiter.future.set_exception(
                    NotFoundError(
                        "%(subject)r does not exist, or the user of %(name)r may not see it.",
                        subject=subject,
                        name=self._name,
                    )
                )
            elif state != waiter.known:
                waiter.future.set_result(state)

    async def _handle(self, error: ReleaseError) -> None:
        self._failures += 1
        if error.status >= 500:
            self._refusals = 0
        else:
            self._refusals += 1
            await self._disconnect()  # the next client reads the connection again: its password may be new
            if self._refusals > 1:
                self._refusals = 0
                self._fail_all(error)
                return
        if self._failures == 1:
            log.warning(
                "Connection %r: %s Still waiting for %d.", self._name, error.message, len(self._waiters)
            )
        ceiling = min(self._pace.longest_pause, self._pace.first_pause * 2 ** min(self._failures - 1, 10))
        await asyncio.sleep(ceiling * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret

    def _fail_all(self, error: ReleaseError) -> None:
        for waiters in self._waiters.values():
            for waiter in waiters:
                if not waiter.future.done():
                    waiter.future.set_exception(error)

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()


async def _stop(task: asyncio.Task[object]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
