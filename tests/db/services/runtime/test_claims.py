"""Work that waits is taken piece by piece, and whoever was slower takes nothing."""

from __future__ import annotations

from threading import Event

import pytest

from airflow_release_plugin.exceptions import ConflictError, ReleaseError, UnavailableError
from airflow_release_plugin.services.runtime.claims import claim_each, claim_next
from airflow_release_plugin.services.runtime.context import Context
from tests.harness.context import World, steps_of


@pytest.mark.parametrize("error", [ConflictError("raced"), UnavailableError("busy")])
def test_who_was_slower_takes_nothing(world: World, error: ReleaseError) -> None:
    def find(_: Context) -> str:
        raise error

    assert claim_next(steps_of(world), find) is None


def test_one_is_taken_after_the_other_until_there_is_none(world: World) -> None:
    waiting = ["a", "b"]

    taken = claim_each(steps_of(world), lambda _: waiting.pop(0) if waiting else None)

    assert (next(taken), list(waiting)) == ("a", ["b"])
    assert list(taken) == ["b"]


def test_nothing_more_is_taken_once_it_is_to_stop(world: World) -> None:
    stop = Event()
    taken = claim_each(steps_of(world), lambda _: "more", stop)

    assert next(taken) == "more"
    stop.set()
    assert list(taken) == []
