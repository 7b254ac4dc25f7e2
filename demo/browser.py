"""A headless browser that uses the demo as people do: through Airflow's own pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC_BROWSERS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
PATIENCE_MS = 60_000
_QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_browser() -> str | None:
    """Path of an installed Chromium or Chrome; ``CHROME`` names one."""
    return shutil.which(os.environ.get("CHROME", "")) or next(
        (path for path in map(shutil.which, (*_NAMES, *_MAC_BROWSERS)) if path), None
    )


@contextmanager
def open_browser(path: str) -> Iterator[Browser]:
    """A headless browser that talks to nobody but the demo."""
    from playwright.sync_api import sync_playwright

    # Chromium refuses its sandbox to root; the pages are our own.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_QUIET, *sandbox])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def own_context(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """
    A browser session of somebody, patient enough for a machine that does much else.

    It closes when its pages have come: Chromium may never answer if it is to close while one arrives.
    """
    from playwright.sync_api import Error

    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield context
    finally:
        for page in context.pages:
            with suppress(Error):  # what went wrong before says more
                page.wait_for_load_state()
        context.close()


@contextmanager
def logged_in(
    browser: Browser, url: str, name: str, password: str, *, width: int = 1400, language: str = "en"
) -> Iterator[Page]:
    """A page of somebody who logged in through Airflow's form, and has chosen a language there."""
    with own_context(browser, viewport={"width": width, "height": 900}) as context:
        context.add_init_script(f"localStorage.i18nextLng ??= '{language}'")  # later, they may choose another
        page = context.new_page()
        page.goto(f"{url}/auth/login?next={url}/")
        page.fill("input[name=username]", name)
        page.fill("input[name=password]", password)
        page.click("button[type=submit], input[type=submit]")  # the simple auth manager's form, or FAB's
        page.wait_for_url(lambda address: "/auth/login" not in address)
        yield page


def open_releases(page: Page, url: str) -> FrameLocator:
    """Follow the navigation entry; returns our pages inside Airflow's."""
    page.goto(f"{url}/")
    page.get_by_role("link", name="Releases").click()
    return page.frame_locator("iframe")
