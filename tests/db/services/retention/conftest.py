"""A world whose store goes by the clock of the test, too."""

from __future__ import annotations

import pytest

from airflow_release_plugin.store.database import database_store
from tests.harness.clock import FrozenClock
from tests.harness.context import World


@pytest.fixture
def world(world: World, clock: FrozenClock) -> World:
    return world.with_store(database_store(world.ctx.session, clock))
