"""
A promotion whose connection dies at any statement: all of it is there, or nothing.

See invariant 6 (docs/concepts/invariants.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.services.promotion import environments
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.store.base import tag_ref
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import DEV, World, make_world
from tests.harness.crashes import at_every_statement
from tests.harness.process_kill import rows

pytestmark = pytest.mark.req("R8", "R85")


@pytest.fixture(params=BACKENDS)
def db_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(session_factory: sessionmaker[Session], tmp_path: Path, clock: FrozenClock) -> Iterator[World]:
    """A target with one DAG, and a second one that is approved."""
    with session_factory() as session:
        world = make_world(session, tmp_path / "source", clock)
        world.released(world.dag("old"))
        world.write("helpers.py", "x = 1\n")
        world.approved(world.dag("etl", lines="import helpers"))
        session.commit()
        yield world


def test_a_promotion_is_there_as_a_whole_or_not_at_all(
    world: World, session_factory: sessionmaker[Session], own_engine: Engine
) -> None:
    release = releases.get(world.ctx, actor=DEV, release_id=2)
    before = rows(own_engine)
    deaths = []

    for statement in at_every_statement(
        own_engine, session_factory, lambda session: world.with_session(session).promote(release)
    ):
        deaths.append(statement)
        assert rows(own_engine) == before, statement

    written = {words[2].strip('"') for words in map(str.split, deaths) if words[:2] == ["INSERT", "INTO"]}
    assert written >= {"release_object", "release_ref", "release_event"}
    assert deaths[-1] == "COMMIT"
    with session_factory() as session:
        is_released(world.with_session(session))


def is_released(world: World) -> None:
    release = releases.get(world.ctx, actor=DEV, release_id=2)
    assert release.state is ReleaseState.RELEASED
    assert release.items[0].submission.state is SubmissionState.RELEASED
    assert sorted(world.target()) == ["etl.py", "helpers.py", "old.py"]
    assert world.head == release.target_commit == world.store.ref(tag_ref(release.number))
    assert len(world.store.history(world.head)) == 2
    assert world.twin.announced[-1] == ("prod", world.head, ("etl.py",))
    assert not environments.get(world.ctx, actor=DEV, name="prod").moved
    assert audit.first_broken_link(world.ctx) is None
