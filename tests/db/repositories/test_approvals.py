from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.repositories.approvals import begin_to_write


def test_who_begins_to_write_is_the_only_writer_of_sqlite(session_factory: sessionmaker[Session]) -> None:
    with session_factory() as one, session_factory() as other:
        begin_to_write(one)
        one.begin_nested()
        other.execute(text("PRAGMA busy_timeout = 0"))

        with pytest.raises(OperationalError, match="locked"):
            begin_to_write(other)
