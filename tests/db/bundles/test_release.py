"""The bundle before there is a store: a new installation serves nothing, a lost store is an error."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.sdk.exceptions import AirflowException
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.bundles.release import ReleaseDagBundle
from airflow_release_plugin.store.git import GitReleaseStore

pytestmark = pytest.mark.req("R76")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitReleaseStore:
    """A store that nobody has made yet."""
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "bundles"))
    return GitReleaseStore(tmp_path / "store.git")


def bundle(store: GitReleaseStore) -> ReleaseDagBundle:
    return ReleaseDagBundle(name="prod", store_path=str(store.path))


def dag(dag_id: str, bundle_name: str) -> DagModel:
    return DagModel(dag_id=dag_id, bundle_name=bundle_name, fileloc="x.py", relative_fileloc="x.py")


def test_a_new_installation_serves_nothing_until_the_store_is_made(
    store: GitReleaseStore, session_factory: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    with session_factory.begin() as session:
        session.add_all([DagBundleModel(name="prod"), DagBundleModel(name="dev")])
        session.flush()
        session.add(dag("dev.etl", "dev"))
    serving = bundle(store)

    with caplog.at_level(logging.WARNING, logger="airflow_release_plugin"):
        serving.initialize()
        serving.refresh()

    assert serving.is_initialized
    assert list(serving.path.glob("*.py")) == []
    assert serving.get_current_version() is None
    assert not store.path.exists()
    assert [(line.levelname, line.exc_info) for line in caplog.records] == [("WARNING", None)] * 2
    assert "Bundle prod serves nothing yet: The release store" in caplog.text
    assert "the API server of a new installation makes it when it starts" in caplog.text
    caplog.clear()
    store.ensure()
    serving.refresh()
    assert caplog.records == []


@pytest.mark.parametrize("known", ["version", "dag"])
def test_a_store_that_was_lost_is_an_error_that_airflow_retries(
    store: GitReleaseStore, session_factory: sessionmaker[Session], known: str
) -> None:
    with session_factory.begin() as session:
        stored = DagBundleModel(name="prod")
        stored.version = "a" * 40 if known == "version" else None
        session.add(stored)
        session.flush()
        if known == "dag":
            session.add(dag("etl", "prod"))
    serving = bundle(store)

    with pytest.raises(AirflowException, match=r"store\.git.*does not exist"):
        serving.initialize()

    assert not serving.is_initialized
    assert not serving.path.exists()
    store.ensure()
    serving.initialize()
    assert serving.is_initialized


def test_a_task_which_may_not_ask_the_database_takes_nothing_for_new(
    store: GitReleaseStore, session_factory: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow import settings

    with monkeypatch.context() as patch:
        patch.delattr(settings, "NonScopedSession")  # as Airflow does before it runs a task
        with pytest.raises(AirflowException, match="does not exist"):
            bundle(store).initialize()
