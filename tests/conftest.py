"""
Fixtures for all tests.

``session`` is a database session whose work is rolled back after the test. ``session_factory`` makes sessions
that really commit, on a database of the test's own, for tests of concurrency. Both use SQLite, or what
``@pytest.mark.parametrize("db_backend", BACKENDS)`` says.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.harness.airflow_home import migrate, one_process_at_a_time, prepare
from tests.harness.clock import FrozenClock
from tests.harness.requirements import find_browser, missing

AIRFLOW_HOME = prepare()  # before anything imports Airflow

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session, sessionmaker

    from tests.harness.postgres import PostgresServer

BACKENDS = ("sqlite", "postgresql")
_MARK_BY_FOLDER = {"db": "db", "contract": "contract", "e2e": "e2e"}

settings.register_profile(
    "default",
    deadline=None,  # two shared cores: time says nothing
    derandomize=True,  # the same examples in every run; a failure is a failure for everybody
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        if folder in _MARK_BY_FOLDER:
            item.add_marker(_MARK_BY_FOLDER[folder])


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """``AIRFLOW_HOME`` of this process; ``dags`` below it is the folder of the source bundle."""
    return AIRFLOW_HOME


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """An SQLite file that ``airflow db migrate`` made, once for all workers. Copy it; leave it alone."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base
    template = shared / "migrated.db"
    with one_process_at_a_time(shared):
        if not template.exists():
            unfinished = template.with_suffix(".part")
            migrate(f"sqlite:///{unfinished}")
            unfinished.rename(template)
    copyfile(template, AIRFLOW_HOME / "airflow.db")
    return template


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server with a migrated database named ``migrated``; copy it, leave it alone."""
    from tests.harness.postgres import PostgresServer, find_programs

    programs = find_programs()
    if programs is None:
        missing("PostgreSQL", "install its server package (Debian: postgresql)")
        return
    server = PostgresServer(programs)
    try:
        server.start()
        migrate(server.create_database("migrated"))
        yield server
    finally:
        server.stop()


@pytest.fixture
def db_backend() -> str:
    """Which database the test uses; parametrise it with ``BACKENDS`` to use both."""
    return "sqlite"


@pytest.fixture(scope="session")
def _shared_engines() -> Iterator[dict[str, Engine]]:
    engines: dict[str, Engine] = {}
    yield engines
    for engine in engines.values():
        engine.dispose()


@pytest.fixture
def engine(db_backend: str, request: pytest.FixtureRequest, _shared_engines: dict[str, Engine]) -> Engine:
    """A migrated, empty database that tests share: leave nothing behind, ``session`` sees to that."""
    from tests.harness.databases import connect_to_roll_back

    if db_backend not in _shared_engines:
        if db_backend == "postgresql":
            url = request.getfixturevalue("postgres").create_database("shared", template="migrated")
        else:
            request.getfixturevalue("migrated_file")
            url = f"sqlite:///{AIRFLOW_HOME / 'airflow.db'}"
        _shared_engines[db_backend] = connect_to_roll_back(url)
    return _shared_engines[db_backend]


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session whose commits are undone after the test; Airflow's own functions join it."""
    from tests.harness.databases import rolled_back

    with rolled_back(engine) as open_session:
        yield open_session


@pytest.fixture
def own_engine(db_backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A migrated, empty database that belongs to the test alone; Airflow's own functions use it."""
    from tests.harness.databases import airflow_uses, connect, copy_in, copy_of

    with ExitStack() as stack:
        if db_backend == "postgresql":
            url = stack.enter_context(copy_in(request.getfixturevalue("postgres")))
        else:
            url = copy_of(request.getfixturevalue("migrated_file"), tmp_path)
        own = connect(url)
        stack.callback(own.dispose)
        stack.enter_context(airflow_uses(own))
        yield own


@pytest.fixture
def session_factory(own_engine: Engine) -> sessionmaker[Session]:
    """Makes sessions that really commit."""
    from sqlalchemy.orm import sessionmaker

    return sessionmaker(own_engine, expire_on_commit=False)


@pytest.fixture
def clock() -> FrozenClock:
    """A clock at Monday 2026-03-02 09:00 UTC that moves only by ``advance()``."""
    return FrozenClock()


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Path of Chromium or Chrome."""
    path = find_browser()
    if path is None:
        missing("a browser", "install Chromium (Debian: chromium) or name one in CHROME")
    return str(path)
