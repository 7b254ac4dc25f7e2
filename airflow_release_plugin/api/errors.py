"""Every error as ``{"error": code, "detail": …, "context": {…}}``."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError
from airflow_release_plugin.schemas.common import ErrorResponse

log = logging.getLogger(__name__)

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse, "description": text}
    for status, text in {
        401: "Nobody is logged in",
        403: "The caller may not do this",
        404: "No such thing that the caller may see",
        409: "The thing is in another state than the caller thinks",
        410: "A validity window is over",
        413: "Over a limit",
        422: "The values cannot be accepted",
        503: "Source, store or database does not answer",
    }.items()
}


def add_error_handlers(app: FastAPI) -> None:
    """Make ``app`` answer errors in the one shape."""

    @app.exception_handler(ReleaseError)
    async def release_error(_: Request, error: ReleaseError) -> JSONResponse:
        if error.status >= 500:
            log.error("%s: %s", error.code, error.message)
        return _answer(error.status, error.code, error.message, error.context)

    @app.exception_handler(RequestValidationError)
    async def shape_error(_: Request, error: RequestValidationError) -> JSONResponse:
        # The input is left out: it may hold what the caller did not mean to see in a log.
        detail = [{"loc": item["loc"], "msg": item["msg"], "type": item["type"]} for item in error.errors()]
        return _answer(422, InvalidRequestError.code, detail, {})


def _answer(status: int, code: str, detail: Any, context: dict[str, Any]) -> JSONResponse:
    body = ErrorResponse(error=code, detail=detail, context=context)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(status_code=status, content=jsonable_encoder(body), headers=headers)
