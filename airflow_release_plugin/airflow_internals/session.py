"""Sessions on Airflow's metadata database, for the edges that have none given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_release_plugin.exceptions import ReleaseError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def is_denied() -> bool:
    """Whether Airflow keeps this process from the metadata database, as it does with tasks."""
    return os.environ.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "").startswith("airflow-db-not-allowed")


@contextmanager
def airflow_session() -> Iterator[Session]:
    """
    A session of its own: committed at the end, rolled back on an error, closed always.

    A refusal that is to be seen in the trail (``is_recorded``) is committed as well.

    Unlike Airflow's own it flushes before it queries: use cases ask for what they have just changed.
    """
    from airflow.utils.session import create_session

    with create_session(scoped=False) as session:
        session.autoflush = True
        try:
            yield session
        except ReleaseError as error:
            if error.is_recorded:
                session.commit()
            raise
