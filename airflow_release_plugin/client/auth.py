"""Logging in to Airflow and keeping the token, for the synchronous and the asynchronous client alike."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import AsyncGenerator, Callable, Generator

import httpx

from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.exceptions import NotAuthenticatedError, ReleaseError, UnavailableError

EXPIRY_MARGIN = 30.0
"""Seconds before its end from which on a token is replaced."""


def token_expiry(token: str) -> float | None:
    """Return the ``exp`` claim of a JWT (seconds since the epoch), not verified; ``None`` without one."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return None


class AirflowAuth(httpx.Auth):
    """
    Sends ``Authorization: Bearer``; the token comes from ``/auth/token`` and is replaced near its end.

    A 401 answer fetches a new token once and repeats the request; a second 401 is the caller's to handle.

    :param settings: where to log in and as whom; with an empty login, the password is the token
    :param now: clock, in seconds since the epoch
    """

    def __init__(self, settings: ClientSettings, *, now: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._now = now
        self._token = "" if settings.login else settings.password
        self._expires_at: float | None = None

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Run the flow, reading only the bodies of log-in answers: others may be streams."""
        flow = self._flow(request)
        outgoing = next(flow)
        while True:
            response = yield outgoing
            if outgoing is not request:
                response.read()
            try:
                outgoing = flow.send(response)
            except StopIteration:
                return

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Asynchronous twin of :meth:`sync_auth_flow`."""
        flow = self._flow(request)
        outgoing = next(flow)
        while True:
            response = yield outgoing
            if outgoing is not request:
                await response.aread()
            try:
                outgoing = flow.send(response)
            except StopIteration:
                return

    def _flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        fresh = self._needs_login()
        if fresh:
            self._accept((yield self._login_request()))
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED or fresh or not self._settings.login:
            return
        self._accept((yield self._login_request()))
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request

    def _needs_login(self) -> bool:
        if not self._settings.login:
            if not self._token:
                raise NotAuthenticatedError(
                    "The connection has neither login and password nor a token as password; add them."
                )
            return False
        near_end = self._expires_at is not None and self._now() > self._expires_at - EXPIRY_MARGIN
        return not self._token or near_end

    def _login_request(self) -> httpx.Request:
        credentials = {"username": self._settings.login, "password": self._settings.password}
        return httpx.Request("POST", f"{self._settings.base_url}/auth/token", json=credentials)

    def _accept(self, response: httpx.Response) -> None:
        user, url = self._settings.login, self._settings.base_url
        if response.status_code in {400, 401, 403, 422}:
            raise NotAuthenticatedError(
                "Airflow at %(url)s refused to log in %(login)r; check login and password.",
                url=url,
                login=user,
            )
        if response.status_code >= 500:
            raise UnavailableError(
                "Airflow at %(url)s answered %(status)s to the log-in; try again later.",
                url=url,
                status=response.status_code,
            )
        try:
            self._token = str(response.json()["access_token"])
        except (KeyError, TypeError, ValueError):
            raise ReleaseError(
                "%(url)s/auth/token answered %(status)s without a token; is this an Airflow API server?",
                url=url,
                status=response.status_code,
            ) from None
        self._expires_at = token_expiry(self._token)
