"""In which language the API speaks: the one that ``Accept-Language`` asks for (RFC 9110, 12.5.4)."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from airflow_release_plugin.languages import chosen, speaking


def wanted_by(scope: Scope) -> str:
    """The tag of the language that a request asks for."""
    return chosen(None, Headers(scope=scope).get("accept-language", ""))


class SpeakToCaller:
    """Middleware: whatever a request does, it does in its caller's language."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with speaking(wanted_by(scope)):
            await self._app(scope, receive, send)
