"""Where the shop keeps its figures: one SQLite file in the temporary folder; no server needed."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .schema import TABLES

DATABASE = Path(tempfile.gettempdir()) / "airflow_release_shop.db"


@contextmanager
def connected() -> Iterator[sqlite3.Connection]:
    """Give a connection whose changes are committed together; the tables exist."""
    connection = sqlite3.connect(DATABASE, timeout=30)
    try:
        with connection:
            for statement in TABLES:
                connection.execute(statement)
            yield connection
    finally:
        connection.close()
