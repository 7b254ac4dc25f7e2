"""From an approval until it is served, beside a push to GitDagBundle, in one whole Airflow."""

from __future__ import annotations

import time

from benchmarks.frame.bench import Bench
from benchmarks.frame.rows import Goal, Row, RowGroup, Unit
from benchmarks.frame.samples import Sample
from benchmarks.frame.stages import scratch
from benchmarks.race import DEFAULTS, TIGHTEST, Race, racing

DAGS = 100
HALF_OF_AN_INTERVAL = 150
"""Seconds after a refresh at which is pushed: the middle, so that the wait is that of the mean push."""
_MINUTES = "each takes minutes"
_MEAN = "Pushed in the middle between two refreshes, which are 300 s apart: the mean push waits as long."
_TIGHT = (
    "The push needs nobody's consent: git is asked each second. Ours waits for Airflow's scheduler to start "
    "the task that promotes; what the time goes to stands below *Where we miss the goal*."
)


def _row(n: int, *, tight: bool) -> Row:
    what = f"approved until served: {n} DAG{'s' if n > 1 else ''}"
    return Row(
        f"{what} (git asked each second)" if tight else what,
        Goal(ratio=1 if tight else 10),
        n,
        peer="`git push` and GitDagBundle",
        unit=Unit.WALL,
        rounds=3 if tight and n == 1 else 1,
        why_few=_MINUTES,
        note=_TIGHT if tight else _MEAN,
    )


_ONE, _ALL = _row(1, tight=False), _row(DAGS, tight=False)
_ONE_TIGHT, _ALL_TIGHT = _row(1, tight=True), _row(DAGS, tight=True)
_SHARE = Row(
    "our share of approved until served: 1 DAG",
    Goal(to_floor=0.5),
    1,
    floor="approved until served",
    unit=Unit.WALL,
    rounds=3,
    why_few=_MINUTES,
    note="What our server, trigger and task take: the decision, the wait until the trigger hears of it, the "
    "promotion. The rest is Airflow's: its scheduler, the start of a task's process, its dag processor.",
)
ROWS = (_ONE, _ALL, _ONE_TIGHT, _ALL_TIGHT, _SHARE)


def measure(bench: Bench) -> None:
    """With Airflow's own settings, then with those that serve a push soonest."""
    if bench.wants(_ONE, _ALL):
        with scratch("served") as folder, racing(folder, DAGS, DEFAULTS) as race:
            _with_defaults(bench, race)
    if bench.wants(_ONE_TIGHT, _ALL_TIGHT, _SHARE):
        with scratch("served") as folder, racing(folder, DAGS, TIGHTEST) as race:
            _tightest(bench, race)


def _with_defaults(bench: Bench, race: Race) -> None:
    first, everything = [0], list(range(1, DAGS))
    ours = {_ALL: race.released(everything), _ONE: race.released(first)}
    race.until_refresh()
    time.sleep(HALF_OF_AN_INTERVAL)
    pushed = race.pushed([*first, *everything])
    for row, seconds in ours.items():
        bench.note(row, {"ours": [Sample(wall=seconds)], "peer": [Sample(wall=pushed)]})


def _tightest(bench: Bench, race: Race) -> None:
    everything = list(range(DAGS))
    ours, peer = [Sample(wall=race.released(everything))], [Sample(wall=race.pushed(everything))]
    bench.note(_ALL_TIGHT, {"ours": ours, "peer": peer})
    ours, peer, shares = [], [], []
    for number in range(bench.rounds(_ONE_TIGHT)):
        ours.append(Sample(wall=race.released([number])))
        shares.append(Sample(wall=race.our_share()))
        peer.append(Sample(wall=race.pushed([number])))
    bench.note(_ONE_TIGHT, {"ours": ours, "peer": peer})
    bench.note(_SHARE, {"ours": shares, "floor": ours})


GROUP = RowGroup(
    "served",
    "from an approval, or a push, until Airflow serves it, in a whole Airflow",
    ROWS,
    measure,
    minutes=16,
    runs_airflow=True,
)
