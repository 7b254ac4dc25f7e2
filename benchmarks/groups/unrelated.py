"""Releases that have nothing to do with each other, approved at once: none is checked again for another."""

from __future__ import annotations

import time

from benchmarks.frame.bench import Bench
from benchmarks.frame.rows import Goal, Row, RowGroup, Unit
from benchmarks.frame.samples import Sample
from benchmarks.frame.stages import scratch
from benchmarks.race import TIGHTEST, Race, racing

RELEASES = 30
_ONCE = "it takes minutes"


def _row(name: str, goal: Goal, unit: Unit, note: str) -> Row:
    return Row(
        f"{RELEASES} releases at once: {name}", goal, RELEASES, unit=unit, rounds=1, why_few=_ONCE, note=note
    )


_CHECKS = _row(
    "checks",
    Goal(at_most=RELEASES),
    Unit.COUNT,
    "One each: what lands meets nothing that the others depend on. Eight took 36 once.",
)
_EACH = _row(
    "for each one until all are served",
    Goal(at_most=3),
    Unit.WALL,
    "From the first approval until the last is served, by their number. Most of it is the processes that "
    "Airflow starts for the tasks of a pipeline, four at a time here.",
)
ROWS = (_CHECKS, _EACH)


def measure(bench: Bench) -> None:
    """Ask for all, let all be checked, approve all, wait for all."""
    with scratch("unrelated") as folder, racing(folder, RELEASES, TIGHTEST) as race:
        _measure(bench, race)


def _measure(bench: Bench, race: Race) -> None:
    numbers = list(range(RELEASES))
    paths = race.write(numbers)
    releases = [race.driver.request(path, title=path) for path in paths]
    waiting = [race.checked(release) for release in releases]
    time.sleep(5)  # their tasks defer
    begun = time.monotonic()
    for release in waiting:
        race.driver.decide(release)
    dags = [f"dag_{number}" for number in numbers]
    race.served("prod", dags, least=1)
    first = time.monotonic()
    race.served("prod", dags)
    everything = time.monotonic()
    print(f"first served after {first - begun:.1f} s, all after {everything - begun:.1f} s", flush=True)
    bench.note(_CHECKS, {"ours": [Sample(size=race.checks(releases))]})
    bench.note(_EACH, {"ours": [Sample(wall=(everything - begun) / RELEASES)]})


GROUP = RowGroup(
    "unrelated",
    "unrelated releases approved at once, in a whole Airflow",
    ROWS,
    measure,
    minutes=8,
    runs_airflow=True,
)
