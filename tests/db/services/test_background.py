"""What a server looks after goes on whatever happens, and ends when the server does."""

from __future__ import annotations

from threading import Event

import pytest

from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.services import background
from airflow_release_plugin.services.background import Duty


def test_problems_are_logged_and_the_next_round_comes(caplog: pytest.LogCaptureFixture) -> None:
    stop, rounds = Event(), []

    def fail(_: Event) -> int:
        rounds.append(1)
        if len(rounds) == 3:
            stop.set()
        raise ConflictError("too late") if len(rounds) == 1 else RuntimeError("broken")

    background.run_forever(Duty("letters", fail, 0.001), stop)

    assert (len(rounds), caplog.text.count("Not looked after: letters")) == (3, 3)


def test_a_duty_that_takes_long_holds_up_no_other() -> None:
    stop, done = Event(), Event()

    background.start(
        [Duty("long", lambda end: end.wait(30), 0.001), Duty("short", lambda _: done.set(), 0.001)], stop
    )

    assert done.wait(5)
    stop.set()


def test_a_duty_without_a_pause_is_switched_off() -> None:
    stop, done = Event(), Event()

    background.start([Duty("never", lambda _: done.set(), 0)], stop)

    assert not done.wait(0.2)
    stop.set()
