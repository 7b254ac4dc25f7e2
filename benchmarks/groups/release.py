"""A release of 100 DAGs out of 5,000, in a browser, in a whole Airflow on this machine."""

from __future__ import annotations

from benchmarks.frame.bench import Bench
from benchmarks.frame.rows import Goal, Row, RowGroup, Unit
from benchmarks.frame.samples import Sample
from benchmarks.frame.stages import scratch

FILES = 5_000
PROMISED_SECONDS = 120
SERVED_SECONDS = 25
_ONCE = "it takes minutes"
_SERVED = Row(
    f"approved until served: 100 of {FILES} DAGs",
    Goal(at_most=SERVED_SECONDS),
    FILES,
    unit=Unit.WALL,
    rounds=1,
    why_few=_ONCE,
    note="Most of it is Airflow: the scheduler starts the tasks of the pipeline, the dag processor parses a "
    "hundred files. It was 50 s.",
)
_WHOLE = Row(
    f"a whole release in a browser: 100 of {FILES} DAGs",
    Goal(at_most=PROMISED_SECONDS),
    FILES,
    unit=Unit.WALL,
    rounds=1,
    why_few=_ONCE,
    note="The installation is a fresh one: its dag processor parses the other files all the while.",
)
ROWS = (_SERVED, _WHOLE)


def measure(bench: Bench) -> None:
    """Drive it once; every step is printed."""
    from demo.browser import find_browser, open_browser
    from tests.harness.big_release import release_out_of

    path = find_browser()
    if path is None:
        raise SystemExit("No Chromium or Chrome is installed; install one, or name it in CHROME.")
    with scratch("release") as folder, open_browser(path) as browser:
        release = release_out_of(FILES, folder, browser)
    served = release.seconds["watching until all are served"]
    bench.note(_SERVED, {"ours": [Sample(wall=served)]})
    bench.note(_WHOLE, {"ours": [Sample(wall=release.whole)]})


GROUP = RowGroup(
    "release",
    "a large release from the list to the target, in a whole Airflow",
    ROWS,
    measure,
    minutes=12,
    runs_airflow=True,
)
