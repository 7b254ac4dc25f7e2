"""One request, one transaction; and what happens when the database does not play along."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from contextlib import suppress
from threading import Event as Signal

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.domain.tree.files import REGULAR, blob_id
from airflow_release_plugin.exceptions import ConflictError, NotFoundError, UnavailableError
from airflow_release_plugin.models import Event, Unit
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.context import Context, utc_now
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.services.server import health
from airflow_release_plugin.store.database import database_store
from tests.conftest import BACKENDS

pytestmark = pytest.mark.usefixtures("own_engine")


def add_unit(ctx: Context) -> None:
    ctx.session.add(Unit(source="dev", path="etl.py", name="etl", dag_ids=["etl"], created_at=utc_now()))


def test_work_is_committed_at_its_end(session_factory: sessionmaker[Session]) -> None:
    with unit_of_work() as (ctx, actor):
        add_unit(ctx)

    assert actor is SYSTEM
    with session_factory() as session:
        assert [unit.name for unit in submissions.units(session, "dev")] == ["etl"]


def test_work_finds_what_it_has_just_changed() -> None:
    with unit_of_work() as (ctx, _):
        add_unit(ctx)

        assert [unit.name for unit in submissions.units(ctx.session, "dev")] == ["etl"]


def test_work_writes_in_a_savepoint_whoever_wants_to_write_after_it_began_to_read(
    session_factory: sessionmaker[Session],
) -> None:
    with unit_of_work() as (ctx, _), ctx.session.begin_nested():
        assert submissions.units(ctx.session, "dev") == []
        with session_factory() as other:
            if other.get_bind().dialect.name == "sqlite":
                other.execute(text("PRAGMA busy_timeout = 0"))
            # SQLite makes the other one wait, PostgreSQL neither.
            with suppress(OperationalError):
                other.add(Unit(source="test", path="x.py", name="x", dag_ids=["x"], created_at=utc_now()))
                other.commit()

        add_unit(ctx)

    with session_factory() as session:
        assert [unit.name for unit in submissions.units(session, "dev")] == ["etl"]


def test_work_that_fails_leaves_nothing(session_factory: sessionmaker[Session]) -> None:
    def fail() -> None:
        with unit_of_work() as (ctx, _):
            add_unit(ctx)
            ctx.session.flush()
            raise ConflictError("too late")

    with pytest.raises(ConflictError):
        fail()

    with session_factory() as session:
        assert submissions.units(session, "dev") == []


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (StaleDataError("row was changed"), ConflictError),
        (IntegrityError("insert", {}, Exception("duplicate")), ConflictError),
        (OperationalError("select", {}, Exception("database is locked")), UnavailableError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_the_database_says_is_said_in_words_for_people(
    error: Exception, answer: type[Exception]
) -> None:
    with pytest.raises(answer, match=r"again"), unit_of_work():
        raise error


def test_what_the_store_was_given_is_committed_with_the_rest_or_not_at_all(
    session_factory: sessionmaker[Session],
) -> None:
    def work(path: str) -> None:
        with unit_of_work() as (ctx, _):
            ctx.store.write_files({path: (REGULAR, path.encode())})
            if path == "lost":
                raise ConflictError("too late")

    work("kept")
    with pytest.raises(ConflictError):
        work("lost")

    with session_factory() as session:
        store = database_store(session)
        assert store.read(blob_id(b"kept")) == b"kept"
        with pytest.raises(NotFoundError):
            store.read(blob_id(b"lost"))
    assert health.look().problems == ()


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_two_who_write_to_the_trail_at_once_come_one_after_the_other(
    session_factory: sessionmaker[Session],
) -> None:
    """Neither is told of a conflict: what they did has nothing to do with each other."""
    with unit_of_work() as (ctx, actor):
        audit.record(ctx, actor=actor, tag=EventTag.FLOW_CHANGED, subject="flow:0")
    second_reads = Signal()

    def write_second() -> None:
        with unit_of_work() as (ctx, actor):
            second_reads.set()
            audit.record(ctx, actor=actor, tag=EventTag.FLOW_CHANGED, subject="flow:2")

    with ThreadPoolExecutor(1) as others:
        with unit_of_work() as (ctx, actor):
            audit.record(ctx, actor=actor, tag=EventTag.FLOW_CHANGED, subject="flow:1")
            second = others.submit(write_second)
            second_reads.wait(10)
            with suppress(NotYetError):  # it waits for us
                second.result(timeout=0.5)
        second.result(timeout=30)

    with session_factory() as session:
        rows = session.scalars(select(Event).order_by(Event.sequence))
        assert [row.subject for row in rows] == ["flow:0", "flow:1", "flow:2"]
