"""Content goes when nothing needs it any more, and never before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.domain.tree.files import blob_id
from airflow_release_plugin.exceptions import ConflictError, StoreUnavailableError
from airflow_release_plugin.models import (
    Environment,
    Release,
    Report,
    Snapshot,
    StoredObject,
    StoredRef,
    Submission,
)
from airflow_release_plugin.repositories import old_snapshots, reachable
from airflow_release_plugin.services.retention import cleaning
from airflow_release_plugin.services.submissions import submissions
from airflow_release_plugin.store import database
from airflow_release_plugin.store.base import environment_ref
from airflow_release_plugin.store.database import database_store
from airflow_release_plugin.store.objects import GitObject, ObjectKind
from tests.harness.clock import FrozenClock
from tests.harness.context import DEV, World, make_world, steps_of
from tests.harness.retention import clean, cleaned
from tests.harness.serving import Serve

pytestmark = pytest.mark.req("R93")


@pytest.fixture(params=["sqlite", "postgresql"])
def db_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was read in this process yet."""
    monkeypatch.setattr(database, "_CACHES", type(database._CACHES)())


def objects(world: World) -> set[str]:
    world.ctx.session.commit()
    return set(world.ctx.session.scalars(select(StoredObject.id)))


def is_there(world: World, text: str) -> bool:
    return blob_id(text.encode()) in objects(world)


def removed(world: World, beside: str = "notes") -> Submission:
    """A version that was taken off the list, with a file beside it that only its snapshot has."""
    world.write("notes.txt", beside)
    version = world.submit(world.dag("etl"))
    submissions.remove(world.ctx, actor=DEV, submission_id=version.id)
    return version


def test_what_only_a_snapshot_had_goes_a_day_after_it(world: World, clock: FrozenClock) -> None:
    removed(world)
    clock.advance(days=31)
    assert clean(world, "content") == {}
    assert is_there(world, "notes")
    clock.advance(hours=25)

    (expected,) = [each for each in cleaned(world, dry_run=True) if each.kind == "content"]
    assert is_there(world, "notes")
    (content,) = [each for each in cleaned(world) if each.kind == "content"]

    assert content == expected
    assert content.count == 3  # the file, the tree of the snapshot and its commit
    assert content.freed is not None
    assert content.freed > 0
    assert not is_there(world, "notes")
    assert clean(world) == {}


def test_versions_stay_whole_without_their_snapshot(world: World, clock: FrozenClock) -> None:
    version = removed(world)
    for _ in range(3):
        clock.advance(days=31)
        clean(world)

    files = world.store.files(version.commit_id)

    assert list(files) == ["etl.py"]
    assert "DAG" in world.store.read(files["etl.py"].blob).decode()


def test_what_the_target_was_once_can_still_be_served_to_a_run(
    world: World, clock: FrozenClock, serve: Serve
) -> None:
    world.released(world.dag("etl", lines="first = 1"))
    pinned = str(world.head)
    world.released(world.dag("etl", lines="second = 2"))
    world.ctx.session.commit()
    # As if the branch, and all that tells of releases, had been lost
    heads = [environment_ref("prod"), "refs/tags/R-000001", "refs/tags/R-000002"]
    world.ctx.session.execute(delete(StoredRef).where(StoredRef.name.in_(heads)))
    world.ctx.session.execute(update(Release).values(base_commit=None, target_commit=None))
    world.ctx.session.execute(update(Report).values(base_commit=None))
    world.ctx.session.execute(update(Environment).values(recorded_commit=None))
    clock.advance(days=4000)

    clean(world)
    clean(world)

    assert (serve(pinned).path / "etl.py").read_text().count("first = 1") == 1


def test_what_an_open_release_brings_stays(world: World, clock: FrozenClock) -> None:
    release = world.approved(world.dag("etl"))
    clock.advance(days=4000)
    clean(world)
    clean(world)
    (change,) = release.changes
    assert change.entry is not None
    assert change.entry.blob in objects(world)


