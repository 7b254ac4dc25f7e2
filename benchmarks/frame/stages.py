"""What rows are measured on: a database, a git repository, Airflow's settings for a while."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.harness.postgres import PostgresServer

_WHO = ("-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0")


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A folder for the length of a block."""
    with tempfile.TemporaryDirectory(prefix=f"airflow-release-bench-{name}-") as folder:
        yield Path(folder)


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Environment variables for the length of a block."""
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.__setitem__(key, value)


def git(folder: Path, *arguments: str) -> None:
    """Run git there, as somebody without settings of their own."""
    subprocess.run(
        ["git", *_WHO, "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )


def committed(root: Path) -> None:
    """Make a folder a git repository, with all its files committed."""
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Everything")


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the length of a block."""
    from tests.harness.postgres import PostgresServer, find_programs

    programs = find_programs()
    if programs is None:
        raise SystemExit("PostgreSQL is missing; install its server package (Debian: postgresql).")
    server = PostgresServer(programs)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def database(url: str) -> Iterator[Engine]:
    """An engine with Airflow's settings, on a database that gets our tables, for the length of a block."""
    from airflow_release_plugin.models import metadata
    from tests.harness.databases import connect

    engine = connect(url)
    metadata.create_all(engine)
    try:
        yield engine
    finally:
        engine.dispose()
