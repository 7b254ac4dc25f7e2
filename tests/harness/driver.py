"""What end-to-end tests do in a running demo: people who edit, ask, decide and look at pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.sync_api import Browser, Page

from demo.browser import logged_in, own_context
from demo.instance import DemoInstance

API = "/release/api/v1"
UI = "/release/ui"
WAIT_SECONDS = 180
ENDS = {"failed", "errored", "rejected", "revoked", "expired", "stale"}


@dataclass
class Driver:
    """
    Acts over HTTP as any of the demo's users, and opens pages as them.

    :param browser: for pages; not needed without
    """

    demo: DemoInstance
    browser: Browser | None = None
    clients: dict[str, httpx.Client] = field(default_factory=dict)
    logins: dict[str, Any] = field(default_factory=dict)

    def client(self, user: str) -> httpx.Client:
        """An HTTP client of the user."""
        if user not in self.clients:
            self.clients[user] = self.demo.client(user)
        return self.clients[user]

    def close(self) -> None:
        """Close connections."""
        for client in self.clients.values():
            client.close()

    def get(self, path: str, user: str = "dev", **params: Any) -> Any:
        """JSON of a path that must answer."""
        answer = self.client(user).get(path, params=params)
        assert answer.is_success, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def post(self, path: str, body: dict[str, Any], user: str = "dev") -> Any:
        """JSON of a path that must accept."""
        answer = self.client(user).post(path, json=body)
        assert answer.is_success, f"POST {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def until(self, what: str, look: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
        """What ``look`` answers as soon as it is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.demo.check()
            if found := look():
                return found
            time.sleep(0.4)
        raise AssertionError(f"{what} did not happen within {seconds:g} s")

    def write(self, path: str, text: str) -> None:
        """Put a file into the folder that people edit."""
        file = self.demo.settings.source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def row(self, path: str) -> dict[str, Any] | None:
        """The file's row in the to-be-released list."""
        items = self.get(f"{API}/candidates", limit=1000)["items"]
        return next((item for item in items if item["path"] == path), None)

    def add(self, name: str, text: str) -> dict[str, Any]:
        """Write the DAG file ``<name>.py`` and wait until it may be submitted; its row in the list."""
        self.write(f"{name}.py", text)

        def look() -> dict[str, Any] | None:
            row = self.row(f"{name}.py")
            return row if row is not None and row["may_submit"] else None

        found: dict[str, Any] = self.until(f"{name}.py being in the list", look)
        return found

    def submit(self, path: str) -> dict[str, Any]:
        """Submit the file as it is."""
        made: dict[str, Any] = self.post(f"{API}/submissions", {"path": path})
        return made

    def request(self, *paths: str, title: str, **options: Any) -> int:
        """Submit the files and ask the reviewer for their release; its id."""
        ids = [self.submit(path)["id"] for path in paths]
        body = {"title": title, "submission_ids": ids, "reviewers": ["reviewer"], **options}
        return int(self.post(f"{API}/releases", body)["id"])

    def release(self, release_id: int) -> dict[str, Any]:
        """The release as it is now."""
        found: dict[str, Any] = self.get(f"{API}/releases/{release_id}")
        return found

    def wait_for(self, release_id: int, state: str) -> dict[str, Any]:
        """The release as soon as it has the state."""

        def look() -> dict[str, Any] | None:
            found = self.release(release_id)
            assert found["state"] not in ENDS - {state}, f"{found['state']}: {found['state_reason']}"
            return found if found["state"] == state else None

        found: dict[str, Any] = self.until(f"release {release_id} becoming {state}", look)
        return found

    def decide(self, release: dict[str, Any], verdict: str = "approve") -> None:
        """Let the reviewer decide."""
        decision = {"verdict": verdict, "comment": "end to end", "change_digest": release["change_digest"]}
        self.post(f"{API}/releases/{release['id']}/decisions", decision, "reviewer")

    def ship(self, *paths: str, title: str) -> None:
        """Bring the files to the target, until Airflow serves them there."""
        release_id = self.request(*paths, title=title)
        self.decide(self.wait_for(release_id, "awaiting_approval"))
        released = self.wait_for(release_id, "released")
        for dag_id in released["dag_ids"]:
            self.until(f"{dag_id} being served", lambda i=dag_id: self.is_served(i, released))

    def is_served(self, dag_id: str, released: dict[str, Any]) -> bool:
        """Whether Airflow has the DAG at the release's commit."""
        answer = self.client("dev").get(f"/api/v2/dags/{dag_id}")
        return answer.status_code == 200 and answer.json()["bundle_version"] == released["target_commit"]

    def run(self, dag_id: str) -> str:
        """Start a run by hand; its id."""
        return str(self.post(f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None}, "admin")["dag_run_id"])

    def wait_for_run(self, dag_id: str, run_id: str, state: str) -> None:
        """Wait until the run ends, which must be in the state."""

        def look() -> bool:
            found = self.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"]
            assert found in {"queued", "running", state}, f"the run of {dag_id} is {found}"
            return bool(found == state)

        self.until(f"the run of {dag_id} being {state}", look)

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str]:
        """States of the run's tasks by task id."""
        tasks = self.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {task["task_id"]: task["state"] for task in tasks}

    def waiting_gates(self, dag_id: str, run_id: str, count: int) -> list[dict[str, Any]]:
        """The run's gates, once ``count`` of them are open and their tasks deferred."""

        def look() -> list[dict[str, Any]] | None:
            gates = self.get(f"{API}/gates", "reviewer", dag_id=dag_id, state="open")["items"]
            gates = [gate for gate in gates if gate["run_id"] == run_id]
            deferred = list(self.task_states(dag_id, run_id).values()).count("deferred")
            return gates if len(gates) == deferred == count else None

        found: list[dict[str, Any]] = self.until(f"{count} gates of {dag_id} waiting", look)
        return found

    def sign(self, gate: dict[str, Any], verdict: str = "approve") -> None:
        """Let the reviewer decide on a gate."""
        decision = {"verdict": verdict, "comment": "end to end", "change_digest": gate["change_digest"]}
        self.post(f"{API}/gates/{gate['id']}/decisions", decision, "reviewer")

    @contextmanager
    def page(self, user: str, path: str, **options: Any) -> Iterator[Page]:
        """One of our pages, without Airflow around it; ``options`` of the browser context."""
        assert self.browser is not None, "pages need a browser"
        if user not in self.logins:
            person = self.demo.users[user]
            with logged_in(self.browser, self.demo.url, person.name, person.password) as page:
                self.logins[user] = page.context.storage_state()
        with own_context(self.browser, storage_state=self.logins[user], **options) as context:
            page = context.new_page()
            page.goto(f"{self.demo.url}{UI}{path}")
            yield page


