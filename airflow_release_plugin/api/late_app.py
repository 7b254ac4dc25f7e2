"""What Airflow mounts when an API server starts; it builds what answers afterwards."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event, Lock, Thread

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from airflow_release_plugin.garbage import no_collection

log = logging.getLogger(__name__)


class LateApp(FastAPI):
    """
    An app that is built in a thread as soon as its server runs, or by the first request.

    All our routes, models and pages take about a second to load and to make. A server that waited for them
    would meanwhile answer nobody, neither tasks nor a probe. It is a ``FastAPI`` since Airflow enters the
    lifespan of those alone.

    :param build: makes what answers
    :param begin: starts what a server does beside its requests, until the event is set
    """

    def __init__(self, build: Callable[[], ASGIApp], begin: Callable[[Event], None]) -> None:
        super().__init__(lifespan=self._run, openapi_url=None)
        self._build = build
        self._begin = begin
        self._app: ASGIApp | None = None
        self._one_builds = Lock()
        # Who comes too early waits here and not in a thread: there are 40, and Airflow's requests need them.
        self._one_asks = asyncio.Lock()

    def built(self) -> ASGIApp:
        """What answers; whoever asks while it is built waits, and is told what building raises."""
        with self._one_builds:
            if self._app is None:
                with no_collection():
                    self._app = self._build()
            return self._app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            async with self._one_asks:
                await run_in_threadpool(self.built)
        await self.built()(scope, receive, send)

    @asynccontextmanager
    async def _run(self, _app: FastAPI) -> AsyncIterator[None]:
        """
        Prepare beside the start of a server process.

        Not when Airflow mounts: gunicorn does that in the parent of its workers, and commands do it, too. In
        a thread, since a database or notifier that hangs must not keep Airflow from starting or stopping.
        """
        stop = Event()
        Thread(target=self._prepare, args=(stop,), name="release-start-up", daemon=True).start()
        try:
            yield
        finally:
            stop.set()

    def _prepare(self, stop: Event) -> None:
        try:
            self.built()
        except Exception:
            log.exception("Airflow Release cannot answer; each request tries again")
        self._begin(stop)