def test_what_a_request_left_that_came_to_nothing_goes_after_a_day(world: World, clock: FrozenClock) -> None:
    world.store.objects.add([GitObject(ObjectKind.BLOB, b"left")])
    world.ctx.session.commit()
    clock.advance(hours=23)
    assert clean(world, "content") == {}
    clock.advance(hours=2)

    assert clean(world, "content") == {"content": 1}


def test_where_something_is_missing_nothing_goes(world: World, clock: FrozenClock) -> None:
    version = world.submit(world.dag("etl"))
    world.store.objects.add([GitObject(ObjectKind.BLOB, b"left")])
    world.ctx.session.commit()
    world.ctx.session.execute(delete(StoredObject).where(StoredObject.id == version.commit_id))
    clock.advance(days=2)

    with pytest.raises(StoreUnavailableError, match="no content was removed"):
        clean(world)

    assert is_there(world, "left")


def test_the_store_stays_the_same_size_however_often_the_source_changes(
    world: World, clock: FrozenClock
) -> None:
    sizes = []
    for number in range(6):
        removed(world, beside=f"notes {number}")
        clock.advance(days=20)
        clean(world)
        world.ctx.session.commit()
        count = select(func.count()).select_from(Snapshot)
        sizes.append(world.ctx.session.scalar(count))

    assert sizes == [1] * 6
    assert [number for number in range(6) if is_there(world, f"notes {number}")] == [4, 5]


class TestAtTheSameMoment:
    """A submission counts on content that is about to go."""

    @pytest.fixture
    def world(
        self, session_factory: sessionmaker[Session], tmp_path: Path, clock: FrozenClock
    ) -> Iterator[World]:
        with session_factory() as session:
            world = make_world(session, tmp_path / "source", clock)
            yield world.with_store(database_store(session, clock))

    def counting(self, world: World, session: Session, clock: FrozenClock) -> World:
        return replace(world, ctx=replace(world.ctx, session=session, store=database_store(session, clock)))

    def test_it_marks_what_it_needs_and_that_stays(
        self, world: World, session_factory: sessionmaker[Session], clock: FrozenClock
    ) -> None:
        blob = GitObject(ObjectKind.BLOB, b"left")
        world.store.objects.add([blob])
        world.ctx.session.commit()
        clock.advance(days=2)
        before = clock() - cleaning.GRACE
        with session_factory() as session:
            other = self.counting(world, session, clock)
            assert other.store.objects.count_on([blob.id], ObjectKind.BLOB) == {blob.id}
            session.commit()

        removed_now = reachable.remove(world.ctx.session, [blob.id], before)

        assert removed_now == (0, 0)

    def test_it_fails_as_a_whole_where_that_was_faster(
        self, world: World, session_factory: sessionmaker[Session], clock: FrozenClock
    ) -> None:
        blob = GitObject(ObjectKind.BLOB, b"left")
        world.store.objects.add([blob])
        world.ctx.session.commit()
        clock.advance(days=2)
        with session_factory() as session:
            other = self.counting(world, session, clock)
            other.store.objects.count_on([blob.id], ObjectKind.BLOB)
            if session.get_bind().dialect.name == "sqlite":
                session.rollback()  # one writer: it would have been told that the database is busy
                other.store.objects.count_on([blob.id], ObjectKind.BLOB)
            cleaning.clean(actor=SYSTEM, work=steps_of(world))
            world.ctx.session.commit()

            with pytest.raises(ConflictError, match="do it again"):
                session.commit()

    @pytest.mark.parametrize("db_backend", ["postgresql"])  # SQLite has one writer
    def test_a_snapshot_that_somebody_notes_just_now_is_passed_over(
        self, world: World, session_factory: sessionmaker[Session], clock: FrozenClock
    ) -> None:
        removed(world)
        world.ctx.session.commit()
        clock.advance(days=31)
        with session_factory() as session:
            other = self.counting(world, session, clock)
            again = other.submit("etl.py")
            session.flush()

            gone = old_snapshots.remove(world.ctx.session, clock() - timedelta(days=30), 500, clock())
            world.ctx.session.commit()
            session.commit()

            assert gone == 0
            assert again.snapshot_id in set(session.scalars(select(Snapshot.id)))
