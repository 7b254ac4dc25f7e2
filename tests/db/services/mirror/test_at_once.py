"""Several servers at once, and promotions while a push is under way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from time import sleep

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from airflow_release_plugin.domain.git_access import GitAccess
from airflow_release_plugin.domain.identity import SYSTEM, Actor
from airflow_release_plugin.domain.release.mirror import MirrorState
from airflow_release_plugin.exceptions import ConflictError, UnavailableError
from airflow_release_plugin.services.mirror import pushing, standing
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.context import Context
from tests.conftest import BACKENDS
from tests.db.services.mirror.conftest import PROD, refs_at, with_mirror
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, World, make_world
from tests.harness.git_server import LOGIN, TOKEN, GitServer

pytestmark = [pytest.mark.req("R87"), pytest.mark.parametrize("db_backend", BACKENDS)]


@pytest.fixture
def world(
    session_factory: sessionmaker[Session], tmp_path: Path, clock: FrozenClock, server: GitServer
) -> Iterator[World]:
    """An installation with a mirror, in a database of its own."""
    with session_factory() as session:
        world = make_world(session, tmp_path / "source", clock)
        yield with_mirror(world, server.url, GitAccess(login=LOGIN, password=TOKEN))


@pytest.fixture
def work(world: World, session_factory: sessionmaker[Session]) -> Work:
    """Transactions as servers have them."""

    @contextmanager
    def transaction() -> Iterator[tuple[Context, Actor]]:
        try:
            with session_factory() as session:
                yield world.with_session(session).ctx, SYSTEM
                session.commit()
        except (StaleDataError, IntegrityError) as error:
            raise ConflictError("too late") from error
        except OperationalError as error:
            raise UnavailableError("busy") from error

    return transaction


def state(work: Work) -> tuple[MirrorState, str]:
    with work() as (ctx, _):
        found = standing.require_status(ctx, actor=ADMIN, name="prod")
        return found.state, found.problem


def test_two_servers_that_look_at_once_push_once(world: World, work: Work, server: GitServer) -> None:
    for number in range(5):
        world.released(world.dag(f"dag_{number}"))
    world.ctx.session.commit()
    together = Barrier(2)

    def look(name: str) -> bool:
        together.wait()
        return pushing.run_once(work=work, by=name) is not None

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(look, ("one", "another")))

    assert done.count(True) == 1
    assert sum(request.startswith("POST") for request in server.requests) == 1
    assert state(work) == (MirrorState.UP_TO_DATE, "")
    assert refs_at(server.repository)[PROD] == world.head


def test_two_that_push_the_same_at_once_do_no_harm(world: World, work: Work, server: GitServer) -> None:
    """The lease of one has lapsed, say since its clock is wrong."""
    world.released(world.dag("etl"))
    world.ctx.session.commit()
    with work() as (ctx, _):
        job = pushing._due(ctx, "one", is_asked=False)[0]
    assert isinstance(job, pushing.Push)
    outcomes = []
    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(lambda name: pushing._attempt(job, work, name), ("one", "another")))
    for outcome in outcomes:
        with work() as (ctx, _):
            standing.note(ctx, outcome, actor=SYSTEM)
    world.ctx.clock.advance(minutes=1)  # type: ignore[attr-defined]
    pushing.run_once(work=work, by="one")

    assert state(work) == (MirrorState.UP_TO_DATE, "")
    assert refs_at(server.repository)[PROD] == world.head


def test_a_promotion_goes_through_while_a_push_hangs_and_comes_with_the_next(
    world: World, work: Work, server: GitServer, tmp_path: Path
) -> None:
    world.released(world.dag("etl"))
    first = str(world.head)
    world.ctx.session.commit()
    hook = server.repository / "hooks" / "pre-receive"
    hook.write_text(
        f'#!/bin/sh\ntouch "{tmp_path}/began"\nwhile [ ! -e "{tmp_path}/go" ]; do sleep 0.02; done\n'
    )
    hook.chmod(0o755)
    with ThreadPoolExecutor(1) as threads:
        pushed = threads.submit(pushing.run_once, work=work)
        while not (tmp_path / "began").exists():
            sleep(0.02)
        world.released(world.dag("etl", "x = 2"))
        world.ctx.session.commit()
        assert not pushed.done()
        (tmp_path / "go").touch()
        assert pushed.result() is not None

    assert refs_at(server.repository)[PROD] == first
    assert state(work) == (MirrorState.BEHIND, "")
    pushing.run_once(work=work)
    assert refs_at(server.repository)[PROD] == world.head
    assert state(work) == (MirrorState.UP_TO_DATE, "")
