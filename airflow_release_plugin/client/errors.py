"""From an answer of the server back to the error that the server raised."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_release_plugin.exceptions import (
    ConflictError,
    ExpiredError,
    InvalidRequestError,
    NotAllowedError,
    NotAuthenticatedError,
    NotFoundError,
    ReleaseError,
    TooLargeError,
    UnavailableError,
    error_for_code,
)
from airflow_release_plugin.messages import Message

if TYPE_CHECKING:
    import httpx

_BY_STATUS: dict[int, type[ReleaseError]] = {
    kind.status: kind
    for kind in (
        NotAuthenticatedError,
        NotAllowedError,
        NotFoundError,
        ConflictError,
        ExpiredError,
        TooLargeError,
        InvalidRequestError,
    )
} | {502: UnavailableError, 503: UnavailableError, 504: UnavailableError}


def error_from(response: httpx.Response) -> ReleaseError:
    """
    Return the error that ``response`` (already read, status 300 or above) stands for.

    Bodies of other origin, such as a proxy's page, are judged by their status.
    """
    body = _body(response)
    detail = body.get("detail")
    if isinstance(body.get("error"), str):
        error = error_for_code(body["error"])("%(detail)s", detail=_text(detail))
        context = body.get("context")
        error.context = context if isinstance(context, dict) else {}
        return error
    kind = _BY_STATUS.get(response.status_code, ReleaseError)
    hint = (
        _text(detail)
        if detail
        else Message("not an answer of Airflow Release; check the host of the connection.")
    )
    return kind(
        "%(url)s answered %(status)s: %(hint)s",
        url=str(response.request.url),
        status=response.status_code,
        hint=hint,
    )


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _text(detail: Any) -> str:
    return detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False)
