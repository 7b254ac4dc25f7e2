"""What Airflow mounts when an API server starts; it builds what answers afterwards."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event, Lock, Thread

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from airflow_release_plugin.api.language import wanted_by
from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.garbage import no_collection
from airflow_release_plugin.languages import said, speaking
from airflow_release_plugin.messages import Message

_FAILURES = (Exception, SystemExit)
"""A library that gives up while it is loaded must take neither Airflow's server nor this thread along."""
_CANNOT_ANSWER = "Airflow Release cannot answer; requests try again, a few seconds apart"
_CANNOT_BEGIN = "Airflow Release cannot begin what goes on beside requests; it tries again every few seconds"
_NOT_STARTED = Message(
    "Airflow Release could not start in this API server, whose log says why. Mend that; it is tried again by "
    "itself, so come back in a few seconds."
)
_TRY_AGAIN_LATER = 1013
"""Of the codes with which a websocket is closed."""

log = logging.getLogger(__name__)


class LateApp(FastAPI):
    """
    An app that is built in a thread as soon as its server runs, or by the first request.

    All our routes, models and pages take about a second to load and to make. A server that waited for them
    would meanwhile answer nobody, neither tasks nor a probe. It is a ``FastAPI`` since Airflow enters the
    lifespan of those alone.

    What fails is tried again, but not by each request: making everything takes the processor that Airflow's
    own answers need, and each attempt would fill the log with the same. Until then callers are told so.

    :param build: makes what answers
    :param begin: starts what a server does beside its requests, until the event is set
    :param pause: seconds between an attempt that failed and the next
    :param clock: seconds that only grow
    """

    def __init__(
        self,
        build: Callable[[], ASGIApp],
        begin: Callable[[Event], None],
        *,
        pause: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(lifespan=self._run, openapi_url=None)
        self._build = build
        self._begin = begin
        self._pause = pause
        self._clock = clock
        self._app: ASGIApp | None = None
        self._not_before = -math.inf
        self._logged: dict[str, str] = {}
        self._one_builds = Lock()
        # Who comes too early waits here and not in a thread: there are 40, and Airflow's requests need them.
        self._one_asks = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None and self._is_due():
            async with self._one_asks:
                await run_in_threadpool(self._make)
        await (self._app or _unavailable(scope, self._pause))(scope, receive, send)

    def _is_due(self) -> bool:
        return self._clock() >= self._not_before

    def _make(self) -> None:
        """Build what answers, unless somebody has, or has failed a moment ago; who asks meanwhile waits."""
        with self._one_builds:
            if self._app is not None or not self._is_due():
                return
            try:
                with no_collection():
                    self._app = self._build()
            except _FAILURES as error:
                self._log(_CANNOT_ANSWER, error)
                self._not_before = self._clock() + self._pause
            else:
                if self._logged.pop(_CANNOT_ANSWER, None):
                    log.info("Airflow Release answers now")

    def _log(self, what: str, error: BaseException) -> None:
        """With where it comes from, once: until it is mended, each attempt would say the same."""
        reason = f"{type(error).__name__}: {error}"
        if self._logged.get(what) != reason:
            self._logged[what] = reason
            log.error(what, exc_info=error)

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
        self._make()
        while not stop.is_set():
            try:
                self._begin(stop)
            except _FAILURES as error:
                self._log(_CANNOT_BEGIN, error)
                stop.wait(self._pause)
            else:
                return


def _unavailable(scope: Scope, pause: float) -> ASGIApp:
    """Tells a caller that there is nothing to answer, why not, and that it may try again."""
    if scope["type"] == "websocket":
        return WebSocketClose(code=_TRY_AGAIN_LATER)
    with speaking(wanted_by(scope)):
        words = str(said(_NOT_STARTED))
    headers = {"Retry-After": str(math.ceil(pause)), "Cache-Control": "no-store"}
    if "text/html" in Headers(scope=scope).get("accept", ""):
        headers["X-Content-Type-Options"] = "nosniff"
        return PlainTextResponse(words, UnavailableError.status, headers)
    body = {"error": UnavailableError.code, "detail": words, "context": {}}
    return JSONResponse(body, UnavailableError.status, headers)
