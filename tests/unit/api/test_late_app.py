"""The app that Airflow mounts, and when it builds what answers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Mount

from airflow_release_plugin.api.late_app import LateApp

SECONDS = 30


def answering() -> FastAPI:
    app = FastAPI()
    app.get("/hello")(lambda: "hello")
    return app


def mounted(build: Callable[[], FastAPI], begin: Callable[[Event], None] = Event.is_set) -> FastAPI:
    """As Airflow does it: the lifespan of what is mounted is entered with that of the server."""
    late = LateApp(build, begin)  # type: ignore[arg-type]
    return FastAPI(
        lifespan=lambda _: late.router.lifespan_context(late), routes=[Mount("/release", app=late)]
    )


def test_a_server_starts_while_it_is_built_and_requests_wait_for_that() -> None:
    asked, go_on, times = Event(), Event(), []

    def build() -> FastAPI:
        times.append(1)
        asked.set()
        assert go_on.wait(SECONDS)
        return answering()

    with TestClient(mounted(build)) as server, ThreadPoolExecutor() as threads:
        assert asked.wait(SECONDS)
        answers = [threads.submit(server.get, "/release/hello") for _ in range(5)]
        assert not any(answer.done() for answer in answers)
        go_on.set()
        assert {answer.result(SECONDS).json() for answer in answers} == {"hello"}

    assert times == [1]


def test_what_waits_takes_one_thread_only_and_others_are_answered() -> None:
    go_on = Event()

    def build() -> FastAPI:
        assert go_on.wait(SECONDS)
        return answering()

    app = mounted(build)
    app.get("/else")(lambda: "else")

    with TestClient(app) as server, ThreadPoolExecutor(60) as threads:
        early = [threads.submit(server.get, "/release/hello") for _ in range(50)]
        others = [threads.submit(server.get, "/else") for _ in range(5)]
        assert {answer.result(SECONDS).json() for answer in others} == {"else"}
        go_on.set()
        assert {answer.result(SECONDS).json() for answer in early} == {"hello"}


def test_it_is_built_by_the_first_request_where_no_lifespan_is_entered() -> None:
    assert TestClient(mounted(answering)).get("/release/hello").json() == "hello"


def test_nothing_is_built_by_mounting() -> None:
    mounted(lambda: pytest.fail("built"))


def test_work_beside_requests_begins_with_the_server_and_ends_with_it() -> None:
    begun, stops = Event(), []

    def begin(stop: Event) -> None:
        stops.append(stop)
        begun.set()

    with TestClient(mounted(answering, begin)):
        assert begun.wait(SECONDS)
        assert not stops[0].is_set()

    assert [stop.is_set() for stop in stops] == [True]


def test_what_hangs_at_the_start_keeps_no_server_from_starting_or_stopping() -> None:
    go_on = Event()

    with TestClient(mounted(answering, lambda _: go_on.wait(SECONDS))) as server:
        assert server.get("/release/hello").json() == "hello"

    assert not go_on.is_set()
    go_on.set()
