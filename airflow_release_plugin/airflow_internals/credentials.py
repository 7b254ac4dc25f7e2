"""Tokens of requests, read in one place for the API and the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN


@dataclass(frozen=True)
class Credentials:
    """
    One of Airflow's JWTs, not looked at yet; :func:`.actors.resolve` says whose it is.

    :param is_cookie: whether a browser sent it by itself, whichever site asked it to
    """

    token: str
    is_cookie: bool


def read_credentials(headers: Mapping[str, str], cookies: Mapping[str, str]) -> Credentials | None:
    """
    The token of a request: its bearer token, or else Airflow's cookie; ``None`` where it has neither.

    :param headers: by name, whatever the case
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return Credentials(token.strip(), is_cookie=False)
    cookie = cookies.get(COOKIE_NAME_JWT_TOKEN, "")
    return Credentials(cookie, is_cookie=True) if cookie else None
