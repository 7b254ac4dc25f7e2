"""The world of the use cases."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from airflow_release_plugin.bundles.release import ReleaseDagBundle
from airflow_release_plugin.services.runtime.context import Context
from tests.harness.clock import FrozenClock
from tests.harness.context import World, make_world
from tests.harness.serving import Serve


@pytest.fixture
def world(session: Session, tmp_path: Path, clock: FrozenClock) -> World:
    """An empty source, an empty target, six people."""
    return make_world(session, tmp_path / "source", clock)


@pytest.fixture
def ctx(world: World) -> Context:
    """What use cases get."""
    return world.ctx


@pytest.fixture
def serve(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Let this machine serve what the environment is at now, as its dag processor does."""
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "bundles"))

    def follow(version: str | None = None) -> ReleaseDagBundle:
        world.ctx.session.commit()
        bundle = ReleaseDagBundle(name="prod", version=version)
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
