"""However many promotions come at once, and however large the target is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.store import database
from airflow_release_plugin.store.base import tag_ref
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import World, make_world
from tests.harness.databases import counted

pytestmark = pytest.mark.req("R8", "R85")
MANY = 100
TOO_LATE = (ConflictError, StaleDataError, IntegrityError, OperationalError)


@pytest.fixture
def world(session_factory: sessionmaker[Session], tmp_path: Path, clock: FrozenClock) -> Iterator[World]:
    """An empty target, in a database of its own."""
    with session_factory() as session:
        yield make_world(session, tmp_path / "source", clock)


@pytest.mark.timeout(1800)  # a hundred releases on a busy machine
@pytest.mark.parametrize("db_backend", ["postgresql"])
def test_a_hundred_releases_promoted_at_once_land_exactly_once_each(
    world: World, session_factory: sessionmaker[Session]
) -> None:
    numbers = [world.approved(world.dag(f"dag_{number}")).id for number in range(MANY)]
    world.ctx.session.commit()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: land(world, session_factory, number), numbers))

    with session_factory() as session:
        seen = world.with_session(session)
        history = [facts.id for facts in seen.store.history(seen.head, limit=2 * MANY)]
        releases = {number: session.get_one(Release, number) for number in numbers}
        assert {release.state for release in releases.values()} == {ReleaseState.RELEASED}
        assert sorted(history) == sorted(str(release.target_commit) for release in releases.values())
        assert sorted(seen.target()) == sorted(f"dag_{number}.py" for number in range(MANY))
        for release in releases.values():
            assert seen.store.ref(tag_ref(release.number)) == release.target_commit
        assert audit.first_broken_link(seen.ctx) is None


def land(world: World, factory: sessionmaker[Session], number: int) -> None:
    """What the pipeline of one release does until it is in the target."""
    while True:
        with factory() as session:
            mine = world.with_session(session)
            try:
                release = mine.promote(session.get_one(Release, number))
                if release.state is ReleaseState.CHECKING:
                    mine.report(release)
                session.commit()
            except TOO_LATE:
                session.rollback()
                continue
            if release.state is ReleaseState.RELEASED:
                return


def statements_of_a_promotion(world: World, engine: Engine, files: int) -> int:
    parts = ", ".join(f'"data/part{number}.txt"' for number in range(files))
    for number in range(files):
        world.write(f"data/part{number}.txt", f"{files} {number}")
    code = f"from pathlib import Path\nPARTS = [Path(__file__).parent / name for name in ({parts},)]"
    world.released(world.dag("large", code))
    release = world.approved(world.dag(f"small_{files}"))
    world.ctx.session.commit()
    world.ctx.session.expunge_all()
    database._CACHES.clear()
    with counted(engine) as statements:
        assert world.promote(release).state is ReleaseState.RELEASED
        world.ctx.session.commit()
    return len(statements)


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_a_promotion_costs_the_same_however_large_the_target_is(world: World, own_engine: Engine) -> None:
    few = statements_of_a_promotion(world, own_engine, 3)

    assert statements_of_a_promotion(world, own_engine, 300) <= few
