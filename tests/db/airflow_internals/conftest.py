from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

DAG_FILE = """
import pendulum
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG("{dag_id}", schedule="@daily", start_date=pendulum.datetime(2024, 1, 1), tags=["sales"]{more}):
    for name in {tasks!r}:
        EmptyOperator(task_id=name, owner="ann", pool="default_pool")
"""

Parse = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folder of the bundle ``prod`` of these tests."""
    made = tmp_path / "prod"
    made.mkdir()
    return made


@pytest.fixture
def write(folder: Path) -> Callable[..., None]:
    """Write a file that defines one DAG."""

    def write_dag(path: str, dag_id: str, tasks: tuple[str, ...] = ("one",), more: str = "") -> None:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(DAG_FILE.format(dag_id=dag_id, tasks=tasks, more=more))

    return write_dag


@pytest.fixture
def parse(session: Session, folder: Path) -> Parse:
    """Store what the dag processor would store after parsing the whole folder at ``version``."""
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.models.dagbundle import DagBundleModel

    def parse_folder(version: str | None = None, bundle: str = "prod") -> None:
        if session.get(DagBundleModel, bundle) is None:
            session.add(DagBundleModel(name=bundle))
            session.flush()
        bag = DagBag(folder, bundle_path=folder, bundle_name=bundle)
        sync_bag_to_db(bag, bundle, version, session=session)
        session.flush()

    return parse_folder


@pytest.fixture
def no_update_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Airflow store a changed structure at once."""
    monkeypatch.setenv("AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL", "0")


@pytest.fixture
def simple_manager(session: Session) -> Iterator[object]:
    """Airflow's simple auth manager, initialized as in an API server."""
    from airflow.api_fastapi.app import create_auth_manager, purge_cached_app

    purge_cached_app()
    manager = create_auth_manager()
    manager.init()
    yield manager
    purge_cached_app()


@pytest.fixture
def fab_manager(session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """The FAB auth manager, with the application that it makes for itself in an API server."""
    monkeypatch.setenv(
        "AIRFLOW__CORE__AUTH_MANAGER", "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
    )
    from airflow.api_fastapi.app import create_auth_manager, purge_cached_app

    purge_cached_app()
    manager = create_auth_manager()
    manager.init()
    yield manager
    manager.cache.clear()
    purge_cached_app()
