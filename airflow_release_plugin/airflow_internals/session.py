"""Sessions on Airflow's metadata database, for the edges that have none given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@contextmanager
def airflow_session() -> Iterator[Session]:
    """
    A session of its own: committed at the end, rolled back on an error, closed always.

    Unlike Airflow's own it flushes before it queries: use cases ask for what they have just changed.
    """
    from airflow.utils.session import create_session

    with create_session(scoped=False) as session:
        session.autoflush = True
        yield session
