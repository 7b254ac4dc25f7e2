"""
``make soak``: three years, or ``WEEKS``, of a team on SQLite and PostgreSQL; it fails if something grows.

Both are played at once, each by a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from soak.measures import Measured
    from soak.team import Team

WEEKS = 156
QUARTERS = 12
KINDS = ("sqlite", "postgresql")


def main() -> None:
    """Play on each database, print what was measured, and end with 1 if something grew."""
    args = _arguments()
    if args.on:
        sys.exit(_on(args.on, args.weeks, args.releases, args.seed))
    command = [sys.executable, "-m", "soak", *sys.argv[1:]]
    with tempfile.TemporaryDirectory(prefix="airflow-release-soak-out-") as folder:
        outputs = {kind: Path(folder) / kind for kind in KINDS}
        running = [
            subprocess.Popen([*command, "--on", kind], stdout=file.open("wb"), stderr=subprocess.STDOUT)
            for kind, file in outputs.items()
        ]
        codes = [each.wait() for each in running]
        for file in outputs.values():
            print(file.read_text(), flush=True)
    sys.exit(max(codes))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument(
        "--weeks",
        type=int,
        default=WEEKS,
        help="from 8 on; with fewer than 156, the days of settings shrink as well",
    )
    parser.add_argument("--releases", type=int, default=30, help="in a week")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--on", choices=KINDS, help="only on this database")
    return parser.parse_args()


def _on(kind: str, weeks: int, releases: int, seed: int) -> int:
    from soak.team import Team

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="airflow-release-soak-") as folder, _database(kind) as engine:
        found = play(engine, Path(folder), weeks, Team(seed=seed, releases=releases))
    print(f"{kind}: {weeks} weeks in {time.monotonic() - began:.0f} s")
    _print(found)
    grown = grown_in(found, weeks)
    print("\n".join(grown) or "Nothing grew that has an end.", flush=True)
    return 1 if grown else 0


def play(
    engine: Engine,
    folder: Path,
    weeks: int,
    team: Team,
    settings: dict[str, int] | None = None,
    quarters: int = QUARTERS,
) -> list[Measured]:
    """Play so many weeks, and measure at the end of each quarter."""
    from soak.measures import measure
    from soak.scale import settings_for
    from soak.years import Years

    years = Years(engine, folder, team, **{**settings_for(weeks), **(settings or {})})
    ends = {round(weeks * quarter / quarters) for quarter in range(1, quarters + 1)}
    found = []
    for week in range(1, weeks + 1):
        years.play()
        if week in ends:
            found.append(measure(years, engine))
            print(f"  week {week}: {sum(found[-1].sizes.values()) >> 20} MiB", flush=True)
    return found


def grown_in(found: list[Measured], weeks: int) -> list[str]:
    """What grew in the last year, one sentence for each."""
    from soak.scale import judged
    from soak.verdict import grown_pages, grown_tables

    year = found[-5:]
    return [*grown_tables(year, judged(weeks)), *grown_pages(year)]


def _print(found: list[Measured]) -> None:
    first, last = found[-5], found[-1]
    print(f"{'':<34}{'week ' + str(first.week):>14}{'week ' + str(last.week):>14}")
    for name, rows in last.rows.items():
        if rows:
            print(f"{name + ', rows':<34}{first.rows[name]:>14}{rows:>14}")
    for name, cost in last.pages.items():
        before = first.pages[name]
        print(f"{name + ', ms':<34}{before.seconds * 1000:>14.1f}{cost.seconds * 1000:>14.1f}")
    print(f"{'bytes':<34}{sum(first.sizes.values()):>14}{sum(last.sizes.values()):>14}")


@contextmanager
def _database(kind: str) -> Iterator[Engine]:
    from tests.harness.airflow_home import migrate
    from tests.harness.databases import airflow_uses, connect
    from tests.harness.postgres import PostgresServer, find_programs

    with tempfile.TemporaryDirectory(prefix="airflow-release-soak-db-") as folder:
        server = None
        url = f"sqlite:///{folder}/soak.db"
        if kind == "postgresql":
            programs = find_programs()
            if programs is None:
                sys.exit("PostgreSQL is missing; install its server package (Debian: postgresql)")
            server = PostgresServer(programs)
            server.start()
            url = server.create_database("soak")
        try:
            migrate(url)
            engine = connect(url)
            with airflow_uses(engine):
                yield engine
            engine.dispose()
        finally:
            if server is not None:
                server.stop()


if __name__ == "__main__":
    from tests.harness.airflow_home import prepare

    prepare()  # before anything imports Airflow
    main()
