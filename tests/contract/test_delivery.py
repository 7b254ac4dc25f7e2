"""Versions over HTTP: the real application, a real network in between, and what a bad one does to them."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from pathlib import Path

import httpx
import pytest
from airflow.sdk.exceptions import AirflowException
from sqlalchemy import select

from airflow_release_plugin.bundles.http_versions import HttpVersions
from airflow_release_plugin.bundles.keeper import BundleKeeper
from airflow_release_plugin.bundles.release import ReleaseDagBundle
from airflow_release_plugin.client.retry import Backoff
from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.domain.release.machines import MachineSign
from airflow_release_plugin.domain.tree.files import REGULAR, TreeChange, blob_id
from airflow_release_plugin.exceptions import (
    NotAllowedError,
    NotAuthenticatedError,
    NotFoundError,
    UnavailableError,
)
from airflow_release_plugin.models import Follower
from airflow_release_plugin.store.base import CommitMessage, environment_ref, submission_ref
from airflow_release_plugin.store.database import database_store
from airflow_release_plugin.store.serving import ServedTrees
from tests.contract.test_client import url
from tests.db.api.conftest import WARNINGS, empty_world, manager, world
from tests.db.api.world import SERVICE, World
from tests.harness.faulty_relay import Answer, Relay, relay_to
from tests.harness.repetitions import repeat_quickly

__all__ = ["empty_world", "manager", "url", "world"]

pytestmark = [pytest.mark.req("R86"), *(pytest.mark.filterwarnings(warning) for warning in WARNINGS)]
QUICK = Backoff(first=0.01, cap=0.02, total=0.3)
CONN = "airflow_release_default"


def stored(world: World, ref: str, files: dict[str, bytes]) -> str:
    """Commit files on top of what a ref is at, and move it there."""
    with world.session() as session:
        store = database_store(session)
        before = store.ref(ref)
        entries = store.write_files({path: (REGULAR, data) for path, data in files.items()})
        commit = store.commit(
            parent=before,
            changes=[TreeChange(entry.path, entry) for entry in entries],
            message=CommitMessage("a change"),
            author="ann",
            time=datetime(2026, 3, 2, 9, tzinfo=timezone.utc),
        )
        store.move_ref(ref, expected=before, new=commit)
        session.commit()
    return commit


def store_release(world: World, files: dict[str, bytes]) -> str:
    return stored(world, environment_ref("prod"), files)


def store_submission(world: World, files: dict[str, bytes]) -> str:
    return stored(world, submission_ref("etl", 1), files)


@pytest.fixture
def relay(url: str) -> Iterator[Relay]:
    with relay_to(url) as relay:
        yield relay


@pytest.fixture
def released(world: World) -> str:
    """The version that prod is at."""
    files = {"etl.py": b"print('etl')\n", "lib/tool.py": b"x = 1\n", "lib/big.bin": bytes(50_000)}
    return store_release(world, files)


def versions(world: World, address: str, name: str = SERVICE) -> HttpVersions:
    return HttpVersions(ClientSettings(address, password=world.token(name)), conn_id=CONN, backoff=QUICK)


def fetched(source: HttpVersions, commit: str) -> dict[str, bytes]:
    files = source.files(commit)
    contents = dict(source.read_all(commit, [file.blob for file in files.values()]))
    return {path: contents[file.blob] for path, file in files.items()}


def test_a_version_arrives_as_it_was_released(world: World, url: str, released: str) -> None:
    source = versions(world, url)

    assert source.head("prod") == released
    assert fetched(source, released)["etl.py"] == b"print('etl')\n"


def test_a_machine_that_follows_is_written_down_with_what_it_serves(
    world: World, url: str, released: str
) -> None:
    source = versions(world, url)

    for serves in ("", released):
        assert source.head("prod", MachineSign("worker-1", serves, 60)) == released

    with world.session() as session:
        (row,) = session.scalars(select(Follower)).all()
    assert (row.environment, row.host, row.serves, row.pause) == ("prod", "worker-1", released, 60)


def test_only_what_is_lacking_is_asked_for(world: World, relay: Relay, released: str) -> None:
    source = versions(world, relay.url)
    tool = source.files(released)["lib/tool.py"].blob

    assert dict(source.read_all(released, [tool])) == {tool: b"x = 1\n"}
    assert len(relay.asked("/blobs")) == 1


def test_answers_never_change_and_say_so(world: World, url: str, released: str) -> None:
    headers = {"Authorization": f"Bearer {world.token(SERVICE)}"}
    address = f"{url}/release/api/v1/versions/{released}"
    first = httpx.get(address, headers=headers)
    again = httpx.get(address, headers={**headers, "If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert "immutable" in first.headers["cache-control"]
    assert "private" in first.headers["cache-control"]
    assert first.headers["content-encoding"] == "gzip"
    blobs = httpx.get(f"{address}/blobs", headers=headers)
    assert "immutable" in blobs.headers["cache-control"]


@pytest.mark.parametrize("name", ["author", "reviewer"])
def test_people_are_not_served(world: World, url: str, released: str, name: str) -> None:
    with pytest.raises(NotAllowedError, match="service_users"):
        versions(world, url, name).files(released)


def test_nobody_is_served_without_a_login(url: str, released: str) -> None:
    source = HttpVersions(ClientSettings(url, password="no token"), conn_id=CONN, backoff=QUICK)

    with pytest.raises(NotAuthenticatedError):
        source.files(released)


@pytest.mark.parametrize("which", ["submission", "unknown", "blob"])
def test_what_was_never_released_goes_to_nobody(world: World, url: str, released: str, which: str) -> None:
    submitted = store_submission(world, {"etl.py": b"print('not approved')\n"})
    commit = {"submission": submitted, "unknown": "a" * 40, "blob": blob_id(b"print('etl')\n")}[which]

    with pytest.raises(NotFoundError, match="never released"):
        versions(world, url).files(commit)


def test_what_was_released_once_is_still_served(world: World, url: str, released: str) -> None:
    store_release(world, {"etl.py": b"print('newer')\n"})

    assert fetched(versions(world, url), released)["etl.py"] == b"print('etl')\n"


def cut(_: str, answer: Answer) -> None:
    answer.cut_after = len(answer.body) // 2


def truncated(_: str, answer: Answer) -> None:
    answer.body = answer.body[: len(answer.body) // 2]


def doubled(_: str, answer: Answer) -> None:
    answer.body = answer.body[:-24] + answer.body


def flipped(_: str, answer: Answer) -> None:
    middle = len(answer.body) // 2
    answer.body = answer.body[:middle] + bytes([answer.body[middle] ^ 1]) + answer.body[middle + 1 :]


def bad_gateway(_: str, answer: Answer) -> None:
    answer.status, answer.body = 502, b"<html>bad gateway</html>"
    answer.headers = []


def expired(_: str, answer: Answer) -> None:
    answer.status, answer.body, answer.headers = 503, b"", []


def compressed(path: str, answer: Answer) -> None:
    if not any(name.lower() == "content-encoding" for name, _ in answer.headers):
        answer.body = gzip.compress(answer.body)
        answer.headers.append(("content-encoding", "gzip"))


FAULTS = [cut, truncated, doubled, flipped, bad_gateway, expired]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", [0, 1])
def test_an_answer_that_broke_on_the_way_is_asked_for_again(
    world: World, relay: Relay, released: str, fault: Callable[[str, Answer], None], at: int
) -> None:
    relay.faults = [*[lambda *_: None] * at, fault]

    assert fetched(versions(world, relay.url), released)["lib/tool.py"] == b"x = 1\n"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_network_that_stays_broken_is_named_with_host_and_connection(
    world: World, relay: Relay, released: str, fault: Callable[[str, Answer], None]
) -> None:
    relay.faults = [fault] * 1000

    with pytest.raises(UnavailableError) as caught:
        versions(world, relay.url).files(released)

    assert all(word in caught.value.message for word in (socket.gethostname(), relay.url, CONN, released))


def test_a_proxy_may_compress_what_nobody_asked_it_to(world: World, relay: Relay, released: str) -> None:
    relay.faults = [compressed] * 2

    assert fetched(versions(world, relay.url), released)["lib/tool.py"] == b"x = 1\n"
    assert relay.faults == []


def test_what_came_before_the_loss_is_not_asked_for_again(world: World, relay: Relay) -> None:
    data = {f"part_{number}.bin": bytes([number]) * 30_000 for number in range(40)}
    commit = store_release(world, data)
    source = versions(world, relay.url)
    source.files(commit)
    relay.faults = [cut]

    got = dict(source.read_all(commit, [file.blob for file in source.files(commit).values()]))

    assert len(got) == 40
    first, second = relay.asked("/blobs")
    assert len(second) < len(first) or first.split("ranges=")[1] != second.split("ranges=")[1]


def test_a_server_without_the_product_is_named(world: World, relay: Relay, released: str) -> None:
    def missing(_: str, answer: Answer) -> None:
        answer.status, answer.body, answer.headers = 404, b'{"detail": "Not Found"}', []

    relay.faults = [missing]
    with pytest.raises(NotFoundError, match="older version"):
        versions(world, relay.url).files(released)


class TestBundle:
    @pytest.fixture(autouse=True)
    def task_side(self, world: World, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """This process is a task's on another machine: it has a connection and no database."""
        token = world.token(SERVICE)
        monkeypatch.setattr("airflow_release_plugin.bundles.keeper._has_no_database", lambda: True)
        monkeypatch.setattr(
            "airflow_release_plugin.hooks.release.ReleaseHook.settings",
            lambda self: ClientSettings(relay.url, password=token),
        )
        storage = tmp_path / "worker"
        monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(storage))
        return storage

    def test_a_task_gets_its_version(self, released: str) -> None:
        bundle = ReleaseDagBundle(name="prod", version=released)
        bundle.initialize()

        assert (bundle.path / "lib/tool.py").read_bytes() == b"x = 1\n"

    def test_the_next_task_asks_nobody(self, relay: Relay, released: str) -> None:
        ReleaseDagBundle(name="prod", version=released).initialize()
        relay.paths.clear()
        ReleaseDagBundle(name="prod", version=released).initialize()

        assert relay.paths == []

    def test_many_tasks_at_once_fetch_once(self, relay: Relay, released: str) -> None:
        barrier = threading.Barrier(50)

        def start(_: int) -> bytes:
            bundle = ReleaseDagBundle(name="prod", version=released)
            barrier.wait(60)
            bundle.initialize()
            return (bundle.path / "etl.py").read_bytes()

        with ThreadPoolExecutor(50) as pool:
            assert set(pool.map(start, range(50))) == {b"print('etl')\n"}
        assert len(relay.asked("/blobs")) == 1

    def test_who_waited_for_one_that_failed_fails_with_it(
        self, relay: Relay, released: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repeat_quickly(monkeypatch)
        all_here, tried = threading.Barrier(20), []
        take_lock, place = ServedTrees.locked, BundleKeeper._place

        def locked(trees: ServedTrees) -> AbstractContextManager[None]:
            all_here.wait(60)
            return take_lock(trees)

        def counted(keeper: BundleKeeper, version: str) -> None:
            tried.append(version)
            place(keeper, version)

        monkeypatch.setattr(ServedTrees, "locked", locked)
        monkeypatch.setattr(BundleKeeper, "_place", counted)
        relay.faults = [bad_gateway] * 1000

        def start(_: int) -> str:
            with pytest.raises(AirflowException) as caught:
                ReleaseDagBundle(name="prod", version=released).initialize()
            return str(caught.value)

        with ThreadPoolExecutor(20) as pool:
            told = list(pool.map(start, range(20)))

        assert tried == [released]
        assert all("502" in reason for reason in told)

    def test_a_later_version_costs_only_what_is_new(self, world: World, relay: Relay, released: str) -> None:
        ReleaseDagBundle(name="prod", version=released).initialize()
        newer = store_release(world, {"etl.py": b"print('newer')\n"})
        relay.paths.clear()
        bundle = ReleaseDagBundle(name="prod", version=newer)
        bundle.initialize()

        assert (bundle.path / "etl.py").read_bytes() == b"print('newer')\n"
        (asked,) = relay.asked("/blobs")
        assert "-" not in asked.split("ranges=")[1]
        assert "," not in asked.split("ranges=")[1]

    def test_a_version_that_is_not_on_the_branch_is_not_made(
        self, world: World, task_side: Path, released: str
    ) -> None:
        commit = store_submission(world, {"etl.py": b"print('not approved')\n"})
        bundle = ReleaseDagBundle(name="prod", version=commit)

        with pytest.raises(AirflowException, match="never released"):
            bundle.initialize()
        assert not bundle.path.exists()

    def test_without_the_server_what_is_there_is_served(
        self,
        relay: Relay,
        released: str,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        ReleaseDagBundle(name="prod").initialize()
        relay.faults = [bad_gateway] * 1000
        bundle = ReleaseDagBundle(name="prod")
        (bundle.base_dir / "followed").unlink()
        repeat_quickly(monkeypatch)
        bundle.initialize()

        assert (bundle.path / "etl.py").read_bytes() == b"print('etl')\n"
        assert f"goes on serving {released}" in caplog.text
