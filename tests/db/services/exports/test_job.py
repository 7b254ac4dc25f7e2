"""A bundle is made once, by whichever server, or fails with a reason; nothing is left behind."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.domain.bundle.export_request import ExportRequest
from airflow_release_plugin.domain.identity import SYSTEM, Actor
from airflow_release_plugin.domain.states import ExportState
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.models import FileChunk
from airflow_release_plugin.services.exports import exports, job
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.claims import LEASE, MAX_ATTEMPTS, claim_next
from airflow_release_plugin.services.runtime.context import Context
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, World, make_world, steps_of
from tests.harness.exports import ask, content_of, with_transfers
from tests.harness.full_disk import largest_file

pytestmark = pytest.mark.req("R50", "R51")


@pytest.fixture
def world(world: World, tmp_path: Path) -> World:
    world = with_transfers(world, tmp_path)
    world.released(world.dag("etl"), world.dag("report"))
    return world


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Path:
    """Where files grow before they go into the database; the server of that has its own place already."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def leftovers(world: World) -> list[str]:
    """What is left on the disk, and what is in the database of files."""
    pieces = world.ctx.session.scalars(select(FileChunk.transfer_id)).all()
    return [*(path.name for path in Path(tempfile.gettempdir()).rglob("*")), *map(str, pieces)]


def test_a_server_that_comes_back_too_late_spoils_nothing(world: World, clock: FrozenClock) -> None:
    row = ask(world, "etl")
    late = claim_next(steps_of(world), job._claim_next)
    assert late is not None
    clock.advance(seconds=LEASE.total_seconds() + 1)
    job.run_once(work=steps_of(world))
    sha256 = row.file_sha256

    assert not job.make(replace(late), work=steps_of(world))

    assert (row.state, row.file_sha256) == (ExportState.READY, sha256)


def test_an_export_that_servers_die_over_is_given_up(world: World, clock: FrozenClock) -> None:
    row = ask(world, "etl")
    for _ in range(MAX_ATTEMPTS):
        assert claim_next(steps_of(world), job._claim_next) is not None
        clock.advance(seconds=LEASE.total_seconds() + 1)

    job.run_once(work=steps_of(world))

    assert row.state is ExportState.ERRORED
    assert "stopped each time" in row.error
    assert "retry it" in row.error


@pytest.mark.req("R89")
@pytest.mark.parametrize("way", ["servers died over it", "the disk was full", "it broke inside"])
def test_an_export_that_errored_is_made_when_it_is_retried(
    world: World, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    row = ask(world, "etl")
    with monkeypatch.context() as patches:
        if way == "servers died over it":
            for _ in range(MAX_ATTEMPTS):
                claim_next(steps_of(world), job._claim_next)
                clock.advance(seconds=LEASE.total_seconds() + 1)
        else:
            error = OSError(errno.ENOSPC, "full") if way == "the disk was full" else ValueError("broken")

            def refuse(*_: Any) -> None:
                raise error

            patches.setattr("airflow_release_plugin.durable.os.fsync", refuse)
        job.run_once(work=steps_of(world))
    assert row.state is ExportState.ERRORED

    exports.retry(world.ctx, actor=DEV, export_id=row.id)
    with pytest.raises(ConflictError, match="only errored ones are retried"):
        exports.retry(world.ctx, actor=DEV, export_id=row.id)
    job.run_once(work=steps_of(world))

    assert (row.state, row.error) == (ExportState.READY, "")


def test_a_server_that_stops_gives_the_export_back(world: World) -> None:
    row = ask(world, "etl")
    claim = claim_next(steps_of(world), job._claim_next)
    assert claim is not None
    stop = Event()
    stop.set()

    job.make(claim, work=steps_of(world), stop=stop)

    assert row.state is ExportState.QUEUED
    assert [name for name in leftovers(world) if name.endswith(".partial")] == []


def test_a_bundle_that_nobody_wants_any_more_is_not_finished(world: World) -> None:
    row = ask(world, "etl")
    claim = claim_next(steps_of(world), job._claim_next)
    assert claim is not None
    exports.discard(world.ctx, actor=DEV, export_id=row.id)

    assert not job.make(claim, work=steps_of(world))
    job.run_once(work=steps_of(world))

    assert row.state is ExportState.FAILED
    assert leftovers(world) == []


@pytest.mark.parametrize("limit", [0, 100, 2000])
def test_a_disk_that_is_full_fails_the_export_and_leaves_nothing(world: World, limit: int) -> None:
    row = ask(world, "etl", "report")
    claim = claim_next(steps_of(world), job._claim_next)
    assert claim is not None

    with largest_file(limit):
        job.make(claim, work=steps_of(world))

    assert row.state is ExportState.ERRORED
    assert "cannot be written" in row.error
    assert leftovers(world) == []


def test_no_room_left_is_said_in_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ask(world, "etl")

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("airflow_release_plugin.durable.os.fsync", refuse)
    job.run_once(work=steps_of(world))

    assert "No space left on device" in row.error
    assert leftovers(world) == []


def test_a_folder_that_cannot_be_made_fails_the_export(world: World, scratch: Path) -> None:
    row = ask(world, "etl")
    scratch.rmdir()
    scratch.write_text("in the way")

    job.run_once(work=steps_of(world))

    assert row.state is ExportState.ERRORED
    assert str(scratch) in row.error


def test_a_dag_that_has_changed_its_ids_since_is_not_exported(world: World) -> None:
    world.dag("draft")
    row = exports.request(
        world.ctx,
        actor=DEV,
        export_request=ExportRequest(names=("draft",), origin=exports.ExportOrigin.SOURCE),
    )
    world.write("draft.py", 'from airflow.sdk import DAG\nwith DAG(dag_id="somebody_elses"):\n    pass\n')

    job.run_once(work=steps_of(world))

    assert row.state is ExportState.FAILED
    assert "other Dags" in row.error


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_servers_that_look_at_once_make_it_once(
    session_factory: sessionmaker[Session], tmp_path: Path, clock: FrozenClock
) -> None:
    with session_factory() as session:
        world = with_transfers(make_world(session, tmp_path / "source", clock), tmp_path)
        world.released(world.dag("etl"))
        for _ in range(3):
            ask(world, "etl")
        session.commit()

    with ThreadPoolExecutor(4) as pool:
        rounds = list(pool.map(lambda _: job.run_once(work=own_steps(world, session_factory)), range(4)))
    while left := job.run_once(work=own_steps(world, session_factory)):
        rounds.append(left)

    with session_factory() as session:
        fresh = world.with_session(session)
        rows = exports.list_exports(fresh.ctx, actor=ADMIN).items
        assert [row.state for row in rows] == [ExportState.READY] * 3
        assert [row.report["attempt"] for row in rows] == [1, 1, 1]
        assert sum(rounds) == 3
        assert [len(content_of(fresh, row)[1]) for row in rows] == [1, 1, 1]


def own_steps(world: World, factory: Callable[[], Session]) -> Work:
    """Every step in a transaction of its own, as at a server."""
    from sqlalchemy.exc import IntegrityError, OperationalError
    from sqlalchemy.orm.exc import StaleDataError

    @contextmanager
    def step() -> Iterator[tuple[Context, Actor]]:
        try:
            with factory() as session, session.begin():
                yield world.with_session(session).ctx, SYSTEM
        except (StaleDataError, IntegrityError, OperationalError) as error:
            raise ConflictError("Somebody else was faster.") from error

    return step
