"""The world of the use cases, on a store in memory unless a test asks for git."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from airflow_release_plugin.services.context import Context
from airflow_release_plugin.store.base import ReleaseStore
from airflow_release_plugin.store.git import GitReleaseStore
from airflow_release_plugin.store.memory import MemoryReleaseStore
from tests.harness.clock import FrozenClock
from tests.harness.context import World, make_world


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
