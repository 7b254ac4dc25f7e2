"""Every error as ``{"error": code, "detail": …, "context": {…}}``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from airflow_release_plugin.api.language import wanted_by
from airflow_release_plugin.domain.text.phrasing import BROKEN_INSIDE
from airflow_release_plugin.exceptions import InvalidRequestError, NotFoundError, ReleaseError
from airflow_release_plugin.languages import said, said_throughout, speaking
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
        return _answer(error.status, error.code, said(error.message), said_throughout(error.context))

    @app.exception_handler(HTTPException)
    async def framework_error(_: Request, error: HTTPException) -> JSONResponse:
        code = NotFoundError.code if error.status_code == 404 else InvalidRequestError.code
        return _answer(error.status_code, code, error.detail, {}, error.headers)

    @app.exception_handler(Exception)
    async def unforeseen_error(request: Request, _: Exception) -> JSONResponse:
        # Starlette raises it again after this answer, so that the server's log has the whole of it; and it
        # asks for the answer outside of all middleware, where nobody's language is spoken.
        with speaking(wanted_by(request.scope)):
            return _answer(500, ReleaseError.code, said(BROKEN_INSIDE), {})

    @app.exception_handler(RequestValidationError)
    async def shape_error(_: Request, error: RequestValidationError) -> JSONResponse:
        # The input is left out: it may hold what the caller did not mean to see in a log.
        detail = [{"loc": item["loc"], "msg": item["msg"], "type": item["type"]} for item in error.errors()]
        return _answer(422, InvalidRequestError.code, detail, {})


def _answer(
    status: int, code: str, detail: Any, context: dict[str, Any], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    body = ErrorResponse(error=code, detail=detail, context=context)
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    return JSONResponse(status_code=status, content=jsonable_encoder(body), headers=headers)
