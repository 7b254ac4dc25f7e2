"""What callers and the log are told where the app cannot be built, and how it comes back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.routing import Mount
from starlette.websockets import WebSocketDisconnect

from airflow_release_plugin.api.late_app import LateApp

SECONDS = 30
PAUSE = 5.0
FAILURES: tuple[BaseException, ...] = (
    OSError(24, "Too many open files"),
    ImportError("cannot import name 'x' from partially initialized module"),
    ModuleNotFoundError("No module named 'flask_appbuilder'"),
    MemoryError(),
    RuntimeError("can't start new thread"),
    ValueError("no secret: s3cret-in-config"),
    KeyError("secret_key"),
    AssertionError(),
    RecursionError("maximum recursion depth exceeded"),
    SystemExit(1),
    SystemExit("a library gave up"),
)
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")
PATHS = (
    "/release",
    "/release/",
    "/release/api/v1/health",
    "/release/ui/",
    "/release/ui/static/a.js",
    "/release/%00",
)


class Stage:
    """An app that fails as long as it has failures, on a clock that stands."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.attempts = 0
        self.now = 0.0
        self.begun = Event()
        self.late = LateApp(self._build, lambda _: self.begun.set(), pause=PAUSE, clock=lambda: self.now)
        self.app = FastAPI(routes=[Mount("/release", app=self.late)])

    def _build(self) -> FastAPI:
        self.attempts += 1
        if self.failures:
            raise self.failures.pop(0)
        app = FastAPI()
        app.api_route("/{path:path}", methods=list(METHODS))(lambda: "hello")
        app.websocket("/socket")(_greet)
        return app

    def client(self) -> TestClient:
        return TestClient(self.app)


async def _greet(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
def test_whatever_fails_is_told_in_the_one_shape_and_says_nothing_of_the_inside(
    failure: BaseException,
) -> None:
    stage = Stage(failure)

    answer = stage.client().get("/release/api/v1/health")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json() == {
        "error": "unavailable",
        "detail": "Airflow Release could not start in this API server, whose log says why. Mend that; it is "
        "tried again by itself, so come back in a few seconds.",
        "context": {},
    }


@pytest.mark.parametrize("method", METHODS)
def test_every_request_is_refused_until_it_is_built_and_answered_then(method: str) -> None:
    stage = Stage(OSError("no memory"))
    client = stage.client()

    assert {client.request(method, path).status_code for path in PATHS} == {503}
    stage.now += PAUSE
    assert {client.request(method, path).status_code for path in PATHS} == {200}


def test_a_reader_of_pages_is_told_in_words_and_in_their_language() -> None:
    stage = Stage(OSError("no memory"))
    headers = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "zh-CN"}

    answer = stage.client().get("/release/ui/", headers=headers)

    assert answer.status_code == 503
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text.startswith("Airflow Release 未能")


def test_a_websocket_is_closed() -> None:
    stage = Stage(OSError("no memory"))
    client = stage.client()

    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/release/socket"):
        pass
    assert closed.value.code == 1013

    stage.now += PAUSE
    with client.websocket_connect("/release/socket") as socket:
        assert socket.receive_text() == "hello"


@pytest.mark.parametrize("many", [1, 2, 10, 100])
def test_who_asks_at_once_is_told_by_one_attempt_which_is_logged_once(
    many: int, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(*[OSError("no memory")] * 3)

    async def rounds() -> list[tuple[set[int], int]]:
        transport, seen = httpx.ASGITransport(stage.app), []
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            for _ in range(4):
                answers = await asyncio.gather(*(client.get("/release/hello") for _ in range(many)))
                seen.append(({answer.status_code for answer in answers}, stage.attempts))
                stage.now += PAUSE
        return seen

    with caplog.at_level(logging.INFO, "airflow_release_plugin.api.late_app"):
        assert asyncio.run(rounds()) == [({503}, 1), ({503}, 2), ({503}, 3), ({200}, 4)]

    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert caplog.records[0].exc_info
    assert caplog.messages[1] == "Airflow Release answers now"


def test_another_failure_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(OSError("no memory"), OSError("no disk"), OSError("no disk"), OSError("no memory"))

    for _ in range(4):
        assert stage.client().get("/release/hello").status_code == 503
        stage.now += PAUSE

    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == [
        "no memory",
        "no disk",
        "no memory",
    ]


@pytest.fixture
def entered() -> Callable[[LateApp], Any]:
    """A server that runs: with the lifespan of what is mounted."""
    return lambda late: TestClient(FastAPI(lifespan=lambda _: late.router.lifespan_context(late)))


def test_work_beside_requests_begins_although_nothing_can_answer(entered: Callable[[LateApp], Any]) -> None:
    stage = Stage(SystemExit(1))

    with entered(stage.late):
        assert stage.begun.wait(SECONDS)


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
def test_work_beside_requests_that_cannot_begin_is_tried_again_and_logged_once(
    failure: BaseException, entered: Callable[[LateApp], Any], caplog: pytest.LogCaptureFixture
) -> None:
    failures: Iterator[BaseException] = iter([failure] * 3)
    begun = Event()

    def begin(_stop: Event) -> None:
        for each in failures:
            raise each
        begun.set()

    with entered(LateApp(FastAPI, begin, pause=0.001)):
        assert begun.wait(SECONDS)

    assert [message for message in caplog.messages if "cannot begin" in message] == [
        "Airflow Release cannot begin what goes on beside requests; it tries again every few seconds"
    ]


def test_nothing_begins_in_a_server_that_has_stopped_meanwhile(entered: Callable[[LateApp], Any]) -> None:
    asked, go_on, done = Event(), Event(), Event()
    begun: list[Event] = []

    class Watched(LateApp):
        def _prepare(self, stop: Event) -> None:
            super()._prepare(stop)
            done.set()

    def build() -> FastAPI:
        asked.set()
        assert go_on.wait(SECONDS)
        return FastAPI()

    with entered(Watched(build, begun.append)):
        assert asked.wait(SECONDS)
    go_on.set()

    assert done.wait(SECONDS)
    assert begun == []
