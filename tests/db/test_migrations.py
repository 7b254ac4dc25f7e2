from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from airflow import settings
from airflow.utils.db_manager import RunDBManager
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.orm import Session

import airflow_release_plugin
from airflow_release_plugin.db_manager import ReleaseDBManager
from airflow_release_plugin.exceptions import DatabaseUnsupportedError
from airflow_release_plugin.services.server import health, startup
from tests.harness.databases import airflow_uses

pytestmark = pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
VERSION_TABLE = ReleaseDBManager.version_table_name
OURS = set(ReleaseDBManager.metadata.tables)


@pytest.fixture
def manager(own_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseDBManager]:
    """The DB manager as ``airflow db`` builds it, on a database that is at the newest revision."""
    monkeypatch.setattr(settings, "engine", own_engine)
    with Session(own_engine) as session:
        yield ReleaseDBManager(session)


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()


def revisions(manager: ReleaseDBManager) -> list[str]:
    """Oldest first."""
    config: Config = manager.get_alembic_config()
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def test_airflow_finds_the_manager(manager: ReleaseDBManager) -> None:
    runner = RunDBManager()
    runner.validate()

    assert ReleaseDBManager in runner._managers


def test_a_migrated_database_is_at_the_newest_revision(own_engine: Engine, manager: ReleaseDBManager) -> None:
    assert revision(own_engine) == revisions(manager)[-1]
    assert manager.check_migration()


def test_every_revision_goes_down_and_up_again(own_engine: Engine, manager: ReleaseDBManager) -> None:
    config = manager.get_alembic_config()
    manager.downgrade("base")
    for step in revisions(manager):
        command.upgrade(config, step)
        command.downgrade(config, "-1")
        command.upgrade(config, step)

        assert revision(own_engine) == step
    assert tables(own_engine) >= OURS


def test_the_migrated_schema_is_the_one_of_the_models(own_engine: Engine, manager: ReleaseDBManager) -> None:
    options = {
        "version_table": VERSION_TABLE,
        "compare_type": True,
        "include_object": lambda _object, name, kind, *_: kind != "table" or name in OURS,
    }
    with own_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)

        assert compare_metadata(context, ReleaseDBManager.metadata) == []


def test_going_down_to_base_removes_our_tables_and_nothing_else(
    own_engine: Engine, manager: ReleaseDBManager
) -> None:
    before = tables(own_engine)

    manager.downgrade("base")

    assert tables(own_engine) == before - OURS


def test_going_down_prints_the_sql_when_asked_to(
    own_engine: Engine, manager: ReleaseDBManager, capsys: pytest.CaptureFixture[str]
) -> None:
    manager.downgrade("base", show_sql_only=True)

    assert "DROP TABLE release_" in capsys.readouterr().out
    assert tables(own_engine) >= OURS


def test_a_start_revision_is_only_for_printed_sql(manager: ReleaseDBManager) -> None:
    with pytest.raises(ValueError, match="printed SQL only"):
        manager.downgrade("base", from_revision="0001")


def test_a_second_migrate_changes_nothing(own_engine: Engine, manager: ReleaseDBManager) -> None:
    before = tables(own_engine)

    manager.initdb()
    manager.upgradedb()

    assert tables(own_engine) == before


def test_a_reset_drops_and_makes_our_tables(own_engine: Engine, manager: ReleaseDBManager) -> None:
    with own_engine.begin() as connection:
        manager.drop_tables(connection)
    assert tables(own_engine).isdisjoint({*OURS, VERSION_TABLE})

    manager.session.rollback()
    manager.initdb()

    assert tables(own_engine) >= OURS


def test_the_heads_map_names_the_newest_revision_of_this_version(manager: ReleaseDBManager) -> None:
    assert manager.revision_heads_map[airflow_release_plugin.__version__] == revisions(manager)[-1]


def test_a_database_that_cannot_hold_our_tables_is_refused_with_the_reason(
    manager: ReleaseDBManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    for change in (manager.initdb, manager.upgradedb):
        manager.session = Session(mysql())
        with pytest.raises(DatabaseUnsupportedError, match=r"mysql.*audit trail.*PostgreSQL"):
            change()


def mysql() -> Engine:
    """An engine that knows that it is MySQL's, and never connects."""
    return create_engine("mysql+pymysql://nobody@localhost/none", module=sqlite3)


def test_a_server_on_such_a_database_says_so_in_log_and_health(
    own_engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with airflow_uses(mysql()):
        startup.prepare()
        (problem,) = health.look().problems

    assert "cannot work on mysql" in problem
    assert problem in caplog.text


def test_postgresql_does_not_try_to_compress_what_is_compressed(own_engine: Engine, db_backend: str) -> None:
    if db_backend == "sqlite":
        return
    query = """
        SELECT relname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE attname = 'data' AND attstorage = 'e' AND relname LIKE 'release%'
    """
    with own_engine.connect() as connection:
        assert set(connection.scalars(text(query))) == {"release_object", "release_file_chunk"}
