"""
A server that makes the exports that wait, as a process of its own, and says how much memory that took.

``python -m tests.harness.export_memory_probe DATABASE FOLDER`` prints the highest number of bytes that Python
held at once, less those of the moment before it began. Python's own count is exact: what the operating system
tells depends on when one looks, and on what the allocator keeps for later.
"""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path

from tests.harness.airflow_home import prepare

prepare()  # before anything imports Airflow


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
        tracemalloc.start()
        job.run_once(work=steps_of(world))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        session.commit()
    engine.dispose()
    sys.stdout.write(f"{peak}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
