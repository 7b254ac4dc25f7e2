"""
Take the pictures of the documentation: ``make pictures``.

Runs a demo of its own, does the main job up to a waiting approval and a waiting gate, and writes PNG files
with fixed names to ``docs/images``; those that the Chinese documentation shows, in Chinese too, to
``docs/images/zh``. ``python -m scripts.screenshots folder --all`` takes every page in both languages, at both
widths and in both themes, for people who want to look at all of them.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.browser import find_browser, logged_in, open_browser, open_releases
from demo.instance import DemoInstance, running_demo
from scripts import page_tour, same_page, sample_bundle
from scripts.edits import HOT_FIX, NEW_LOAD, OLD_LOAD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, FrameLocator, Page

DOCS = Path(__file__).resolve().parents[1] / "docs"
IMAGES = DOCS / "images"
CHINESE = "zh-CN"
API = "/release/api/v1"
WIDE, NARROW = 1400, 375
WAIT_SECONDS = 120


@dataclass(frozen=True)
class Variant:
    """How a page is looked at."""

    width: int
    theme: str

    @property
    def suffix(self) -> str:
        """What the name of the file ends in; nothing for the usual look."""
        return ("-dark" if self.theme == "dark" else "") + ("-375" if self.width == NARROW else "")


USUAL = Variant(WIDE, "light")
PHONE = Variant(NARROW, "light")
EVERY = tuple(Variant(width, theme) for width in (WIDE, NARROW) for theme in ("light", "dark"))


@dataclass
class Pictures:
    """
    The demo, the browser, and where files go.

    :param take_all: whether each page is taken in every variant, and in Chinese
    :param in_chinese: names of the pictures that are taken in Chinese, too
    """

    demo: DemoInstance
    browser: Browser
    folder: Path
    take_all: bool = False
    in_chinese: frozenset[str] = frozenset()
    _reader: str = field(default="", init=False)
    _chinese_pages: dict[str, Page] = field(default_factory=dict, init=False)
    _open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, init=False)

    def run(self) -> None:
        """All pictures, in the order of the story."""
        with self._open:
            self._tell()

    def _tell(self) -> None:
        self._release_first_versions()
        run_id = self._start_gated_run()
        self._edit_source()
        release_id = self._new_release()
        self._until(lambda: self._get(f"{API}/releases/{release_id}")["state"] == "awaiting_approval")
        self._review(run_id)
        self._export()
        self._import()
        self._in_airflow()
        if self.take_all:
            self._tour(release_id)
        self._drift()

    def _release_first_versions(self) -> None:
        self._until(lambda: self._get(f"{API}/candidates")["total_entries"] >= 4)
        wanted = ("etl_orders.py", "invoice_run.py")
        ids = [self._post("dev", f"{API}/submissions", {"path": path})["id"] for path in wanted]
        body = {"title": "Orders and invoices", "submission_ids": ids, "reviewers": ["reviewer"]}
        release_id = self._post("dev", f"{API}/releases", body)["id"]
        self._until(lambda: self._get(f"{API}/releases/{release_id}")["state"] == "awaiting_approval")
        digest = self._get(f"{API}/releases/{release_id}")["change_digest"]
        decision = {"verdict": "approve", "change_digest": digest, "comment": "Ran both in dev, fine."}
        self._post("reviewer", f"{API}/releases/{release_id}/decisions", decision)
        self._until(lambda: self._get(f"{API}/releases/{release_id}")["state"] == "released")
        self._until(lambda: {"invoice_run", "etl_orders"} <= set(self._dag_ids()))
        runs = "/api/v2/dags/etl_orders/dagRuns"  # its schedule starts one; the gate then has a sum to show
        self._until(lambda: self._get(runs, state="success")["total_entries"])

    def _start_gated_run(self) -> str:
        made = self._post("admin", "/api/v2/dags/invoice_run/dagRuns", {"logical_date": None})
        self._until(lambda: self._get(f"{API}/gates", user="reviewer", state="open")["total_entries"])
        return str(made["dag_run_id"])

    def _edit_source(self) -> None:
        file = self.demo.settings.source / "etl_orders.py"
        text = file.read_text()
        if OLD_LOAD not in text:
            raise RuntimeError("dags/etl_orders.py has changed; change OLD_LOAD and NEW_LOAD with it")
        file.write_text(text.replace(OLD_LOAD, NEW_LOAD))
        time.sleep(10)  # an edit that Airflow has not parsed yet cannot be told from one that it has

    def _new_release(self) -> int:
        with self._person("dev") as (page, frame):
            frame.get_by_role("navigation", name="Releases").get_by_role(
                "link", name="To be released"
            ).click()
            for path, comment in (
                ("etl_orders.py", "Fail early when the export of the shop is late"),
                ("regional_reports.py", "A report for each region"),
            ):
                frame.locator("tr", has_text=path).get_by_role("button", name="Submit").click()
                frame.locator("dialog[open]").get_by_label("What changed").fill(comment)
                if path == "etl_orders.py":
                    self._shot(page, "submit", (USUAL,))
                frame.locator("dialog[open]").get_by_role("button", name="Submit").click()
                frame.locator("dialog[open]").wait_for(state="detached")
            for path in ("etl_orders.py", "regional_reports.py"):
                frame.locator("tr", has_text=path).get_by_role("checkbox").check()
            self._shot(page, "to-be-released", (USUAL, PHONE))
            frame.get_by_role("button", name="Create release").click()
            frame.get_by_label("Title").fill("Orders fail early, reports by region")
            frame.get_by_label("Description").fill("The load no longer reports success on an empty export.")
            frame.get_by_role("checkbox", name="reviewer").check()
            self._shot(page, "new-release", (USUAL,))
            frame.get_by_role("button", name="Create release").click()
            self._shot(page, "new-release-confirm", ())
            frame.locator("dialog[open]").get_by_role("button", name="Release", exact=True).click()
            frame.get_by_role("heading", name="Orders fail early").wait_for()
            self._shot(page, "releases-detail-checking", ())
        return int(self._get(f"{API}/releases", search="Orders fail early")["items"][0]["id"])

    def _review(self, run_id: str) -> None:
        with self._person("reviewer") as (page, frame):
            frame.get_by_role("link", name="Orders fail early").wait_for()
            self._shot(page, "home", (USUAL, PHONE))
            frame.get_by_role("link", name="My approvals").click()
            frame.get_by_role("heading", name="2 decisions wait").wait_for()
            self._shot(page, "my-approvals", (USUAL,))
            frame.get_by_role("link", name="Orders fail early").first.click()
            frame.get_by_role("heading", name="Versions").wait_for()
            self._shot(page, "release", (*EVERY[:2], PHONE), height=1150)
            self._release_tab(page, frame, "Changes", "Changes against", "release-diff", (USUAL,))
            self._release_tab(page, frame, "Structure", "Structure", "release-structure")
            self._release_tab(page, frame, "Checks", "Checks", "release-checks")
            self._release_tab(page, frame, "Activity", "Activity", "release-activity")
            frame.get_by_role("button", name="Approve").first.click()
            self._shot(page, "approve", (USUAL,))
            frame.locator("dialog[open]").get_by_role("button", name="Cancel").click()
            frame.get_by_role("link", name="Releases", exact=True).click()
            frame.get_by_text("Orders and invoices").wait_for()
            self._shot(page, "releases", (USUAL,))
            frame.get_by_role("link", name="My approvals").click()
            frame.get_by_role("link", name="Send this month").first.click()
            frame.get_by_text(run_id).wait_for()
            self._shot(page, "gate", (USUAL, PHONE))

    def _release_tab(
        self,
        page: Page,
        frame: FrameLocator,
        tab: str,
        heading: str,
        name: str,
        variants: tuple[Variant, ...] = (),
    ) -> None:
        frame.get_by_role("navigation", name="R-").get_by_role("link", name=tab).click()
        frame.get_by_role("heading", name=heading).first.wait_for()
        self._shot(page, name, variants)

    def _export(self) -> None:
        with self._person("dev") as (page, frame):
            frame.get_by_role("link", name="Transfers").click()
            names = frame.get_by_label("Dag ids, one on each line")
            names.fill("etl_orders\ninvoice_rum\n")
            frame.get_by_role("button", name="Use invoice_run").wait_for()
            self._shot(page, "export-match", ())
            frame.get_by_role("button", name="Use invoice_run").click()
            frame.get_by_text("2 Dags found").wait_for()
            frame.get_by_role("button", name="Generate").click()
            frame.locator("#last").get_by_role("link", name="Download").wait_for()
            frame.get_by_role("row", name="Ready").wait_for()
            self._shot(page, "export", (USUAL,))

    def _import(self) -> None:
        home = self.demo.settings.home
        bundle = sample_bundle.write(home / "plant-dresden.dagbundle", home / "release" / "keys")
        with self._person("admin") as (page, frame):
            frame.get_by_role("link", name="Transfers").click()
            frame.get_by_role("link", name="Imports").click()
            frame.locator("#upload-form input[type=file]").set_input_files(bundle)
            frame.get_by_role("button", name="Upload and check").click()
            frame.get_by_text("things block").first.wait_for()
            self._shot(page, "import", (USUAL,), height=1150)
            frame.get_by_label("Select everything").check()
            frame.get_by_role("button", name="Create placeholders").first.click()
            self._shot(page, "import-placeholders", ())
            frame.locator("dialog[open]").get_by_role("button", name="Create placeholders").click()
            frame.get_by_text("placeholders were made").wait_for()
            frame.locator("#apply").get_by_role("link", name="Release").click()
            frame.get_by_role("checkbox", name="reviewer").wait_for()
            self._shot(page, "import-release", (), height=1150)
            frame.get_by_role("link", name="press_shop_yield").first.click()
            frame.get_by_role("heading", name="Changes against").wait_for()
            self._shot(page, "import-unit", ())
            frame.get_by_role("link", name="Transfers").click()
            frame.get_by_role("link", name="Imports").click()
            frame.get_by_role("link", name="Import 1").wait_for()
            self._shot(page, "imports", (USUAL,))

    def _in_airflow(self) -> None:
        with self._person("reviewer") as (page, _frame):
            page.goto(f"{self.demo.url}/dags/etl_orders")
            page.get_by_role("link", name="Releases").last.click()
            page.frame_locator("iframe").get_by_text("v1").first.wait_for()
            self._shot(page, "dag-tab", (USUAL,))
            page.goto(f"{self.demo.url}/dags")
            page.get_by_role("link", name="etl_orders").first.wait_for()
            self._shot(page, "airflow-dags", (USUAL,))

    def _tour(self, release_id: int) -> None:
        flow_id = page_tour.fill(self._post, release_id)
        with self._person("admin") as (page, frame):
            frame.get_by_role("navigation", name="Releases").wait_for()
            for name, path in page_tour.pages(release_id, flow_id):
                ours = _ours(page)
                if ours is None:
                    raise RuntimeError("Airflow does not show our page.")
                ours.goto(f"{self.demo.url}/release/ui{path}")
                self._shot(page, f"tour/{name}", ())

    def _drift(self) -> None:
        file = self.demo.settings.home / "bundles" / "prod" / "current" / "etl_orders.py"
        file.chmod(0o644)
        file.write_text(file.read_text().replace(OLD_LOAD, HOT_FIX))
        with self._person("admin") as (page, frame):
            frame.get_by_role("link", name="Environment").click()
            frame.get_by_role("button", name="Verify", exact=True).click()
            frame.get_by_text("etl_orders.py is not as it was released").first.wait_for()
            self._shot(page, "drift", (USUAL,))
            frame.get_by_role("link", name="Releases", exact=True).click()
            frame.get_by_role("link", name="See what drifted").wait_for()
            self._shot(page, "drift-banner", ())
            frame.get_by_role("link", name="See what drifted").click()
            frame.get_by_role("link", name="Adopt").click()
            frame.get_by_role("checkbox", name="reviewer").check()
            self._shot(page, "drift-adopt", (USUAL,))
            frame.get_by_role("button", name="Request approval").click()
            self._shot(page, "drift-adopt-confirm", ())
            frame.locator("dialog[open]").get_by_role("button", name="Cancel").click()

    @contextmanager
    def _person(self, name: str) -> Iterator[tuple[Page, FrameLocator]]:
        user = self.demo.users[name]
        with logged_in(self.browser, self.demo.url, user.name, user.password, width=WIDE) as page:
            self._reader = name
            same_page.watch(page.context)
            yield page, open_releases(page, self.demo.url)

    def _shot(self, page: Page, name: str, variants: tuple[Variant, ...], height: int = 900) -> None:
        for variant in EVERY if self.take_all else variants:
            page.set_viewport_size({"width": variant.width, "height": height})
            _set_theme(page, variant.theme)
            page.wait_for_timeout(700)
            file = self.folder / f"{name}{variant.suffix}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=file, animations="disabled", caret="hide")
            _shrink(file)
        page.set_viewport_size({"width": WIDE, "height": 900})
        _set_theme(page, "light")
        if page not in self._chinese_pages.values():
            shown = tuple(each for each in variants if f"{name}{each.suffix}" in self.in_chinese)
            if shown or self.take_all:
                self._shot(self._same_in_chinese(page), f"zh/{name}", shown, height)

    def _same_in_chinese(self, page: Page) -> Page:
        """The same page as its reader sees it with Chinese chosen in Airflow, filled in and opened alike."""
        here = _ours(page)
        if self._reader not in self._chinese_pages:
            user = self.demo.users[self._reader]
            entered = logged_in(self.browser, self.demo.url, user.name, user.password, language=CHINESE)
            self._chinese_pages[self._reader] = self._open.enter_context(entered)
            same_page.watch(self._chinese_pages[self._reader].context)
        chinese = self._chinese_pages[self._reader]
        if here is None:
            chinese.goto(page.url)
            return chinese
        open_releases(chinese, self.demo.url).locator("html[lang=zh-CN]").wait_for()
        there = _ours(chinese)
        if there is None:
            raise RuntimeError("Airflow does not show our page.")
        same_page.visit(here, there)
        same_page.repeat(here, there)
        return chinese

    def _until(self, look: Callable[[], Any]) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not look():
            self.demo.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"The demo did not get there in {WAIT_SECONDS} s.")
            time.sleep(1)

    def _get(self, path: str, user: str = "dev", **params: Any) -> Any:
        with self.demo.client(user) as client:
            return client.get(path, params=params).raise_for_status().json()

    def _post(self, user: str, path: str, body: dict[str, Any]) -> Any:
        with self.demo.client(user) as client:
            return client.post(path, json=body).raise_for_status().json()

    def _dag_ids(self) -> set[str]:
        return {dag["dag_id"] for dag in self._get("/api/v2/dags")["dags"]}


def _ours(page: Page) -> Frame | None:
    """Our page inside Airflow's, if it is one of ours."""
    inner = (frame for frame in page.frames if frame is not page.main_frame)
    return next((frame for frame in inner if "/release/ui" in frame.url), None)


