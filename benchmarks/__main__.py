"""
``make bench``: measure every row beside its peer, and renew ``benchmarks/results.json`` and the page of them.

``make bench ROWS=gates,check`` measures some alone: names of groups or of rows; ``quick`` is all that needs
no whole Airflow. Each group runs in a process of its own, and what it found stays when another one fails.
``python -m benchmarks --list`` names them all. With ``ROUNDS=1`` each is measured twice only, and nothing is
kept.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from benchmarks.frame.results import forget_others
from benchmarks.frame.rows import RowGroup, chosen
from benchmarks.groups import ALL

PATIENCE = 30
"""Seconds that a group has to stop what it started."""


def main(arguments: list[str]) -> int:
    """Return 0 when every group that was asked for came to its end."""
    if arguments == ["--list"]:
        for group in ALL:
            print(group.name, *(f"    {row.name}" for row in group.rows), sep="\n")
        return 0
    try:
        wanted = chosen(ALL, [name.strip() for each in arguments for name in each.split(",") if name.strip()])
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    is_trial = bool(os.environ.get("BENCH_ROUNDS"))
    if not is_trial:
        forget_others({row.name for group in ALL for row in group.rows})
    failed = [group.name for group in ALL if group.name in wanted and not _runs(group, wanted[group.name])]
    if not is_trial:
        subprocess.run([sys.executable, "-m", "scripts.generate_docs"], check=True)
    if failed:
        print(f"Not measured to the end: {', '.join(failed)}. The other figures are kept.", file=sys.stderr)
    return 1 if failed else 0


def _runs(group: RowGroup, rows: list[str]) -> bool:
    """Whether a group came to its end in time; it and all that it started are ended if not."""
    print(f"--- {group.name}: {group.title}", flush=True)
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.run_group", group.name, *rows], start_new_session=True
    )
    try:
        code = process.wait(timeout=60 * group.minutes)
    except subprocess.TimeoutExpired:
        print(f"{group.name} took more than {group.minutes:g} minutes and was ended.", file=sys.stderr)
        code = None
    finally:
        if process.poll() is None:
            _end(process)
    print(f"{group.name} took {time.monotonic() - began:.0f} s", flush=True)
    return code == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let it stop what it started, and end what is left."""
    for ending, seconds in ((signal.SIGINT, PATIENCE), (signal.SIGKILL, None)):
        os.killpg(process.pid, ending)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
