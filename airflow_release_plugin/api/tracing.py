"""
A span for each request of the REST API, in the trace of who asks: a task of Airflow, say, or a trigger.

Names and attributes are those of OpenTelemetry's semantic conventions for HTTP servers. Where spans go is
Airflow's setting (``[traces]``), as is whether there are any.
"""

from __future__ import annotations

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TRACER = trace.get_tracer("airflow_release_plugin")
_SERVER_ERROR = 500


class TraceRequests:
    """
    Middleware around everything else.

    :param prefix: what the paths begin with, below where the app is mounted, that have spans
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = f"{prefix}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._prefix not in scope["path"]:
            await self._app(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                _note_answer(span, message["status"])
            await send(message)

        caller = propagate.extract(Headers(scope=scope))
        method = scope["method"]
        with _TRACER.start_as_current_span(
            method,
            caller,
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method, "url.path": scope["path"]},
        ) as span:
            await self._app(scope, receive, tell)
            route = scope.get("route")  # who answers is known afterwards
            if route is not None:
                span.update_name(f"{method} {route.path}")
                span.set_attribute("http.route", route.path)


def _note_answer(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= _SERVER_ERROR:
        span.set_status(Status(StatusCode.ERROR))
