"""A package as large as one may be, from the list to the target, in a browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from demo.instance import running_demo
from tests.harness.driver import Driver
from tests.harness.many_dags import TEAM_SIZE, team_name, write_dags

PAGE_ROWS = 25
PATIENCE = 240
"""Seconds after which Airflow is no longer waited for: a hundred files take it a while on a busy machine."""

PROMISED_SECONDS = 120
"""What a release of this size may take from opening the list to being served, people's thoughts aside."""


def release_out_of(files: int, folder: Path, browser: Browser) -> BigRelease:
    """
    Release one team's DAGs in an installation of its own whose list has so many files.

    Most of them Airflow has not parsed by then: its dag processor is busy with them all the time.
    """
    write_dags(folder / "dags", files)
    once = {"dag_processor.min_file_process_interval": "3600"}
    with (
        running_demo(folder / "home", dags=folder / "dags", options=once, say=print) as demo,
        closing(Driver(demo, browser)) as driver,
    ):
        release = BigRelease(driver, files)
        driver.until("the team's files being parsed", release.is_parsed, PATIENCE)
        release.run()
    return release


@dataclass
class BigRelease:
    """
    One person's way with the DAGs of one team; each step leaves its seconds.

    :param files: DAG files that the list has
    :param seconds: what each step took, by its name
    :param seen: how many items the page showed as ``checked`` and as ``served``, look by look
    """

    driver: Driver
    files: int
    team: str = team_name(0)
    say: Callable[[str], object] = print
    seconds: dict[str, float] = field(default_factory=dict)
    seen: dict[str, list[int]] = field(default_factory=dict)

    def run(self) -> None:
        """All steps, in order; raises what a step finds missing."""
        with self.driver.page("dev", "/to-be-released/?tab=dags") as page:
            self._look(page)
            self._submit(page)
            self._select_across_pages(page)
            self._request(page)
            self._watch(page, "checked", until="Awaiting approval")
            self._approve()
            self._watch(page, "served", until="Released")
        with self._step("Airflow has all of them at the new version"):
            self.driver.until("all Dags being served", self._are_served)

    def is_parsed(self) -> bool:
        """Whether Airflow knows the team's DAGs in the source, so that they may be submitted."""
        wanted = {"dag_id_pattern": f"dev.{self.team}_orders", "limit": 1}
        return bool(self.driver.get("/api/v2/dags", **wanted)["total_entries"] == TEAM_SIZE)

    @property
    def title(self) -> str:
        """What the release is called."""
        return f"All of {self.team}"

    @property
    def whole(self) -> float:
        """Seconds of all steps."""
        return sum(self.seconds.values())

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - begun
        self.say(f"{name:<45} {self.seconds[name]:>6.1f} s")

    def _look(self, page: Page) -> None:
        with self._step("opening the list"):
            page.reload()
            page.get_by_role("heading", name=f"{self.files} changes to be released").wait_for()
        with self._step("filtering it"):
            page.get_by_role("searchbox").fill(f"{self.team}_")
            page.get_by_role("searchbox").press("Enter")
            page.get_by_role("heading", name=f"{TEAM_SIZE} changes to be released").wait_for()

    def _submit(self, page: Page) -> None:
        with self._step("selecting all that match"):
            page.locator("[data-pick]").first.check()
            page.get_by_role("button", name=f"Select all {TEAM_SIZE} matching").click()
            page.get_by_text(f"{TEAM_SIZE} selected").wait_for()
        with self._step("submitting them"):
            page.get_by_role("button", name="Submit selected").click()
            dialog = page.locator("dialog[open]")
            dialog.get_by_label("What changed").fill("The new warehouse")
            dialog.get_by_role("button", name="Submit").click()
            page.get_by_text(f"{TEAM_SIZE} files were submitted").wait_for()

    def _select_across_pages(self, page: Page) -> None:
        with self._step("selecting them page by page"):
            page.goto(f"{page.url.split('?')[0]}?tab=dags&submitted=yes&limit={PAGE_ROWS}")
            for chosen in range(PAGE_ROWS, TEAM_SIZE + 1, PAGE_ROWS):
                page.get_by_label("Select all rows of this page").check()
                page.get_by_text(f"{chosen} selected").wait_for()
                if chosen < TEAM_SIZE:
                    page.get_by_role("link", name="Next page").click()
                    page.get_by_text(f"{chosen + 1} to {chosen + PAGE_ROWS} of").wait_for()

    def _request(self, page: Page) -> None:
        with self._step("opening the form"):
            page.get_by_role("button", name="Create release").click()
            page.get_by_label("Title").fill(self.title)
        with self._step("asking for the release"):
            page.get_by_role("checkbox", name="reviewer").check()
            page.get_by_role("button", name="Create release").click()
            dialog = page.locator("dialog[open]")
            expect(dialog).to_contain_text(f"Release {TEAM_SIZE} versions to prod?")
            dialog.get_by_role("button", name="Release", exact=True).click()
            page.get_by_role("heading", name=self.title).wait_for()

    def _watch(self, page: Page, item: str, *, until: str) -> None:
        """Look at the page, which nobody touches, until the release and each of its items has arrived."""
        counts = self.seen[item] = [0]

        def look() -> bool:
            counts.append(page.locator(f"[data-item] [data-state={item}]").count())
            state = page.locator("h1 .badge").inner_text().strip()
            assert state not in {"Failed", "Errored"}, page.locator("main").inner_text()
            return counts[-1] == TEAM_SIZE and state == until

        with self._step(f"watching until all are {item}"):
            self.driver.until(f"the page saying {until!r}", look, PATIENCE)

    def _approve(self) -> None:
        with self.driver.page("reviewer", "/approvals/") as page:
            with self._step("opening what is to be approved"):
                page.get_by_role("link", name=self.title).first.click()
                page.get_by_role("heading", name=self.title).wait_for()
            self._read_on_a_phone(page)
            with self._step("approving"):
                page.get_by_role("button", name="Approve").first.click()
                page.locator("dialog[open]").get_by_role("button", name="Approve").click()
                page.get_by_text("Your decision was recorded").wait_for()

    def _read_on_a_phone(self, page: Page) -> None:
        """The changed files start as their names there, and open together."""
        page.set_viewport_size({"width": 375, "height": 800})
        page.get_by_role("link", name="Changes").click()
        expect(page.locator(".diff-file[open]")).to_have_count(0)
        page.get_by_role("button", name="Expand all").click()
        expect(page.locator(".diff-file[open]")).to_have_count(page.locator(".diff-file").count())
        page.set_viewport_size({"width": 1400, "height": 900})

    def _are_served(self) -> bool:
        wanted = {"dag_id_pattern": f"{self.team}_orders", "order_by": "-dag_id", "limit": TEAM_SIZE}
        dags = self.driver.get("/api/v2/dags", **wanted)["dags"]  # those of the source come later: dev.…
        served = {dag["bundle_version"] for dag in dags if dag["bundle_name"] == "prod"}
        return len(served) == 1 and all(dag["bundle_name"] == "prod" for dag in dags)
