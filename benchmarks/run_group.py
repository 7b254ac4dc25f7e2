"""
One group in a process of its own: ``python -m benchmarks.run_group NAME [row …]``, which ``make bench`` runs.

With ``BENCH_ROUNDS=2`` each is measured twice only, and nothing is kept: to see whether a row works.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from tests.harness.airflow_home import prepare

prepare()  # before anything imports Airflow
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "CRITICAL"


def main(name: str, wanted: list[str]) -> int:
    """Measure, keep and print each row as soon as it is there."""
    from benchmarks.frame.bench import Bench
    from benchmarks.frame.results import keep_result
    from benchmarks.frame.rows import FLOOR, OURS, PEER, Row, quantity
    from benchmarks.groups import ALL

    logging.disable(logging.CRITICAL)

    rounds = int(os.environ.get("BENCH_ROUNDS") or 0)

    def keep(row: Row, figures: dict[str, Any]) -> None:
        if not rounds:
            keep_result(row.name, figures)
        cells = [
            "—" if figures[each] is None else quantity(figures[each], row.unit)
            for each in (OURS, PEER, FLOOR)
        ]
        ratio = "" if figures["ratio"] is None else f"{figures['ratio']:.3g} ×"
        verdict = "met" if figures["met"] else "NOT MET"
        print(f"{row.name:<58}{''.join(f'{cell:>11}' for cell in (*cells, ratio))}  {verdict}", flush=True)

    group = next(group for group in ALL if group.name == name)
    group.measure(Bench(wanted or [row.name for row in group.rows], keep, rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
