"""Scripts, styles and icons of the pages: named after their content, so that browsers ask for each once."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Response, request, url_for

HERE = Path(__file__).parents[1] / "static"
FOREVER = "public, max-age=31536000, immutable"


@cache
def _contents() -> dict[str, str]:
    """First 16 hex digits of the SHA-256 of each file, by file name."""
    return {file.name: sha256(file.read_bytes()).hexdigest()[:16] for file in HERE.iterdir()}


def static_file(name: str) -> str:
    """
    Return the address of a static file; it changes with the content.

    :raises KeyError: there is no such file
    """
    return url_for("static", filename=name, v=_contents()[name])


def keep_in_browser(response: Response) -> None:
    """Let the browser keep a file that was asked for by its content; another version may hold another one."""
    digest = _contents().get((request.view_args or {})["filename"])
    if digest and request.args.get("v") == digest:
        response.headers["Cache-Control"] = FOREVER
