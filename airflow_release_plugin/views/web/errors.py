"""Errors as pages."""

from __future__ import annotations

import logging
import uuid

from flask import Flask, render_template
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from airflow_release_plugin.domain.discussion.words import MAX_LETTERS
from airflow_release_plugin.exceptions import CsrfError, NotFoundError, ReleaseError, TooLargeError
from airflow_release_plugin.messages import Message

log = logging.getLogger(__name__)


def _page(status: int, code: str, message: str) -> tuple[str, int]:
    return render_template("web/error.html", status=status, code=code, message=message), status


def _release_error(error: ReleaseError) -> tuple[str, int]:
    return _page(error.status, error.code, error.message)


def _csrf_error(error: CSRFError) -> tuple[str, int]:
    return _release_error(
        CsrfError("This form is out of date and changed nothing. Go back, reload the page and send it again.")
    )


def _http_error(error: HTTPException) -> tuple[str, int] | HTTPException:
    status = error.code or 500
    if status < 400:
        return error
    if status == 404:
        return _release_error(NotFoundError("There is no such page. Choose one of the tabs above."))
    if status == 405:
        message = Message(
            "This address takes what a form sends, and shows nothing. Nothing was changed: choose one of the "
            "tabs above, and send the form from its page."
        )
        return _page(status, "method_not_allowed", message)
    if status == 413:
        return _release_error(
            TooLargeError(
                "What was sent is more than a form of these pages takes, and nothing was changed: a "
                "comment has at most %(most)s characters. Go back and shorten it.",
                most=f"{MAX_LETTERS:,}",
            )
        )
    return _page(status, "http_error", error.description or error.name)


def _unexpected(error: Exception) -> tuple[str, int]:
    reference = uuid.uuid4().hex[:12]
    log.error("Page failed, reference %s", reference, exc_info=error)
    message = Message(
        "Something broke here. The API server's log has the details under reference %(reference)s.",
        reference=reference,
    )
    return _page(500, ReleaseError.code, message)


def register_error_pages(app: Flask) -> None:
    """Answer every error with a page that says what happened and what to do next."""
    app.register_error_handler(ReleaseError, _release_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)
