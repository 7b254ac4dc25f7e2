"""Where the Airflow API server is and how to log in there: what a connection says, checked."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from airflow_release_plugin.exceptions import InvalidRequestError

ALLOWED_EXTRAS = frozenset({"ca_file", "timeout", "verify_ssl"})
"""Extras that a connection may carry; others are refused, because a typing error there would be silent."""


@dataclass(frozen=True)
class ClientSettings:
    """
    Everything that a client needs to know.

    :param base_url: URL of the Airflow API server with its path prefix, without a slash at the end
    :param login: user name; empty when ``password`` is a ready token
    :param password: password of ``login``, or a JWT; never printed
    :param verify: whether TLS certificates are verified
    :param ca_file: file of certificates to trust instead of the public ones
    :param timeout: seconds that one request may take
    """

    base_url: str
    login: str = ""
    password: str = field(default="", repr=False)
    verify: bool = True
    ca_file: str | None = None
    timeout: float = 30.0

    @property
    def path_prefix(self) -> str:
        """Path under which the server is reached, for links; empty for most installations."""
        return urlsplit(self.base_url).path.rstrip("/")

    def tls(self) -> ssl.SSLContext | bool:
        """Return ``httpx``'s ``verify``. Raises ``InvalidRequestError`` when the CA file cannot be used."""
        if not self.base_url.startswith("https:"):
            return False  # nothing to verify, and loading the public certificates would delay each task
        if not self.ca_file or not self.verify:
            return self.verify
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise InvalidRequestError(
                "Extra 'ca_file' of the connection, %(path)r, cannot be used (%(error)s); correct it.",
                path=self.ca_file,
                error=str(error),
            ) from error

    @classmethod
    def from_fields(
        cls,
        *,
        host: str | None,
        schema: str | None = None,
        port: int | None = None,
        login: str | None = None,
        password: str | None = None,
        extra: str | None = None,
    ) -> ClientSettings:
        """
        Build settings from the fields of an Airflow connection.

        :param host: a URL with path prefix, or a bare host that ``schema`` (``http``) and ``port`` complete
        :param extra: JSON object with keys of :data:`ALLOWED_EXTRAS`
        :raises InvalidRequestError: a field is missing or has an unknown or unusable value
        """
        extras = _extras(extra)
        return cls(
            base_url=_base_url(host, schema, port),
            login=(login or "").strip(),
            password=password or "",
            verify=_flag(extras),
            ca_file=str(extras["ca_file"]) if extras.get("ca_file") else None,
            timeout=_seconds(extras.get("timeout", 30.0)),
        )


def _base_url(host: str | None, schema: str | None, port: int | None) -> str:
    name = (host or "").strip().rstrip("/")
    if not name:
        raise InvalidRequestError("The connection has no host; give the URL of the Airflow API server.")
    url = name if "://" in name else f"{schema or 'http'}://{name}"
    try:
        parts = urlsplit(url)
        own_port = parts.port
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:  # a port that is no number or out of range, half a pair of brackets
        is_url = False
    if not is_url:
        raise InvalidRequestError(
            "Host %(host)r of the connection is not an http or https URL; correct it.", host=name
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidRequestError(
            "Host of the connection has credentials, a query or a fragment in it; use login and password."
        )
    netloc = parts.netloc if own_port or not port else f"{parts.netloc}:{port}"
    return f"{parts.scheme}://{netloc}{parts.path}"


def _extras(extra: str | None) -> dict[str, object]:
    try:
        found = json.loads(extra) if extra else {}
    except ValueError as error:
        raise InvalidRequestError("Extra of the connection is not JSON; correct it.") from error
    if not isinstance(found, dict):
        raise InvalidRequestError("Extra of the connection is not a JSON object; correct it.")
    unknown = sorted(found.keys() - ALLOWED_EXTRAS)
    if unknown:
        raise InvalidRequestError(
            "Extra of the connection has unknown keys %(unknown)s; possible: %(possible)s.",
            unknown=str(unknown),
            possible=sorted(ALLOWED_EXTRAS),
        )
    return found


def _flag(extras: dict[str, object]) -> bool:
    return str(extras.get("verify_ssl", True)).strip().lower() not in {"false", "0", "no", "f"}


def _seconds(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise InvalidRequestError(
            "Extra 'timeout' of the connection is %(value)r; give seconds above 0, at most 3600.",
            value=value,
        )
    return seconds
