"""A short run of ``make soak``: what has an end stays as it is, and what would not is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from soak.__main__ import play
from soak.measures import Measured
from soak.scale import judged, settings_for
from soak.team import Ending, Team
from soak.verdict import grown_tables
from tests.conftest import BACKENDS

WEEKS = 12


def small_team() -> Team:
    return Team(seed=3, dags=6, releases=2)


def grown(found: list[Measured]) -> list[str]:
    """Other processes run beside the tests: of pages only the statements say something."""
    first, last = found[1], found[-1]
    pages = [name for name, cost in last.pages.items() if cost.statements > first.pages[name].statements + 2]
    return [*grown_tables(found[1:], judged(WEEKS), few_rows=6), *pages]


def test_the_same_seed_plays_the_same_weeks() -> None:
    first, second = ([list(Team(seed=7).week(n)) for n in (1, 2)] for _ in range(2))

    assert first == second
    assert len(first[0]) == 30
    assert {change.ending for number in range(1, 9) for change in Team().week(number)} == set(Ending)


def test_a_whole_run_has_the_settings_that_everybody_has() -> None:
    assert settings_for(156) == {}
    assert settings_for(12)["keep_notifications_days"] == 13


@pytest.mark.req("R93")
@pytest.mark.parametrize("db_backend", BACKENDS)
def test_what_goes_after_a_time_stays_as_large_as_it_is(own_engine: Engine, tmp_path: Path) -> None:
    found = play(own_engine, tmp_path, WEEKS, small_team(), quarters=6)

    assert [each.week for each in found] == [2, 4, 6, 8, 10, 12]
    assert found[-1].rows["release"] > found[0].rows["release"] > 0
    assert grown(found) == []


@pytest.mark.req("R93")
def test_what_nobody_removes_is_found(own_engine: Engine, tmp_path: Path) -> None:
    for_ever = {"keep_notifications_days": 0}

    found = play(own_engine, tmp_path, WEEKS, small_team(), for_ever, quarters=6)

    told = "\n".join(grown(found))
    assert "release_notification has" in told
    assert "release_export has" not in told
