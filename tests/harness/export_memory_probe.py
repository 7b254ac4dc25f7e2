"""
A server that makes the exports that wait, as a process of its own, and says how much memory that took.

``python -m tests.harness.export_memory_probe DATABASE FOLDER`` prints the highest number of bytes that were
its own (pages of files that it has mapped are not), less those of the moment before it began.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from tests.harness.airflow_home import prepare

prepare()  # before anything imports Airflow


def own_bytes() -> int:
    """What this process alone holds at the moment."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


@contextmanager
def watched() -> Iterator[list[int]]:
    """Collect :func:`own_bytes` a hundred times a second."""
    seen, stop = [own_bytes()], Event()

    def watch() -> None:
        while not stop.wait(0.01):
            seen.append(own_bytes())

    thread = Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def main(database: str, folder: Path) -> int:
    """Make everything that waits; the installation is as the test that started this laid it out."""
    from datetime import datetime, timezone

    from sqlalchemy.orm import Session

    from airflow_release_plugin.services.exports import job
    from tests.harness.context import make_world, steps_of
    from tests.harness.databases import airflow_uses, connect
    from tests.harness.exports import placed

    engine = connect(database)
    with airflow_uses(engine), Session(engine) as session:
        world = placed(make_world(session, folder / "source", lambda: datetime.now(timezone.utc)), folder)
        with watched() as seen:
            job.run_once(work=steps_of(world))
        session.commit()
    engine.dispose()
    sys.stdout.write(f"{max(seen) - seen[0]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
