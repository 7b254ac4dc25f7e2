"""A local HTTP server that speaks the REST API of Airflow Release from memory, and can misbehave on order."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock

PREFIX = "/release/api/v1"
NOW = "2026-01-02T03:04:05Z"
PERSON = {"id": "1", "name": "ann"}


def jwt(expires_in: float = 3600) -> str:
    claims = json.dumps({"exp": time.time() + expires_in}).encode()
    return f"head.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.sign{time.monotonic_ns()}"


def approval(state: str = "open", decisions: tuple[tuple[str, str, str], ...] = ()) -> dict[str, Any]:
    return {
        "id": 1,
        "state": state,
        "flow": "default",
        "flow_revision": 1,
        "level": 1,
        "level_name": "Standard",
        "raised_from": None,
        "glass_broken": False,
        "change_digest": "0" * 64,
        "opened_at": NOW,
        "expires_at": NOW,
        "current_step": 0,
        "waiting_steps": [0],
        "would_complete": False,
        "steps": [],
        "decisions": [
            {
                "step": 0,
                "actor": {"id": name, "name": name},
                "place_of": None,
                "roles": [],
                "verdict": verdict,
                "comment": comment,
                "change_digest": "0" * 64,
                "decided_at": NOW,
            }
            for name, verdict, comment in decisions
        ],
        "may_decide": False,
        "why_not": None,
    }


def release(release_id: int = 7, state: str = "checking", **changes: Any) -> dict[str, Any]:
    return {
        "id": release_id,
        "number": f"R{release_id}",
        "title": "Numbers",
        "kind": "promotion",
        "state": state,
        "environment": "prod",
        "requested_by": PERSON,
        "reviewers": [],
        "requested_at": NOW,
        "released_at": None,
        "released_by": None,
        "dag_ids": ["a"],
        "item_count": 1,
        "change_digest": "0" * 64,
        "attempt": 1,
        "description": "",
        "run_after_release": False,
        "state_reason": "",
        "base_commit": None,
        "target_commit": None,
        "items": [],
        "approval": None,
        "reports": [],
        "pipeline": None,
        "runs": [],
        "run_summary": {
            "total": 0,
            "succeeded": 0,
            "failed": 0,
            "under_way": 0,
            "not_started": 0,
            "deleted": 0,
        },
        "progress": [],
        "actions": [],
        "hold": None,
        "watch_state": state,
        "scheduled_at": None,
        "break_glass_reason": "",
        "exempt_reason": "",
        "soak_minutes": 0,
        "rolls_back_id": None,
        "risk": {},
        "evidence": [],
    } | changes


def plan(**changes: Any) -> dict[str, Any]:
    row = {
        "path": "a.py",
        "dag_ids": ["a"],
        "change": "modified",
        "present_version": 2,
        "restored_version": 1,
    }
    return {
        "kind": "rollback",
        "title": "Roll back a to v1",
        "digest": "1" * 64,
        "base_commit": "c",
        "rows": [row],
        "files": [{"path": "a.py", "change": "modified"}],
        "overtaken": [],
        "shared": [],
        "busy": [],
        "flow": "default",
        "reviewers": ["bob"],
        "problem": "",
    } | changes


def gate(gate_id: int = 3, state: str = "open", **changes: Any) -> dict[str, Any]:
    return {
        "id": gate_id,
        "state": state,
        "title": "Pay out?",
        "message": "",
        "dag_id": "pay",
        "run_id": "r1",
        "task_id": "ask",
        "map_index": -1,
        "try_number": 1,
        "bundle_name": "prod",
        "bundle_version": None,
        "data_interval_start": None,
        "data_interval_end": None,
        "run_started_by": "ann",
        "change_digest": "0" * 64,
        "requested_by": PERSON,
        "opened_at": NOW,
        "closed_at": None,
        "approval": approval(),
    } | changes


EXPORT = {
    "id": 4,
    "state": "queued",
    "bundle_id": "b-1",
    "base_bundle_id": None,
    "origin": "target",
    "names": ["etl"],
    "dag_ids": ["etl"],
    "removed": [],
    "left_out": [],
    "secrets": [],
    "done": 0,
    "total": 0,
    "error": "",
    "file_name": "export-4.dagbundle",
    "file_size": None,
    "file_sha256": None,
    "requested_by": {"id": "1", "name": "svc"},
    "requested_at": "2026-01-01T00:00:00Z",
    "ready_at": None,
    "expires_at": None,
    "downloads": 0,
}
IMPORT = {
    "id": 6,
    "state": "uploading",
    "file_name": "a.dagbundle",
    "file_size": 10,
    "received": 0,
    "file_sha256": None,
    "bundle_id": None,
    "source_uid": None,
    "signer": "",
    "dag_ids": [],
    "expires_at": None,
    "folder": "",
    "mapping": {},
    "preflight": [],
    "preflight_at": None,
    "mode": "submit",
    "release_id": None,
    "error": "",
    "error_code": "",
    "uploaded_by": PERSON,
    "uploaded_at": NOW,
    "applied_at": None,
}
SUBMISSION = {
    "id": 5,
    "path": "a.py",
    "unit_name": "a",
    "version": 2,
    "change": "modified",
    "state": "pending",
    "dag_ids": ["a"],
    "digest": "0" * 64,
    "commit_id": "0" * 40,
    "comment": "",
    "submitted_by": PERSON,
    "submitted_at": NOW,
    "release_id": None,
}


@dataclass
class Request:
    """What arrived."""

    method: str
    path: str
    token: str
    body: Any
    claim: str = ""


@dataclass
class Answer:
    """What is sent back; ``None`` as status closes the connection without an answer."""

    status: int | None = 200
    body: Any = None
    content: bytes | None = None


Scripted = Answer | Callable[[Request], Answer]


@dataclass
class ReleaseServer:
    """
    Answers scripted per method and path; the last answer of a script stays.

    ``states`` holds what ``/watch`` tells: :meth:`move` changes one and wakes the long polls.
    """

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    valid_tokens: set[str] = field(default_factory=set)
    token_life: float = 3600
    polls: int = 0
    most_polls: int = 0

    def __post_init__(self) -> None:
        self._scripts: dict[tuple[str, str], list[Scripted]] = defaultdict(list)
        self._moved = threading.Condition()
        self._http: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> ReleaseServer:
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._http is None:
            return
        self._http.shutdown()
        self._http.server_close()
        self._http = None
        with self._moved:
            self._moved.notify_all()

    @property
    def is_up(self) -> bool:
        return self._http is not None

    def script(self, method: str, path: str, *answers: Scripted | dict[str, Any] | list[Any]) -> None:
        self._scripts[method, path] = [
            answer if isinstance(answer, Answer) or callable(answer) else Answer(body=answer)
            for answer in answers
        ]

    def move(self, subject: str, state: str) -> None:
        with self._moved:
            self.states[subject] = state
            self._moved.notify_all()

    def called(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    def answer(self, request: Request) -> Answer:
        if request.path == "/auth/token":
            return self._login(request)
        if request.token not in self.valid_tokens:
            return Answer(401, {"detail": "Invalid JWT token"})
        path = request.path.removeprefix(PREFIX)
        script = self._scripts.get((request.method, path.partition("?")[0]))
        if script:
            answer = script.pop(0) if len(script) > 1 else script[0]
            return answer(request) if callable(answer) else answer
        if path.endswith("/claims"):
            return Answer(body={"id": 5})
        if path == "/watch":
            return self._watch(request.body)
        return Answer(404, {"error": "not_found", "detail": f"No {path}.", "context": {"path": path}})

    def _login(self, request: Request) -> Answer:
        if request.body != {"username": "svc", "password": "s3cret"}:
            return Answer(401, {"detail": "Invalid credentials"})
        token = jwt(self.token_life)
        self.valid_tokens.add(token)
        return Answer(201, {"access_token": token})

    def _watch(self, body: dict[str, Any]) -> Answer:
        deadline = time.monotonic() + body["wait"]
        with self._moved:
            self.polls += 1
            self.most_polls = max(self.most_polls, self.polls)
            try:
                while True:
                    now = {subject: self.states.get(subject, "missing") for subject in body["known"]}
                    changed = {s: state for s, state in now.items() if state != body["known"][s]}
                    remaining = deadline - time.monotonic()
                    if changed or remaining <= 0:
                        return Answer(body={"changed": changed})
                    if not self.is_up:
                        return Answer(None)
                    self._moved.wait(remaining)
            finally:
                self.polls -= 1


@contextmanager
def running_server() -> Iterator[ReleaseServer]:
    """A started server that is stopped afterwards."""
    server = ReleaseServer().start()
    yield server
    server.stop()


@contextmanager
def connection_to(server: ReleaseServer, **changes: str) -> Iterator[None]:
    """Make ``server`` the default connection, through the environment, as Airflow reads it."""
    fields = {
        "conn_type": "airflow_release",
        "host": server.url,
        "login": "svc",
        "password": "s3cret",
    } | changes
    with mock.patch.dict(os.environ, {"AIRFLOW_CONN_AIRFLOW_RELEASE_DEFAULT": json.dumps(fields)}):
        yield


class _Handler(BaseHTTPRequestHandler):
    owner: ReleaseServer
    protocol_version = "HTTP/1.1"
    timeout = 5

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        is_json = self.headers.get("Content-Type") == "application/json"
        body = json.loads(text) if is_json else text or None
        request = Request(self.command, self.path, token, body, self.headers.get("Release-Claim") or "")
        self.owner.requests.append(request)
        answer = self.owner.answer(request)
        # A stopped server drops its connections, as a killed process would.
        self.close_connection = True
        if answer.status is None:
            return
        content = answer.content if answer.content is not None else json.dumps(answer.body).encode()
        try:
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            return

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        return
