"""The pages as an ASGI app: Flask-AppBuilder behind a bridge that knows Airflow's users."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

from a2wsgi import WSGIMiddleware
from airflow import settings
from airflow.configuration import conf
from starlette.requests import Request

from airflow_release_plugin.airflow_internals.actors import resolve
from airflow_release_plugin.airflow_internals.credentials import read_credentials
from airflow_release_plugin.exceptions import NotAuthenticatedError
from airflow_release_plugin.views.app import create_flask_app
from airflow_release_plugin.views.web.security import USER_KEY

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class UserBridge:
    """Asks the auth manager for the user on its own event loop, before the request enters a Flask thread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "/static/" not in scope["path"]:
            scope[USER_KEY] = await _user(Request(scope))
        await self._app(scope, receive, send)


async def _user(request: Request) -> Any:
    credentials = read_credentials(request.headers, request.cookies)
    if credentials is None:
        return None
    try:
        _actor, user = await resolve(credentials.token)
    except NotAuthenticatedError:
        return None
    return user


def derived_key(secret: str) -> str:
    """Return a key for our session cookie, 64 hex digits; it tells nothing about Airflow's own secret."""
    return hmac.new(secret.encode(), b"airflow-release: session cookie", hashlib.sha256).hexdigest()


def create_ui(*, root_path: str) -> ASGIApp:
    """
    Build the pages.

    :param root_path: path under which a proxy serves Airflow, or an empty string
    """
    session: Any = settings.Session
    flask_app = create_flask_app(
        session=session,
        secret_key=derived_key(conf.get_mandatory_value("api", "secret_key")),
        root_path=root_path,
    )
    return UserBridge(WSGIMiddleware(flask_app))  # type: ignore[arg-type]
