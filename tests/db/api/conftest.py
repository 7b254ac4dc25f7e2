from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.db.api.world import World, add_fab_people, settings_for

WARNINGS = (
    "ignore:Using `httpx` with",  # Starlette's test client; Airflow imports it too
    "ignore:starlette.middleware.wsgi",  # the FAB provider's application
    "ignore:GitWildMatchPattern",  # Airflow's reading of .airflowignore
    "ignore:HTTP_422_UNPROCESSABLE_ENTITY",  # a name that Starlette changed and FastAPI still says
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warning in WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture
def manager() -> str:
    """Which auth manager the installation has; parametrise it with ``MANAGERS`` to use both."""
    return "simple"


@contextmanager
def installation(manager: str, engine: Engine, folder: Path) -> Iterator[World]:
    """An installation in ``folder`` on ``engine``, which Airflow's own functions use already."""
    from airflow.api_fastapi.app import create_auth_manager, purge_cached_app

    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings_for(manager, folder).items():
            patch.setenv(name, value)
        purge_cached_app()
        auth_manager = create_auth_manager()
        auth_manager.init()
        # FAB keeps users by id for half a minute; in the installation before, the ids were of others.
        getattr(auth_manager, "cache", {}).clear()
        yield World(manager, engine, folder)
        purge_cached_app()


@pytest.fixture
def empty_world(manager: str, own_engine: Engine, tmp_path: Path) -> Iterator[World]:
    """An installation with people and an empty source."""
    (tmp_path / "dev").mkdir()
    with installation(manager, own_engine, tmp_path) as world:
        if manager == "fab":
            with Session(own_engine) as session:
                add_fab_people(session)
        yield world


@pytest.fixture
def world(empty_world: World) -> World:
    """The same with one DAG file, ``etl.py``, and the release pipeline, both parsed."""
    empty_world.write_dag()
    empty_world.parse()
    empty_world.parse_pipelines()
    return empty_world
