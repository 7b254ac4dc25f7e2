"""The main job, step by step: what a newcomer does in five minutes, and what must be refused on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from demo.browser import logged_in, open_releases

if TYPE_CHECKING:
    import httpx
    from playwright.sync_api import Browser

    from demo.instance import DemoInstance

API = "/release/api/v1"
WAIT_SECONDS = 180


class MainJobError(AssertionError):
    """Raised when a step does not give what it should; the message says what was seen instead."""


@dataclass
class MainJob:
    """
    Does the main job in a running demo.

    :param say: takes the name of a step and its seconds
    """

    demo: DemoInstance
    browser: Browser
    say: Callable[[str, float], None] = lambda *_: None
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def run(self) -> None:
        """All steps, in order. Raises :class:`MainJobError` or a browser time-out."""
        try:
            self._run()
        finally:
            for client in self.clients.values():
                client.close()

    def _run(self) -> None:
        with self._step("dev submits etl_orders and asks for its release in the browser"):
            release_id = self._request_in_browser("etl_orders.py", "Orders for production")
        with self._step("the pipeline checks it on a worker and asks for approval"):
            release = self._wait_for_release(release_id, "awaiting_approval")
        with self._step("dev cannot approve it"):
            self._refuse_own_approval(release)
        with self._step("reviewer reads the change and approves it in the browser"):
            self._approve_in_browser(release_id)
        with self._step("it is promoted, and Airflow serves exactly that version"):
            release = self._wait_for_release(release_id, "released")
            self._wait_for_version("etl_orders", release["target_commit"])
        with self._step("the run of etl_orders in prod succeeds"):
            self._wait_for_run("etl_orders", self._started_run(release_id), "success")
        with self._step("invoice_run, a Dag with a gate, is released through the API"):
            self._release_over_http("invoice_run.py", "Invoices")
        with self._step("its run waits at the gate without holding a worker"):
            run_id, gate = self._start_gated_run()
        with self._step("reviewer signs the gate off in the browser, and the run finishes"):
            self._sign_off_in_browser(gate["title"])
            self._wait_for_run("invoice_run", run_id, "success")

    def _client(self, user: str) -> httpx.Client:
        if user not in self.clients:
            self.clients[user] = self.demo.client(user)
        return self.clients[user]

    def _get(self, user: str, path: str, **params: Any) -> Any:
        answer = self._client(user).get(path, params=params)
        if answer.is_error:
            raise MainJobError(f"GET {path} as {user}: {answer.status_code} {answer.text}")
        return answer.json()

    def _post(self, user: str, path: str, body: dict[str, Any]) -> Any:
        answer = self._client(user).post(path, json=body)
        if answer.is_error:
            raise MainJobError(f"POST {path} as {user}: {answer.status_code} {answer.text}")
        return answer.json()

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.say(name, time.monotonic() - begun)

    def _until(self, what: str, look: Callable[[], Any]) -> Any:
        """What ``look`` answers as soon as it is true."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            self.demo.check()
            found = look()
            if found:
                return found
            time.sleep(0.5)
        raise MainJobError(f"{what} did not happen within {WAIT_SECONDS} s")

    def _request_in_browser(self, path: str, title: str) -> int:
        user = self.demo.users["dev"]
        with logged_in(self.browser, self.demo.url, user.name, user.password) as page:
            frame = open_releases(page, self.demo.url)
            frame.get_by_role("navigation", name="Releases").get_by_role(
                "link", name="To be released"
            ).click()
            row = frame.locator("tr", has_text=path)
            row.get_by_role("button", name="Submit").click()
            frame.locator("dialog[open]").get_by_label("What changed").fill("First version")
            frame.locator("dialog[open]").get_by_role("button", name="Submit").click()
            frame.locator("tr", has_text=path).get_by_role("checkbox").check()
            frame.get_by_role("button", name="Create release").click()
            frame.get_by_label("Title").fill(title)
            frame.get_by_role("checkbox", name="reviewer").check()
            frame.get_by_label("Run the Dags as soon as they are released").check()
            frame.get_by_role("button", name="Create release").click()
            frame.locator("dialog[open]").get_by_role("button", name="Release", exact=True).click()
            frame.get_by_role("heading", name=title).wait_for()
        return int(self._get("dev", f"{API}/releases", search=title)["items"][0]["id"])

    def _wait_for_release(self, release_id: int, state: str) -> Any:
        def look() -> Any:
            release = self._get("dev", f"{API}/releases/{release_id}")
            if release["state"] in {"failed", "errored", "rejected", "revoked", "expired", "stale"} - {state}:
                raise MainJobError(f"{release['number']} is {release['state']}: {release['state_reason']}")
            return release if release["state"] == state else None

        return self._until(f"release {release_id} becoming {state}", look)

    def _refuse_own_approval(self, release: Any) -> None:
        body = {"verdict": "approve", "change_digest": release["change_digest"]}
        answer = self._client("dev").post(f"{API}/releases/{release['id']}/decisions", json=body)
        if answer.status_code != 403 or answer.json()["error"] != "self_approval":
            raise MainJobError(f"dev could approve their own release: {answer.status_code} {answer.text}")

    def _approve_in_browser(self, release_id: int) -> None:
        user = self.demo.users["reviewer"]
        title = self._get("reviewer", f"{API}/releases/{release_id}")["title"]
        with logged_in(self.browser, self.demo.url, user.name, user.password) as page:
            frame = open_releases(page, self.demo.url)
            frame.get_by_role("link", name="My approvals").click()
            frame.get_by_role("link", name=title).first.click()
            frame.get_by_role("link", name="Changes").click()
            frame.locator("#changes").get_by_text("etl_orders.py").first.wait_for()
            frame.get_by_role("button", name="Approve").first.click()
            frame.locator("dialog[open]").get_by_role("button", name="Approve").click()
            frame.locator("dialog[open]").wait_for(state="detached")
        self._until("the approval being counted", lambda: self._decisions(release_id))

    def _decisions(self, release_id: int) -> Any:
        return self._get("reviewer", f"{API}/releases/{release_id}/decisions")["items"]

    def _wait_for_version(self, dag_id: str, commit: str) -> None:
        def look() -> bool:
            answer = self._client("dev").get(f"/api/v2/dags/{dag_id}")
            return answer.status_code == 200 and answer.json().get("bundle_version") == commit

        self._until(f"{dag_id} being served at {commit}", look)

    def _started_run(self, release_id: int) -> str:
        def look() -> str:
            runs = self._get("dev", f"{API}/releases/{release_id}")["runs"]
            return str(runs[0]["run_id"]) if runs else ""

        return str(self._until("the run after the release being started", look))

    def _wait_for_run(self, dag_id: str, run_id: str, state: str) -> None:
        def look() -> bool:
            found = self._get("dev", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"]
            if found in {"failed", "success"} and found != state:
                raise MainJobError(f"run {run_id} of {dag_id} is {found}, not {state}")
            return bool(found == state)

        self._until(f"run {run_id} of {dag_id} being {state}", look)

    def _release_over_http(self, path: str, title: str) -> None:
        submission = self._post("dev", f"{API}/submissions", {"path": path})
        body = {"title": title, "submission_ids": [submission["id"]], "reviewers": ["reviewer"]}
        release_id = self._post("dev", f"{API}/releases", body)["id"]
        release = self._wait_for_release(release_id, "awaiting_approval")
        decision = {"verdict": "approve", "change_digest": release["change_digest"]}
        self._post("reviewer", f"{API}/releases/{release_id}/decisions", decision)
        release = self._wait_for_release(release_id, "released")
        for dag_id in release["dag_ids"]:
            self._wait_for_version(dag_id, release["target_commit"])

    def _start_gated_run(self) -> tuple[str, Any]:
        run = self._post("admin", "/api/v2/dags/invoice_run/dagRuns", {"logical_date": None})
        run_id = run["dag_run_id"]

        def look() -> Any:
            gates = self._get("reviewer", f"{API}/gates", dag_id="invoice_run", state="open")["items"]
            task = self._get("dev", f"/api/v2/dags/invoice_run/dagRuns/{run_id}/taskInstances/sign_off")
            return next((g for g in gates if g["run_id"] == run_id and task["state"] == "deferred"), None)

        return run_id, self._until("the gate opening and its task being deferred", look)

    def _sign_off_in_browser(self, title: str) -> None:
        user = self.demo.users["reviewer"]
        with logged_in(self.browser, self.demo.url, user.name, user.password) as page:
            frame = open_releases(page, self.demo.url)
            frame.get_by_role("link", name="My approvals").click()
            frame.get_by_role("link", name=title).first.click()
            frame.get_by_role("button", name="Approve").first.click()
            frame.locator("dialog[open]").get_by_role("button", name="Approve").click()
            frame.locator("dialog[open]").wait_for(state="detached")
