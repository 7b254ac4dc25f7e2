"""The fixtures themselves: a test that leaves something behind would make others lie."""

from __future__ import annotations

import socket

import pytest
from airflow.models import Variable
from airflow.utils.session import create_session
from pytest_socket import SocketConnectBlockedError
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, sessionmaker

BACKENDS = ("sqlite", "postgresql")


def variables(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Variable)) or 0


@pytest.mark.parametrize("db_backend", BACKENDS)
@pytest.mark.parametrize("attempt", [1, 2])
def test_what_a_test_commits_is_gone_in_the_next(session: Session, attempt: int) -> None:
    assert variables(session) == 0

    session.add(Variable(key="left", val=str(attempt)))
    session.commit()
    session.rollback()

    assert variables(session) == 1


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_a_failed_step_can_be_undone_without_losing_the_others(session: Session) -> None:
    session.add(Variable(key="kept", val="1"))
    session.commit()
    session.add(Variable(key="undone", val="1"))
    session.flush()
    session.rollback()

    assert [row.key for row in session.scalars(select(Variable))] == ["kept"]


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_airflows_own_sessions_see_the_work_of_the_test(session: Session) -> None:
    session.add(Variable(key="seen", val="1"))
    session.flush()

    with create_session() as scoped, create_session(scoped=False) as plain:
        assert (variables(scoped), variables(plain)) == (1, 1)


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_sessions_of_an_own_database_really_commit(session_factory: sessionmaker[Session]) -> None:
    with session_factory.begin() as writer:
        writer.add(Variable(key="there", val="1"))

    with session_factory() as reader, create_session() as airflows:
        assert (variables(reader), variables(airflows)) == (1, 1)


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_the_database_has_the_tables_of_the_product(own_engine: Engine) -> None:
    with own_engine.connect() as connection:
        assert connection.dialect.has_table(connection, "alembic_version_release")


@pytest.mark.filterwarnings("ignore:A test tried")
def test_tests_reach_no_other_machine() -> None:
    with socket.socket() as outside, pytest.raises(SocketConnectBlockedError):
        outside.connect(("192.0.2.1", 80))


@pytest.mark.xdist_group("kept together")
def test_groups_stay_on_one_worker(request: pytest.FixtureRequest) -> None:
    if hasattr(request.config, "workerinput"):  # one process keeps everything together
        assert request.node.nodeid.endswith("@kept together")
