"""
A team with 500 live DAGs starts: ``airflow release adopt``, the switch of the configuration, all 500 served.

In a whole Airflow with every process. Nothing may run again, and paused states and schedules must stay.
``python -m benchmarks adoption`` prints the seconds; the ratio is the part of ten minutes that they are.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.harness.live_folder import OLD, RELEASES, bundles, running_folder

DAGS = 500
TEN_MINUTES = 600
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
        f"{DAGS} DAGs: adopted in {taken - begun:.0f} s, switched and served after {served - taken:.0f} s, "
        f"verified after {verified - served:.0f} s; {len(before['runs'])} runs, none of them again"
    )
    return {"500 Dags adopted, switched and verified / ten minutes": (verified - begun) / TEN_MINUTES}
