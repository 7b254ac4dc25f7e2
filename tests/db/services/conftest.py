"""The world of the use cases, on a store in memory unless a test asks for git."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from airflow_release_plugin.bundles.release import ReleaseDagBundle
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.base import ReleaseStore
from airflow_release_plugin.store.git import GitReleaseStore
from airflow_release_plugin.store.memory import MemoryReleaseStore
from tests.harness.clock import FrozenClock
from tests.harness.context import World, make_world
from tests.harness.serving import Serve


@pytest.fixture
def store_kind() -> str:
    """Which store the test uses: ``memory`` or ``git``."""
    return "memory"


@pytest.fixture
def store(store_kind: str, tmp_path: Path) -> ReleaseStore:
    """An empty store."""
    made = MemoryReleaseStore() if store_kind == "memory" else GitReleaseStore(tmp_path / "store.git")
    made.ensure()
    return made


@pytest.fixture
def world(session: Session, store: ReleaseStore, tmp_path: Path, clock: FrozenClock) -> World:
    """An empty source, an empty target, six people."""
    return make_world(session, store, tmp_path / "source", clock)


@pytest.fixture
def ctx(world: World) -> Context:
    """What use cases get."""
    return world.ctx


@pytest.fixture
def serve(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Let this machine serve what the environment is at now, as its dag processor does."""
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "bundles"))

    def follow(version: str | None = None) -> ReleaseDagBundle:
        bundle = ReleaseDagBundle(name="prod", version=version, store_path=str(tmp_path / "store.git"))
        bundle.initialize()
        world.twin.machine = bundle.folders
        return bundle

    return follow


@pytest.fixture
def served(world: World, serve: Serve) -> Path:
    """The tree of a first release: a DAG and a module."""
    world.write("shop/load.py", "rows = 1\n")
    world.write("shop/__init__.py", "")
    world.released(world.dag("etl", lines="from shop.load import rows"))
    return serve().path
