"""What only the store in a database promises: one transaction, few statements, nothing that lies."""

from __future__ import annotations

import threading
import zlib
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry, TreeChange, blob_id
from airflow_release_plugin.exceptions import NotFoundError, StoreConflictError, StoreUnavailableError
from airflow_release_plugin.models import StoredObject
from airflow_release_plugin.store import database
from airflow_release_plugin.store.base import CommitMessage, environment_ref
from airflow_release_plugin.store.database import database_store
from airflow_release_plugin.store.release_store import ReleaseStore
from tests.conftest import BACKENDS
from tests.harness.databases import counted

pytestmark = pytest.mark.req("R85")
NOON = datetime(2026, 9, 21, 12, 0, 0, tzinfo=timezone.utc)
PROD = environment_ref("prod")


@pytest.fixture(params=BACKENDS)
def db_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was read in this process yet."""
    monkeypatch.setattr(database, "_CACHES", type(database._CACHES)())


def commit(store: ReleaseStore, files: dict[str, bytes], parent: str | None = None) -> str:
    written = store.write_files({path: (REGULAR, data) for path, data in files.items()})
    changes = [TreeChange(entry.path, entry) for entry in written]
    return store.commit(parent=parent, changes=changes, message=CommitMessage("t"), author="a", time=NOON)


def release(factory: sessionmaker[Session], files: dict[str, bytes], parent: str | None = None) -> str:
    """Commit files and move the branch, in a transaction of its own."""
    with factory.begin() as session:
        store = database_store(session)
        tip = commit(store, files, parent)
        store.move_ref(PROD, expected=parent, new=tip)
        return tip


def many(count: int, text: str = "") -> dict[str, bytes]:
    return {f"team{n % 7}/jobs/d{n}.py": f"{text}{n}".encode() for n in range(count)}


def queries(engine: Engine, factory: sessionmaker[Session], deed: str, tip: str) -> int:
    database._CACHES.clear()
    with counted(engine) as statements, factory.begin() as session:
        store = database_store(session)
        if deed == "manifest":
            assert store.files(tip)
        elif deed == "bytes":
            assert list(store.read_all(entry.blob for entry in store.files(tip).values()))
        elif deed == "changes":
            assert store.changes(None, tip)
        else:
            new = commit(store, {"team3/jobs/d3.py": b"new"}, tip)
            store.move_ref(PROD, expected=tip, new=new)
    return len([line for line in statements if line != "BEGIN"])


@pytest.mark.parametrize(("deed", "most"), [("manifest", 5), ("bytes", 7), ("changes", 5), ("promotion", 7)])
def test_what_it_costs_does_not_grow_with_the_number_of_files(
    own_engine: Engine, session_factory: sessionmaker[Session], deed: str, most: int
) -> None:
    small = release(session_factory, many(20))
    few = queries(own_engine, session_factory, deed, small)
    with session_factory() as session:
        head = database_store(session).head("prod")
    large = release(session_factory, many(900, "x"), head)

    assert few <= most
    assert queries(own_engine, session_factory, deed, large) == few


def test_a_hundred_versions_are_written_in_one_statement(
    own_engine: Engine, session_factory: sessionmaker[Session]
) -> None:
    with counted(own_engine) as statements, session_factory.begin() as session:
        store = database_store(session)
        for number in range(100):
            commit(store, {"a.py": b"%d" % number, "lib.py": b""})

    sent = [line.split()[:3] for line in statements if line != "BEGIN"]
    assert sent == [["INSERT", "INTO", "release_object"]]


def test_what_was_rolled_back_is_not_there_for_anybody(session_factory: sessionmaker[Session]) -> None:
    with session_factory() as session:
        store = database_store(session)
        (entry,) = store.write_files({"a": (REGULAR, b"lost")})
        tip = commit(store, {"a": b"lost"})
        assert store.files(tip)
        session.rollback()
        for read in (lambda: store.read(entry.blob), lambda: store.files(tip)):
            with pytest.raises(NotFoundError):
                read()
    with session_factory() as session, pytest.raises(NotFoundError):
        database_store(session).read(blob_id(b"lost"))


def test_what_was_written_early_and_rolled_back_is_not_remembered(
    session_factory: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAITING_BYTES", 1)
    with session_factory() as session:
        store = database_store(session)
        tip = commit(store, {"d/a": b"lost"})
        assert store.read(blob_id(b"lost")) == b"lost"
        assert store.files(tip)
        session.rollback()

    with session_factory() as session:
        store = database_store(session)
        for read in (lambda: store.read(blob_id(b"lost")), lambda: store.files(tip)):
            with pytest.raises(NotFoundError):
                read()


def test_a_commit_is_refused_though_somebody_remembers_its_blob(
    session_factory: sessionmaker[Session],
) -> None:
    release(session_factory, {"a": b"1"})
    with session_factory.begin() as session:
        assert database_store(session).read(blob_id(b"1"))
        session.query(StoredObject).filter_by(id=blob_id(b"1")).delete()

    with session_factory() as session:
        store = database_store(session)
        assert store.read(blob_id(b"1")) == b"1"
        entry = FileEntry("b", REGULAR, blob_id(b"1"), 1)
        with pytest.raises(NotFoundError, match=blob_id(b"1")):
            store.commit(
                parent=None,
                changes=[TreeChange("b", entry)],
                message=CommitMessage("t"),
                author="a",
                time=NOON,
            )


def test_the_end_of_a_savepoint_loses_nothing_of_the_rest(session_factory: sessionmaker[Session]) -> None:
    with session_factory.begin() as session:
        store = database_store(session)
        before = commit(store, {"a": b"before"})
        with session.begin_nested():
            inside = commit(store, {"a": b"inside"})
        nested = session.begin_nested()
        commit(store, {"a": b"undone"})
        nested.rollback()
        store.move_ref(PROD, expected=None, new=before)

    with session_factory() as session:
        store = database_store(session)
        assert store.files(before)
        assert store.files(inside)


@pytest.mark.parametrize("harm", ["other bytes", "no zlib"])
def test_a_damaged_object_is_named_and_never_given_out(
    session_factory: sessionmaker[Session], harm: str
) -> None:
    tip = release(session_factory, {"a": b"1"})
    data = zlib.compress(b"evil") if harm == "other bytes" else b"evil"
    with session_factory.begin() as session:
        session.execute(update(StoredObject).where(StoredObject.id == blob_id(b"1")).values(data=data))

    with session_factory() as session:
        store = database_store(session)
        assert store.files(tip)
        with pytest.raises(StoreUnavailableError, match=f"{blob_id(b'1')}.*damaged"):
            store.read(blob_id(b"1"))


def test_what_is_written_again_counts_as_needed_again(session_factory: sessionmaker[Session]) -> None:
    def written(at: datetime) -> datetime:
        with session_factory.begin() as session:
            database_store(session, lambda: at).write_files({"a": (REGULAR, b"1")})
        with session_factory() as session:
            return session.get_one(StoredObject, blob_id(b"1")).written_at

    assert written(NOON) == NOON
    assert written(NOON + timedelta(minutes=59)) == NOON
    assert written(NOON + timedelta(hours=2)) == NOON + timedelta(hours=2)


def test_of_two_who_move_a_branch_one_is_told(session_factory: sessionmaker[Session]) -> None:
    first = release(session_factory, {"a": b"1"})
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def move(number: int) -> None:
        ready.wait()
        try:
            outcomes.append(release(session_factory, {"a": b"mine %d" % number}, first))
        except (StoreConflictError, OperationalError):  # SQLite lets one writer in
            outcomes.append("")

    threads = [threading.Thread(target=move, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with session_factory() as session:
        assert sorted(outcomes) == sorted(["", str(database_store(session).head("prod"))])


@pytest.mark.parametrize("db_backend", ["postgresql"])
def test_transactions_that_write_the_same_never_wait_in_a_circle(
    session_factory: sessionmaker[Session], own_engine: Engine
) -> None:
    """Each has stored what the other is about to store, in the other order, before either ends."""
    ready = threading.Barrier(2)
    errors: list[BaseException] = []

    def write(names: list[str]) -> None:
        try:
            with session_factory.begin() as session:
                store = database_store(session)
                for name in names:
                    store.write_files({name: (REGULAR, name.encode())})
                    ready.wait(30)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(names,)) for names in (["a", "b"], ["b", "a"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []


def test_a_store_reads_history_in_one_query(
    own_engine: Engine, session_factory: sessionmaker[Session]
) -> None:
    tips: list[str] = []
    for number in range(30):
        tips.append(release(session_factory, {"a": b"%d" % number}, tips[-1] if tips else None))
    database._CACHES.clear()

    with session_factory() as session, counted(own_engine) as statements:
        history = database_store(session).history(tips[-1])

    assert [facts.id for facts in history] == tips[::-1]
    assert len([line for line in statements if line != "BEGIN"]) == 1
