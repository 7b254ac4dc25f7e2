"""One request, one transaction; and what happens when database or store do not play along."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.exceptions import ConflictError, StoreUnavailableError, UnavailableError
from airflow_release_plugin.models import Unit
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services.runtime.context import Context, utc_now
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.services.server import health


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own_engine: Engine) -> Path:
    """Where the configured store is; nothing is there yet."""
    path = tmp_path / "release" / "store.git"
    monkeypatch.setenv("AIRFLOW__RELEASE__STORE_PATH", str(path))
    return path


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


def test_the_store_is_made_on_first_use(place: Path) -> None:
    with unit_of_work() as (ctx, _):
        assert ctx.store.ref("refs/heads/prod") is None

    assert place.is_dir()
    assert health.problems() == []


def test_a_store_that_is_gone_is_never_made_anew(place: Path) -> None:
    with unit_of_work() as (ctx, _):
        add_unit(ctx)
    place.rename(place.with_name("moved.git"))

    with pytest.raises(StoreUnavailableError), unit_of_work() as (ctx, _):
        ctx.store.ref("refs/heads/prod")
    assert health.problems() == ["store"]
    assert not place.exists()
