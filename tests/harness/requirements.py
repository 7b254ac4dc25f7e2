"""What tests need from the machine. Without it they skip aloud; where ``CI=true`` they fail instead."""

from __future__ import annotations

import os
import shutil

import pytest

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC_BROWSERS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def missing(what: str, remedy: str) -> None:
    """Skip the test, or fail it on CI."""
    message = f"NOT TESTED: {what} is missing; {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def find_browser() -> str | None:
    """Path of an installed Chromium or Chrome."""
    return shutil.which(os.environ.get("CHROME", "")) or next(
        (path for path in map(shutil.which, (*_BROWSERS, *_MAC_BROWSERS)) if path), None
    )
