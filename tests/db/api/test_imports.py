"""Imports over REST: a file in parts, whatever happens on the way."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, event

from airflow_release_plugin.models.file_chunk import TransferKind
from airflow_release_plugin.repositories import file_chunks
from airflow_release_plugin.schemas.imports import MAX_PART
from airflow_release_plugin.services.imports import job
from airflow_release_plugin.store import database
from airflow_release_plugin.transfer.keys import KeyFolder
from tests.db.api.world import World, error_of, ok
from tests.harness.bundles import CONTENT, OTHER_KEY, bundle_files, manifest_of
from tests.harness.full_disk import largest_file
from tests.harness.preflights import unit
from tests.harness.process_kill import refs

pytestmark = pytest.mark.req("R53", "R57", "R58")


@pytest.fixture
def data(empty_world: World) -> bytes:
    """A bundle that is accepted here."""
    return empty_world.bundle()


def begin(world: World, data: bytes, **more: Any) -> Any:
    body = {"file_name": "orders.dagbundle", "file_size": len(data), **more}
    return ok(world.as_("admin").post("/imports", json=body))


def send(world: World, row: Any, data: bytes, first: int, last: int, total: int | None = None) -> Any:
    """Send bytes ``first`` to ``last``, both included."""
    headers = {"Content-Range": f"bytes {first}-{last}/{len(data) if total is None else total}"}
    return world.as_("admin").put(
        f"/imports/{row['id']}/content", content=data[first : last + 1], headers=headers
    )


def state(world: World, row: Any) -> Any:
    return ok(world.as_("admin").get(f"/imports/{row['id']}"))


def bytes_here(world: World, row: Any) -> int:
    with world.session() as session:
        return file_chunks.size(session, TransferKind.IMPORT, row["id"])


def test_a_file_comes_in_parts_and_is_looked_at_with_the_last(empty_world: World, data: bytes) -> None:
    row = begin(empty_world, data)

    first = ok(send(empty_world, row, data, 0, 99))
    last = ok(send(empty_world, row, data, 100, len(data) - 1))

    assert (first["state"], first["received"]) == ("uploading", 100)
    assert (last["state"], last["signer"], last["dag_ids"]) == ("uploaded", "plant A", ["etl"])
    assert last["file_sha256"] == hashlib.sha256(data).hexdigest()
    assert bytes_here(empty_world, row) == len(data)


def test_a_small_file_needs_no_range(empty_world: World, data: bytes) -> None:
    row = begin(empty_world, data)

    assert (
        ok(empty_world.as_("admin").put(f"/imports/{row['id']}/content", content=data))["state"] == "uploaded"
    )


def test_an_upload_that_broke_off_is_found_and_gone_on_with(empty_world: World, data: bytes) -> None:
    sha256 = hashlib.sha256(data).hexdigest()
    row = begin(empty_world, data, sha256=sha256)
    ok(send(empty_world, row, data, 0, 99))

    again = begin(empty_world, data, sha256=sha256)
    assert (again["id"], again["received"]) == (row["id"], 100)

    assert ok(send(empty_world, again, data, 100, len(data) - 1))["state"] == "uploaded"


def test_a_look_that_was_interrupted_is_taken_again(
    empty_world: World, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = begin(empty_world, data)
    (empty_world.folder / "keys").chmod(0o755)
    assert error_of(send(empty_world, row, data, 0, len(data) - 1)) == (503, "transfer_unavailable")
    assert state(empty_world, row)["received"] == len(data)
    (empty_world.folder / "keys").chmod(0o700)

    assert ok(empty_world.as_("admin").put(f"/imports/{row['id']}/content"))["state"] == "uploaded"


def test_a_part_at_a_wrong_place_is_told_the_right_one(empty_world: World, data: bytes) -> None:
    row = begin(empty_world, data)
    ok(send(empty_world, row, data, 0, 99))

    for first in (0, 50, 101):
        answer = send(empty_world, row, data, first, 150)
        assert error_of(answer) == (409, "conflict")
        assert answer.json()["context"] == {"received": 100}
    assert state(empty_world, row)["received"] == 100


def test_two_who_send_the_same_part_are_both_told_the_truth(empty_world: World, data: bytes) -> None:
    row = begin(empty_world, data)
    ok(send(empty_world, row, data, 0, 99))

    assert error_of(send(empty_world, row, data, 0, 99)) == (409, "conflict")
    assert ok(send(empty_world, row, data, 100, len(data) - 1))["state"] == "uploaded"


def test_a_file_that_grew_is_refused(empty_world: World, data: bytes) -> None:
    row = begin(empty_world, data)

    assert error_of(send(empty_world, row, data + b"x", 0, len(data))) == (422, "invalid_request")
    longer = send(empty_world, row, data + b"x", 0, len(data), total=len(data))
    assert error_of(longer) == (413, "too_large")
    assert (state(empty_world, row)["received"], bytes_here(empty_world, row)) == (0, 0)


def test_a_part_beyond_the_limit_is_refused(empty_world: World) -> None:
    row = begin(empty_world, b"x" * (MAX_PART + 1))

    answer = send(empty_world, row, b"x" * (MAX_PART + 1), 0, MAX_PART)

    assert (error_of(answer), answer.json()["context"]["limit"]) == ((413, "too_large"), MAX_PART)


@pytest.mark.parametrize(
    "content_range",
    [
        "bytes 0-9",
        "bytes 0-9/*",
        "bytes */10",
        "items 0-9/10",
        "bytes 9-0/10",
        "bytes 0-8/10",
        "x" * 1000,
        "bytes -1-9/10",
    ],
)
def test_a_range_that_says_something_else_is_refused(
    empty_world: World, data: bytes, content_range: str
) -> None:
    row = begin(empty_world, data)

    answer = empty_world.as_("admin").put(
        f"/imports/{row['id']}/content", content=data[:10], headers={"Content-Range": content_range}
    )

    assert error_of(answer) == (422, "invalid_request")
    assert state(empty_world, row)["received"] == 0


def test_a_body_of_unknown_length_is_refused(empty_world: World, data: bytes) -> None:
    row = begin(empty_world, data)

    answer = empty_world.as_("admin").put(f"/imports/{row['id']}/content", content=iter([data]))

    assert error_of(answer) == (422, "invalid_request")
    assert "Content-Length" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda data: data[:-1], "bundle_malformed"),
        (lambda data: b"no zip at all", "bundle_malformed"),
        (lambda data: data[:70] + bytes([data[70] ^ 1]) + data[71:], "bundle_altered"),
    ],
    ids=["truncated", "not a zip", "flipped byte"],
)
def test_what_is_refused_leaves_nothing_but_its_reason(
    empty_world: World, data: bytes, spoil: Any, code: str
) -> None:
    bad = spoil(data)
    row = begin(empty_world, bad)

    answer = send(empty_world, row, bad, 0, len(bad) - 1)

    assert error_of(answer) == (422, code)
    failed = state(empty_world, row)
    assert (failed["state"], failed["error_code"], failed["error"]) == (
        "failed",
        code,
        answer.json()["detail"],
    )
    assert bytes_here(empty_world, row) == 0


def test_a_stranger_and_a_revoked_key_are_refused(empty_world: World, data: bytes) -> None:
    strange = empty_world.bundle(key=OTHER_KEY)
    KeyFolder(empty_world.folder / "keys").revoke("plant A", now=datetime.now(timezone.utc))

    for bad in (strange, data):
        row = begin(empty_world, bad)
        assert error_of(send(empty_world, row, bad, 0, len(bad) - 1)) == (422, "bundle_untrusted")
        assert bytes_here(empty_world, row) == 0


def test_an_empty_file_and_one_without_end_are_refused_before_they_come(empty_world: World) -> None:
    admin = empty_world.as_("admin")

    for size, code in ((0, "bundle_malformed"), (2**40, "bundle_too_large")):
        answer = admin.post("/imports", json={"file_name": "a", "file_size": size})
        assert error_of(answer) == (422, code)
    assert ok(admin.get("/imports"))["total_entries"] == 0


def test_a_full_disk_keeps_what_came_before(empty_world: World) -> None:
    big = b"\x00" * (12 << 20)
    row = begin(empty_world, big)
    ok(send(empty_world, row, big, 0, (4 << 20) - 1))

    with largest_file(6 << 20):
        answer = send(empty_world, row, big, 4 << 20, len(big) - 1)

    assert error_of(answer) == (503, "transfer_unavailable")
    assert "go on" in answer.json()["detail"]
    assert state(empty_world, row)["received"] == 4 << 20
    assert bytes_here(empty_world, row) == 4 << 20
    assert error_of(send(empty_world, row, big, 4 << 20, len(big) - 1)) == (422, "bundle_malformed")


def test_the_content_is_browsed_before_anything_is_applied(empty_world: World, data: bytes) -> None:
    row = begin(empty_world, data)
    ok(send(empty_world, row, data, 0, len(data) - 1))
    admin = empty_world.as_("admin")

    found = ok(admin.get(f"/imports/{row['id']}/contents"))
    file = admin.get(f"/imports/{row['id']}/file", params={"path": "etl.py"})

    assert [each["path"] for each in found["files"]] == sorted(CONTENT)
    assert found["units"][0]["evidence"]["release"] == "R-000007"
    assert (file.content, file.headers["content-type"], file.headers["x-content-type-options"]) == (
        CONTENT["etl.py"],
        "application/octet-stream",
        "nosniff",
    )
    for path in ("nothing.py", "../../keys/signing.pem", "/etc/passwd"):
        answer = admin.get(f"/imports/{row['id']}/file", params={"path": path})
        assert error_of(answer) == (404, "not_found")


def test_what_was_discarded_leaves_no_file(empty_world: World, data: bytes) -> None:
    row = begin(empty_world, data)
    ok(send(empty_world, row, data, 0, len(data) - 1))

    assert ok(empty_world.as_("admin").delete(f"/imports/{row['id']}"))["state"] == "discarded"

    assert bytes_here(empty_world, row) == 0
    answer = empty_world.as_("admin").get(f"/imports/{row['id']}/file", params={"path": "etl.py"})
    assert error_of(answer) == (409, "conflict")


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "C:\\a\\b.dagbundle", "x" * 300, "发布 💥.dagbundle"]
)
def test_a_name_is_only_shown(empty_world: World, data: bytes, name: str) -> None:
    row = begin(empty_world, data, file_name=name)

    assert len(row["file_name"]) <= 250
    assert "/" not in row["file_name"]
    assert ok(send(empty_world, row, data, 0, len(data) - 1))["state"] == "uploaded"


def test_a_name_with_nul_has_the_wrong_shape(empty_world: World, data: bytes) -> None:
    answer = empty_world.as_("admin").post("/imports", json={"file_name": "a\x00b", "file_size": 1})

    assert error_of(answer) == (422, "invalid_request")


def test_nobody_imports_where_that_is_switched_off(
    empty_world: World, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__IMPORTS_ENABLED", "False")

    answer = empty_world.as_("admin").post("/imports", json={"file_name": "a", "file_size": 1})

    assert error_of(answer) == (403, "not_allowed")
    assert "switched off" in answer.json()["detail"]


@pytest.mark.req("R54", "R56")
def test_a_bundle_is_checked_asked_for_and_applied(empty_world: World) -> None:
    admin = empty_world.as_("admin")
    row = empty_world.imported()
    early = admin.post(f"/imports/{row['id']}/apply", json={})
    checked = ok(admin.post(f"/imports/{row['id']}/preflight", json={"folder": "plant_a"}))
    asked = ok(admin.post(f"/imports/{row['id']}/apply", json={"mode": "submit"}))
    job.run_once()

    applied = state(empty_world, row)
    listed = ok(admin.get("/submissions"))["items"]
    again = admin.post(f"/imports/{row['id']}/apply", json={})
    assert [error_of(answer) for answer in (early, again)] == [(409, "conflict"), (409, "conflict")]
    assert [each["state"] for each in (checked, asked, applied)] == ["checked", "applying", "applied"]
    assert [(each["path"], each["state"]) for each in listed] == [("plant_a/etl.py", "pending")]


@contextmanager
def full(engine: Engine) -> Iterator[None]:
    """Let an SQLite database have room for a megabyte more, and no other connection be open."""
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()

    def limit(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages + (1 << 20) // size}")

    engine.dispose()
    event.listen(engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(engine, "connect", limit)
        engine.dispose()


@pytest.mark.req("R54", "R56")
def test_a_database_that_is_full_gives_an_import_back_until_there_is_room(
    empty_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As with an import of a realistic size: objects are written before the file of the bundle goes
    monkeypatch.setattr(database, "WAITING_BYTES", 1)
    content = {"a.py": b"# a\n", "big.bin": random.Random(1).randbytes(4 << 20)}
    row = empty_world.imported(empty_world.bundle(content=content, units=(unit("a", "big.bin"),)))
    admin = empty_world.as_("admin")
    ok(admin.post(f"/imports/{row['id']}/preflight", json={}))
    ok(admin.post(f"/imports/{row['id']}/apply", json={}))

    with full(empty_world.engine):
        assert job.run_once() == 0

    given_back = state(empty_world, row)
    assert given_back["state"] == "checked"
    assert "The metadata database" in given_back["error"]
    assert ok(admin.get("/submissions"))["items"] == []
    assert refs(empty_world.engine) == {}
    ok(admin.post(f"/imports/{row['id']}/apply", json={}))
    assert job.run_once() == 1


@pytest.mark.req("R53", "R59")
def test_what_blocks_it_is_told_and_made_as_a_placeholder(empty_world: World) -> None:
    (unit,) = manifest_of(bundle_files(CONTENT)).units
    admin = empty_world.as_("admin")
    row = empty_world.imported(empty_world.bundle(units=(replace(unit, pools=("etl_pool",)),)))
    checked = ok(admin.post(f"/imports/{row['id']}/preflight", json={}))
    blocked = admin.post(f"/imports/{row['id']}/apply", json={})

    made = ok(admin.post(f"/imports/{row['id']}/placeholders", json={"pools": ["etl_pool"]}))

    found = {each["reason"]: each["items"] for each in checked["preflight"] if each["severity"] == "block"}
    assert [each["name"] for each in found["missing_pool"]] == ["etl_pool"]
    assert error_of(blocked) == (409, "import_blocked")
    assert "missing_pool" in [each["reason"] for each in blocked.json()["context"]["rows"]]
    assert made == [{"kind": "pool", "there": "etl_pool", "here": "etl_pool"}]
    weights = {each["reason"]: each["severity"] for each in state(empty_world, row)["preflight"]}
    assert weights["incomplete_placeholder"] == "warn"
    assert ok(admin.post(f"/imports/{row['id']}/apply", json={}))["state"] == "applying"


@pytest.mark.parametrize(
    "names",
    [{"pool": {"a": ""}}, {"secret": {"a": "b"}}, {"pool": {"a\nb": "b"}}, {"pool": {"x" * 251: "b"}}],
)
def test_names_that_are_none_are_refused(empty_world: World, names: Any) -> None:
    row = empty_world.imported()

    answer = empty_world.as_("admin").post(f"/imports/{row['id']}/preflight", json={"names": names})

    assert error_of(answer) == (422, "invalid_request")
    assert state(empty_world, row)["state"] == "uploaded"