def _set_theme(page: Page, theme: str) -> None:
    """Switch as Airflow's own button does, as if it had been pressed in another tab."""
    page.evaluate(
        """theme => {
            localStorage.setItem("theme", theme);
            dispatchEvent(new StorageEvent("storage", { key: "theme", newValue: theme }));
        }""",
        theme,
    )


def _chinese_pictures() -> frozenset[str]:
    """Names of the pictures that the Chinese documentation shows."""
    texts = [file.read_text(encoding="utf-8") for file in (DOCS / "zh").glob("*.md")]
    return frozenset(name for text in texts for name in re.findall(r"images/zh/([\w-]+)\.png", text))


def _shrink(file: Path) -> None:
    """Down to 256 colours where Pillow is installed; pages have few, and nobody sees the difference."""
    with contextlib.suppress(ImportError):
        from PIL import Image  # type: ignore[import-not-found, unused-ignore]

        with Image.open(file) as image:
            small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        small.save(file, optimize=True)


def main() -> int:
    """Return 0 when all pictures were taken."""
    parser = argparse.ArgumentParser(description="Take the pictures of the documentation.")
    parser.add_argument("folder", nargs="?", type=Path, default=IMAGES)
    parser.add_argument("--all", action="store_true", help="every page at both widths in both themes")
    arguments = parser.parse_args()
    browser_path = find_browser()
    if browser_path is None:
        sys.stderr.write("No Chromium or Chrome is installed; install one, or name it in CHROME.\n")
        return 1
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="airflow-release-") as scratch,
        running_demo(Path(scratch) / "home") as demo,
        open_browser(browser_path) as browser,
    ):
        Pictures(demo, browser, arguments.folder.resolve(), arguments.all, _chinese_pictures()).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
