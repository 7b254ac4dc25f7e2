"""Who changes a release that somebody else is changing waits, and sees what that one has made of it."""

from __future__ import annotations

from threading import Thread

import pytest
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.services.releases import releases
from tests.conftest import BACKENDS
from tests.harness.context import DEV, World

pytestmark = pytest.mark.req("R8", "R93")


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_two_that_note_something_at_once_do_so_one_after_the_other(
    session_factory: sessionmaker[Session], world: World
) -> None:
    with session_factory() as session:
        mine = world.with_session(session)
        release_id = mine.request(mine.submit(mine.dag("etl"))).id
        session.commit()

    def note(session: Session, name: str) -> None:
        release = releases.get_locked(world.with_session(session).ctx, actor=DEV, release_id=release_id)
        release.progress_json = {**(release.progress_json or {}), name: 1}

    def note_and_commit() -> None:
        with session_factory() as session:
            note(session, "second")
            session.commit()

    with session_factory() as session:
        release = releases.get_locked(world.with_session(session).ctx, actor=DEV, release_id=release_id)
        other = Thread(target=note_and_commit)
        other.start()
        # It is through before the end of this, unless it has to wait for us.
        other.join(1)
        release.progress_json = {"first": 1}
        session.commit()
    other.join(60)

    with session_factory() as session:
        release = releases.get(world.with_session(session).ctx, actor=DEV, release_id=release_id)
        assert release.progress_json == {"first": 1, "second": 1}
