"""
A team with 500 live DAGs starts: ``airflow release adopt``, the switch of the configuration, all 500 served.

In a whole Airflow with every process. Nothing may run again, and paused states and schedules must stay. The
floor is what Airflow itself needed to parse the folder for the first time and to make the first runs.
"""

from __future__ import annotations

import time

from benchmarks.frame.bench import Bench
from benchmarks.frame.rows import Goal, Row, RowGroup, Unit
from benchmarks.frame.samples import Sample
from benchmarks.frame.stages import scratch

DAGS = 500
PATIENCE = 600
"""Seconds for Airflow itself to parse and run them first, on a slow machine."""


def _row(name: str, goal: Goal, note: str = "") -> Row:
    return Row(
        name,
        goal,
        DAGS,
        floor="Airflow's first parse and first runs of them",
        unit=Unit.WALL,
        rounds=1,
        why_few="it takes minutes",
        note=note,
    )


_ADOPTING = _row(f"adopting {DAGS} live DAGs", Goal(to_floor=0.5))
_SWITCHING = _row(
    f"switching {DAGS} live DAGs to what was adopted",
    Goal(to_floor=1.2),
    "Airflow parses everything once more: the folder of the bundle is another one.",
)
ROWS = (_ADOPTING, _SWITCHING)


def measure(bench: Bench) -> None:
    """Adopt, switch, compare."""
    from tests.harness.live_folder import OLD, RELEASES, bundles, running_folder

    with (
        scratch("adoption") as folder,
        running_folder(folder / "home", DAGS, seconds=PATIENCE) as live,
    ):
        before = live.state()
        begun = time.monotonic()
        (adopted,) = live.release("adopt", OLD)
        taken = time.monotonic()
        live.switch(bundles(OLD, RELEASES, environment="prod"), seconds=PATIENCE)
        served = time.monotonic()
        assert live.state() == before
        assert {row["bundle_version"] for row in live.get("dags")} == {adopted["commit"]}
        assert live.release("adopt", "--verify")[0]["detail"] == f"{DAGS} of {DAGS} Dags by {OLD}"
        floor = [Sample(wall=live.settled_in)]
    bench.note(_ADOPTING, {"ours": [Sample(wall=taken - begun)], "floor": floor})
    bench.note(_SWITCHING, {"ours": [Sample(wall=served - taken)], "floor": floor})


GROUP = RowGroup(
    "adoption",
    "a team with 500 live DAGs begins, in a whole Airflow",
    ROWS,
    measure,
    minutes=20,
    runs_airflow=True,
)