def dag_file(dag_id: str, top: str = "", body: str = "pass") -> str:
    """Text of a DAG file with one DAG; ``top`` above it, ``body`` in it."""
    return (
        "from datetime import datetime\nfrom airflow.sdk import DAG\n"
        f'{top}\nwith DAG("{dag_id}", schedule=None, start_date=datetime(2026, 1, 1)):\n    {body}\n'
    )


def gated_dag_file(dag_id: str, gates: int) -> str:
    """Text of a DAG file whose DAG waits at gates side by side."""
    sensor = "from airflow_release_plugin.sensors.gate import ApprovalGateSensor"
    body = "".join(
        f'    ApprovalGateSensor(task_id="gate_{n}", title="{dag_id} {n}?")\n' for n in range(gates)
    )
    return dag_file(dag_id, sensor, body.strip())


def press(page: Page, dialog: str, button: str, *, times: int = 1) -> None:
    """Open a dialog by its button and confirm it, ``times`` quick clicks."""
    page.get_by_role("button", name=dialog, exact=True).first.click()
    page.locator("dialog[open]").get_by_role("button", name=button, exact=True).click(click_count=times)


def error_code(page: Page) -> str | None:
    """The code that an error page shows."""
    return page.locator("[data-error-code]").get_attribute("data-error-code")
