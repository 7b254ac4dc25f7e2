"""The bundle of a dag processor, which has the metadata database; and of a task, which has not."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException
from airflow.utils.net import get_hostname
from sqlalchemy import Engine, delete, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.bundles.release import ReleaseDagBundle
from airflow_release_plugin.domain.tree.files import REGULAR, TreeChange
from airflow_release_plugin.models import Follower, StoredRef
from airflow_release_plugin.store.base import CommitMessage, environment_ref, submission_ref
from airflow_release_plugin.store.database import database_store
from tests.harness.clock import FrozenClock
from tests.harness.context import World, make_world
from tests.harness.databases import counted

pytestmark = pytest.mark.req("R76", "R85")


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine keeps what it serves; nothing is there yet."""
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "bundles"))
    return tmp_path / "bundles"


@pytest.fixture
def world(session_factory: sessionmaker[Session], tmp_path: Path, clock: FrozenClock) -> World:
    """A target with one DAG, in a database of its own."""
    with session_factory() as session:
        world = make_world(session, tmp_path / "source", clock)
        world.released(world.dag("etl"))
        session.commit()
        return world


def denied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process one that may not use the database, as Airflow does before it runs a task."""
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "airflow-db-not-allowed:///")


def no_connection(conn_id: str) -> None:
    """What the task SDK answers where nobody has made the connection."""
    raise AirflowNotFoundException(f"The conn_id `{conn_id}` isn't defined")


def names(bundle: ReleaseDagBundle) -> list[str]:
    bundle.initialize()
    return sorted(path.name for path in bundle.path.glob("*.py"))


@pytest.mark.usefixtures("own_engine")
def test_a_new_installation_serves_nothing(caplog: pytest.LogCaptureFixture) -> None:
    serving = ReleaseDagBundle(name="prod")

    with caplog.at_level(logging.WARNING, logger="airflow_release_plugin"):
        assert names(serving) == []
        serving.refresh()

    assert serving.get_current_version() is None
    assert caplog.records == []


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_a_dag_processor_reads_what_it_lacks_from_the_database(world: World) -> None:
    head = world.head
    world.ctx.session.rollback()

    assert names(ReleaseDagBundle(name="prod")) == ["etl.py"]
    assert names(ReleaseDagBundle(name="prod", version=head)) == ["etl.py"]


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_a_dag_processor_is_written_down_with_what_it_serves(
    world: World, session_factory: sessionmaker[Session]
) -> None:
    head = world.head
    world.ctx.session.rollback()

    ReleaseDagBundle(name="prod", refresh_interval=77).initialize()

    with session_factory() as session:
        (row,) = session.scalars(select(Follower)).all()
    assert (row.environment, row.host, row.serves, row.pause) == ("prod", get_hostname(), head, 77)


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_a_refresh_with_nothing_new_sends_one_statement(world: World, own_engine: Engine) -> None:
    world.ctx.session.rollback()
    bundle = ReleaseDagBundle(name="prod")
    bundle.initialize()
    bundle.refresh()

    with counted(own_engine) as statements:
        bundle.refresh()

    assert [statement.partition(" ")[0] for statement in statements] == ["SELECT"]


def test_a_sign_of_life_that_was_lost_is_given_again_after_a_while(
    world: World, session_factory: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ctx.session.rollback()
    bundle = ReleaseDagBundle(name="prod")
    bundle.initialize()
    with session_factory() as session:
        session.execute(delete(Follower))
        session.commit()

    bundle.refresh()
    with session_factory() as session:
        assert session.scalars(select(Follower)).all() == []
    monkeypatch.setattr("airflow_release_plugin.store.database_versions._SAID_AGAIN", 0)
    bundle.refresh()

    with session_factory() as session:
        assert len(session.scalars(select(Follower)).all()) == 1


def test_a_sign_of_life_that_could_not_be_written_down_is_tried_again_at_once(
    world: World, session_factory: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ctx.session.rollback()

    def refuse(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    bundle = ReleaseDagBundle(name="prod")
    with monkeypatch.context() as there:
        there.setattr("airflow_release_plugin.store.database_versions.followers.note", refuse)
        bundle.initialize()
    bundle.refresh()

    with session_factory() as session:
        assert len(session.scalars(select(Follower)).all()) == 1


def test_what_was_rolled_back_is_never_served_and_what_was_committed_is_at_once(
    world: World, session_factory: sessionmaker[Session]
) -> None:
    world.ctx.session.rollback()
    bundle = ReleaseDagBundle(name="prod")
    bundle.initialize()
    before = bundle.keeper.served()

    with session_factory() as session:
        session.execute(update(StoredRef).where(StoredRef.commit == before).values(commit="f" * 40))
        session.rollback()
    bundle.refresh()
    assert bundle.keeper.served() == before

    with session_factory() as session:
        store = database_store(session)
        (entry,) = store.write_files({"new.py": (REGULAR, b"")})
        head = store.commit(
            parent=before,
            changes=[TreeChange("new.py", entry)],
            message=CommitMessage("new"),
            author="ada",
            time=world.ctx.clock(),
        )
        store.move_ref(environment_ref("prod"), expected=before, new=head)
        session.commit()
    bundle.refresh()
    assert bundle.keeper.served() == head


def test_a_database_that_takes_no_writes_serves_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ctx.session.rollback()

    def refuse(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("attempt to write a readonly database"))

    monkeypatch.setattr("airflow_release_plugin.store.database_versions.followers.note", refuse)

    assert names(ReleaseDagBundle(name="prod")) == ["etl.py"]


def test_a_task_finds_what_the_dag_processor_of_its_machine_follows(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    names(ReleaseDagBundle(name="prod"))
    denied(monkeypatch)

    assert names(ReleaseDagBundle(name="prod", version=world.head)) == ["etl.py"]
    assert names(ReleaseDagBundle(name="prod")) == ["etl.py"]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("version", [None, "a" * 40])
def test_a_task_on_a_machine_that_lacks_its_version_and_has_no_connection_is_told_what_and_where(
    world: World, monkeypatch: pytest.MonkeyPatch, version: str | None
) -> None:
    denied(monkeypatch)
    monkeypatch.setattr("airflow.sdk.execution_time.context._get_connection", no_connection)
    bundle = ReleaseDagBundle(name="prod", version=version)

    with pytest.raises(AirflowException) as caught:
        bundle.initialize()

    told = str(caught.value)
    expected = (socket.gethostname(), version or "'prod'", "'airflow_release_default'", "service_users")
    assert all(word in told for word in expected)
    assert not bundle.path.exists()


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_only_what_was_released_is_read_from_the_database(world: World) -> None:
    entries = world.ctx.store.write_files({"etl.py": (REGULAR, b"print('not approved')")})
    message = CommitMessage("nobody agreed")
    commit = world.ctx.store.commit(
        parent=None,
        changes=[TreeChange(entry.path, entry) for entry in entries],
        message=message,
        author="eve",
        time=world.ctx.clock(),
    )
    world.ctx.store.move_ref(submission_ref("etl", 99), expected=None, new=commit)
    world.ctx.session.commit()

    with pytest.raises(AirflowException, match="never released"):
        ReleaseDagBundle(name="prod", version=commit).initialize()


def test_without_our_tables_the_migration_is_named(own_engine: Engine) -> None:
    with own_engine.begin() as connection:
        connection.execute(text("DROP TABLE release_ref"))

    with pytest.raises(AirflowException, match="airflow db migrate"):
        ReleaseDagBundle(name="prod").initialize()
