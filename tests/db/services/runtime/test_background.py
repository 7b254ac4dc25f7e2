"""What a server looks after goes on whatever happens, and ends when the server does."""

from __future__ import annotations

from threading import Event

import pytest

from airflow_release_plugin.exceptions import ConflictError, ReleaseError, UnavailableError
from airflow_release_plugin.services.runtime import background
from airflow_release_plugin.services.runtime.background import PeriodicTask
from airflow_release_plugin.services.runtime.context import Context
from tests.harness.context import World, steps_of


def test_problems_are_logged_and_the_next_round_comes(caplog: pytest.LogCaptureFixture) -> None:
    stop, rounds = Event(), []

    def fail(_: Event) -> int:
        rounds.append(1)
        if len(rounds) == 3:
            stop.set()
        raise ConflictError("too late") if len(rounds) == 1 else RuntimeError("broken")

    background.run_forever(PeriodicTask("letters", fail, 0.001), stop)

    assert (len(rounds), caplog.text.count("Not looked after: letters")) == (3, 3)


def test_a_duty_that_takes_long_holds_up_no_other() -> None:
    stop, done = Event(), Event()

    background.start(
        [
            PeriodicTask("long", lambda end: end.wait(30), 0.001),
            PeriodicTask("short", lambda _: done.set(), 0.001),
        ],
        stop,
    )

    assert done.wait(5)
    stop.set()


def test_a_duty_without_a_pause_is_switched_off() -> None:
    stop, done = Event(), Event()

    background.start([PeriodicTask("never", lambda _: done.set(), 0)], stop)

    assert not done.wait(0.2)
    stop.set()


class TestInsist:
    @pytest.fixture(autouse=True)
    def _soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Three tries, with pauses that nobody notices."""
        monkeypatch.setattr(background, "_PAUSES", (0.001, 0.001, 0.001))

    @pytest.mark.parametrize("error", [ConflictError("raced"), UnavailableError("busy")])
    def test_a_step_is_done_again_while_others_are_in_the_way(
        self, world: World, error: ReleaseError
    ) -> None:
        tries: list[int] = []

        def step(_: Context) -> None:
            tries.append(1)
            if len(tries) < 3:
                raise error

        background.retry_transaction(step, steps_of(world))

        assert len(tries) == 3

    def test_a_step_that_was_done_is_not_done_again(self, world: World) -> None:
        tries: list[int] = []

        background.retry_transaction(lambda _: tries.append(1), steps_of(world))

        assert len(tries) == 1

    def test_it_is_given_up_in_the_end(self, world: World) -> None:
        tries: list[int] = []

        def step(_: Context) -> None:
            tries.append(1)
            raise ConflictError("raced")

        background.retry_transaction(step, steps_of(world))

        assert len(tries) == 3

    def test_another_error_is_not_hidden(self, world: World) -> None:
        def step(_: Context) -> None:
            raise RuntimeError("broken")

        with pytest.raises(RuntimeError):
            background.retry_transaction(step, steps_of(world))
