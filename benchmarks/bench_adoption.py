"""
A team with 500 live DAGs starts: ``airflow release adopt``, the switch of the configuration, all 500 served.

In a whole Airflow with every process. Nothing may run again, and paused states and schedules must stay.
``python -m benchmarks adoption`` prints the seconds. Ratios are against what Airflow itself needed to
parse the folder for the first time and to make the first runs: the switch is a parse of everything, too.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.harness.live_folder import OLD, RELEASES, bundles, running_folder

DAGS = 500
PATIENCE = 1200
"""Seconds for Airflow itself to parse and run them first, on a slow machine."""


def run() -> dict[str, float]:
    """Adopt, switch, compare."""
    with (
        tempfile.TemporaryDirectory(prefix="airflow-release-adoption-") as folder,
        running_folder(Path(folder) / "home", DAGS, seconds=PATIENCE) as live,
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
        verified = time.monotonic()
    print(
        f"{DAGS} DAGs, parsed and run for the first time in {live.settled_in:.0f} s: adopted in "
        f"{taken - begun:.0f} s, switched and served after {served - taken:.0f} s, verified after "
        f"{verified - served:.0f} s; {len(before['runs'])} runs, none of them again"
    )
    return {
        "adopting 500 / their first parse": (taken - begun) / live.settled_in,
        "switching 500 / their first parse": (served - taken) / live.settled_in,
    }
