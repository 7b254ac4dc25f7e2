"""How bundles come in: part by part, by whom, and what is left of those that are no good."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import SYSTEM, Actor
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.exceptions import (
    BundleAlteredError,
    BundleExpiredError,
    BundleMalformedError,
    BundleTooLargeError,
    BundleUntrustedError,
    ConflictError,
    InvalidRequestError,
    InvalidTransitionError,
    NotAllowedError,
    NotFoundError,
    NotHereError,
    ReleaseError,
    TooLargeError,
    TransferUnavailableError,
)
from airflow_release_plugin.models import Event, FileChunk, Import
from airflow_release_plugin.services.imports import endings, imports
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.transfer.keys import KeyFolder
from airflow_release_plugin.transfer.stored_file import PIECE
from tests.harness.bundles import CONTENT, OTHER_KEY
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, PIPELINE, REVIEWER, VIEWER, World
from tests.harness.imports import bundle_bytes, sent, switched_off, uploaded, with_imports

pytestmark = pytest.mark.req("R53", "R57", "R58")
SHA = "0" * 64


@pytest.fixture
def world(world: World, tmp_path: Path) -> World:
    """An installation that trusts plant A, ."""
    return with_imports(world, tmp_path)


def begin(world: World, size: int = 10, actor: Actor = ADMIN, **more: Any) -> Import:
    return imports.begin(world.ctx, actor=actor, **{"file_name": "a.dagbundle", "file_size": size, **more})


def append(world: World, row: Import, offset: int, *chunks: bytes, actor: Actor = ADMIN) -> Import:
    return imports.append(world.ctx, actor=actor, import_id=row.id, offset=offset, chunks=chunks)


def complete(world: World, row: Import) -> Import:
    return imports.complete(world.ctx, actor=ADMIN, import_id=row.id)


def stored(world: World, row: Import) -> bytes:
    """What is here of the file."""
    return imports.file_of(world.ctx, row).readall() or b""


def lose(world: World, row: Import) -> None:
    """Let somebody delete the file past the product."""
    imports.file_of(world.ctx, row).remove()


def events(world: World) -> list[Event]:
    return [e for e in audit.list_events(world.ctx, actor=ADMIN).items if e.subject.startswith("import")]


class TestUpload:
    def test_a_bundle_of_a_trusted_key_is_taken_in(self, world: World) -> None:
        data = bundle_bytes(world)

        row = uploaded(world, data)

        assert (row.state, row.error) == (ImportState.UPLOADED, "")
        assert (row.bundle_id, row.source_uid, row.signer) == ("bundle-1", "plant-a", "plant A")
        assert (row.dag_ids, row.file_sha256) == (["etl"], hashlib.sha256(data).hexdigest())
        assert stored(world, row) == data
        imports.require_accepted(row)

    def test_parts_may_be_as_small_as_a_byte(self, world: World) -> None:
        data = bundle_bytes(world)
        row = begin(world, len(data))
        for number, byte in enumerate(data[:50]):
            append(world, row, number, bytes([byte]))
        append(world, row, 50, data[50:-1])
        append(world, row, len(data) - 1, data[-1:])

        assert complete(world, row).state is ImportState.UPLOADED

    def test_the_trail_tells_who_brought_what(self, world: World) -> None:
        row = uploaded(world)

        (event,) = events(world)

        assert (event.tag, event.actor_name, event.subject) == (
            EventTag.IMPORT_UPLOADED,
            "admin",
            f"import:{row.id}",
        )
        assert event.data == {
            "bundle": "bundle-1",
            "source_uid": "plant-a",
            "sha256": row.file_sha256,
            "dag_ids": ["etl"],
            "signer": "plant A",
            "size": row.file_size,
        }

    def test_it_goes_on_where_the_connection_was_lost(self, world: World) -> None:
        data = bundle_bytes(world)
        row = begin(world, len(data))
        append(world, row, 0, data[:100])

        def broken() -> Iterator[bytes]:
            yield data[100:150]
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            imports.append(world.ctx, actor=ADMIN, import_id=row.id, offset=100, chunks=broken())
        assert (row.received, len(stored(world, row))) == (100, 100)

        append(world, row, 100, data[100:])

        assert complete(world, row).state is ImportState.UPLOADED

    def test_a_large_part_lies_in_pieces(self, world: World) -> None:
        data = bytes(3 * PIECE + 5)
        row = begin(world, len(data) + 1)
        append(world, row, 0, data[: PIECE + 7], data[PIECE + 7 :])

        sizes = world.ctx.session.scalars(select(FileChunk.size).order_by(FileChunk.position)).all()

        assert (sizes, stored(world, row)) == ([PIECE, PIECE, PIECE, 5], data)

    @pytest.mark.parametrize("offset", [0, 99, 101, 10_000_000])
    def test_a_part_that_belongs_elsewhere_is_told_where_to_go_on(self, world: World, offset: int) -> None:
        data = bundle_bytes(world)
        row = begin(world, len(data))
        append(world, row, 0, data[:100])

        for call in (
            lambda: append(world, row, offset, b"x"),
            lambda: imports.expect(world.ctx, actor=ADMIN, import_id=row.id, offset=offset, size=1),
        ):
            with pytest.raises(ConflictError, match="go on at byte 100") as caught:
                call()
            assert caught.value.context == {"received": 100}
        assert stored(world, row) == data[:100]

    def test_more_bytes_than_were_announced_are_not_kept(self, world: World) -> None:
        row = begin(world, 10)
        append(world, row, 0, b"12345")

        with pytest.raises(TooLargeError, match="announced with 10 bytes"):
            append(world, row, 5, b"678", b"90123")
        with pytest.raises(TooLargeError):
            imports.expect(world.ctx, actor=ADMIN, import_id=row.id, offset=5, size=6)

        assert (row.received, stored(world, row)) == (5, b"12345")

    def test_what_is_not_whole_is_not_looked_at(self, world: World) -> None:
        row = begin(world, 10)
        append(world, row, 0, b"12345")

        with pytest.raises(ConflictError, match="5 of 10 bytes; send the rest"):
            complete(world, row)

        assert row.state is ImportState.UPLOADING

    def test_a_whole_bundle_takes_no_more_bytes(self, world: World) -> None:
        row = uploaded(world)

        for call in (lambda: append(world, row, row.received, b"x"), lambda: complete(world, row)):
            with pytest.raises(ConflictError, match="'uploaded'; it takes no more bytes"):
                call()

    def test_parts_that_vanished_are_missed(self, world: World) -> None:
        row = sent(world, bundle_bytes(world))
        lose(world, row)

        with pytest.raises(TransferUnavailableError, match="not wholly, in the database"):
            complete(world, row)
        assert row.state is ImportState.UPLOADING
        with pytest.raises(TransferUnavailableError, match="not wholly, in the database"):
            append(world, row, row.received)


class TestAnnouncement:
    def test_an_empty_file_is_no_bundle(self, world: World) -> None:
        with pytest.raises(BundleMalformedError, match="is empty, so it is no bundle"):
            begin(world, 0)

    def test_a_file_beyond_the_limit_is_refused_before_a_byte_came(self, world: World) -> None:
        with pytest.raises(BundleTooLargeError, match="at most"):
            begin(world, 2 * 1024**3)

    @pytest.mark.parametrize("sha256", ["x" * 64, "0" * 63, "A" * 64, "0" * 1000])
    def test_what_is_no_hash_is_refused(self, world: World, sha256: str) -> None:
        with pytest.raises(InvalidRequestError, match="64 hex digits"):
            begin(world, sha256=sha256)

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("orders.dagbundle", "orders.dagbundle"),
            ("../../etc/passwd", "passwd"),
            ("C:\\transfer\\orders.dagbundle", "orders.dagbundle"),
            ("/", "bundle.dagbundle"),
            ("..", "bundle.dagbundle"),
            ("", "bundle.dagbundle"),
            ("a\x00b\r\n.dagbundle", "ab.dagbundle"),
            ("half\udcff.dagbundle", "half?.dagbundle"),
            ("发布.dagbundle", "发布.dagbundle"),
            ("x" * 300 + ".dagbundle", "x" * 240 + ".dagbundle"),
            ("x" * 300, "x" * 250),
        ],
    )
    def test_a_name_is_only_a_name(self, world: World, given: str, kept: str) -> None:
        row = begin(world, file_name=given)

        assert row.file_name == kept

    def test_who_announces_the_same_file_again_goes_on_with_it(self, world: World) -> None:
        data = bundle_bytes(world)
        sha256 = hashlib.sha256(data).hexdigest()
        row = begin(world, len(data), sha256=sha256)
        append(world, row, 0, data[:100])

        again = begin(world, len(data), sha256=sha256)
        other = begin(world, len(data), sha256=sha256, actor=SYSTEM)

        assert (again.id, again.received) == (row.id, 100)
        assert other.id != row.id

    def test_a_file_that_somebody_uploaded_is_not_sent_twice(self, world: World) -> None:
        row = uploaded(world)

        assert begin(world, row.file_size, sha256=row.file_sha256, actor=SYSTEM).id == row.id

    def test_a_file_that_was_applied_is_found_by_its_hash(self, world: World) -> None:
        row = uploaded(world)
        for state in (ImportState.CHECKED, ImportState.APPLYING, ImportState.APPLIED):
            row.move_to(state)

        assert begin(world, row.file_size, sha256=row.file_sha256).id == row.id

    def test_a_bundle_may_come_twice_and_each_is_an_import_of_its_own(self, world: World) -> None:
        data = bundle_bytes(world)
        first, second = uploaded(world, data), uploaded(world, data)

        endings.discard(world.ctx, actor=ADMIN, import_id=first.id)

        assert second.state is ImportState.UPLOADED
        with imports.opened(world.ctx, second) as bundle:
            assert bundle.read("etl.py") == CONTENT["etl.py"]


BAD: dict[str, tuple[Callable[[bytes], bytes], type[ReleaseError]]] = {
    "truncated": (lambda data: data[:-100], BundleMalformedError),
    "not a zip": (lambda _: b"just text\n" * 1000, BundleMalformedError),
    "one byte": (lambda _: b"P", BundleMalformedError),
    "something before": (lambda data: b"x" + data, BundleMalformedError),
    "something behind": (lambda data: data + b"x", BundleMalformedError),
    "a flipped byte of a file": (lambda data: flipped(data, 60), BundleAlteredError),
}


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def assert_failed(world: World, row: Import, error: type[ReleaseError]) -> None:
    """It failed with a reason, its file is gone, and the trail tells."""
    assert (row.state, row.manifest, row.bundle_id) == (ImportState.FAILED, {}, None)
    assert stored(world, row) == b""
    with pytest.raises(error) as caught:
        imports.require_accepted(row)
    assert (caught.value.message, caught.value.code) == (row.error, error.code)
    assert [(e.tag, e.data["code"], e.data["reason"]) for e in events(world)] == [
        (EventTag.IMPORT_FAILED, error.code, row.error)
    ]


class TestBadBundles:
    @pytest.mark.parametrize("case", BAD)
    def test_nothing_is_left_of_a_file_that_is_no_good(self, world: World, case: str) -> None:
        spoil, error = BAD[case]

        assert_failed(world, uploaded(world, spoil(bundle_bytes(world))), error)

    def test_nothing_is_left_of_a_bundle_that_a_stranger_signed(self, world: World) -> None:
        row = uploaded(world, key=OTHER_KEY)

        assert_failed(world, row, BundleUntrustedError)
        assert "airflow release keys trust" in row.error

    def test_nothing_is_left_of_a_bundle_whose_key_is_revoked(self, world: World) -> None:
        KeyFolder(world.ctx.settings.keys_path).revoke("plant A", now=world.ctx.clock())

        assert_failed(world, uploaded(world), BundleUntrustedError)

    def test_nothing_is_left_of_a_bundle_that_expired(self, world: World, clock: FrozenClock) -> None:
        data = bundle_bytes(world)
        clock.advance(days=4)

        assert_failed(world, uploaded(world, data), BundleExpiredError)

    def test_nothing_is_left_of_a_file_with_another_hash_than_was_announced(self, world: World) -> None:
        data = bundle_bytes(world)
        row = begin(world, len(data), sha256=SHA)
        append(world, row, 0, data)

        assert_failed(world, complete(world, row), BundleAlteredError)

    def test_what_cannot_be_known_now_fails_nothing(self, world: World) -> None:
        row = sent(world, bundle_bytes(world))
        world.ctx.settings.keys_path.chmod(0o755)

        with pytest.raises(TransferUnavailableError, match="chmod 700"):
            complete(world, row)

        assert (row.state, stored(world, row) != b"") == (ImportState.UPLOADING, True)
        world.ctx.settings.keys_path.chmod(0o700)
        assert complete(world, row).state is ImportState.UPLOADED


class TestOpening:
    def test_a_key_that_was_revoked_after_the_upload_opens_nothing(self, world: World) -> None:
        row = uploaded(world)
        KeyFolder(world.ctx.settings.keys_path).revoke("plant A", now=world.ctx.clock())

        with pytest.raises(BundleUntrustedError, match="revoked"):
            imports.read_file(world.ctx, actor=ADMIN, import_id=row.id, path="etl.py")

    def test_a_bundle_that_expired_after_the_upload_opens_nothing(
        self, world: World, clock: FrozenClock
    ) -> None:
        row = uploaded(world)
        clock.advance(days=4)

        with pytest.raises(BundleExpiredError), imports.opened(world.ctx, row):
            pass

    def test_a_file_that_was_exchanged_is_refused(self, world: World) -> None:
        row = uploaded(world)
        other = bundle_bytes(world, content={"other.py": b"x = 1\n"})
        lose(world, row)
        imports.file_of(world.ctx, row).append([other])
        row.received = len(other)

        with (
            pytest.raises(BundleAlteredError, match="not the one that was uploaded"),
            imports.opened(world.ctx, row),
        ):
            pass

    def test_a_file_that_vanished_is_missed(self, world: World) -> None:
        row = uploaded(world)
        lose(world, row)

        with (
            pytest.raises(TransferUnavailableError, match="not wholly, in the database"),
            imports.opened(world.ctx, row),
        ):
            pass

    @pytest.mark.parametrize("end", ["uploading", "discarded"])
    def test_what_is_not_there_is_not_opened(self, world: World, end: str) -> None:
        row = begin(world) if end == "uploading" else uploaded(world)
        if end == "discarded":
            endings.discard(world.ctx, actor=ADMIN, import_id=row.id)

        with pytest.raises(ConflictError, match=end), imports.opened(world.ctx, row):
            pass

    def test_the_content_can_be_looked_at_before_anything_is_applied(self, world: World) -> None:
        row = uploaded(world)

        manifest = imports.contents(world.ctx, actor=ADMIN, import_id=row.id)
        text = imports.read_file(world.ctx, actor=ADMIN, import_id=row.id, path="sql/orders.sql")

        assert [file.path for file in manifest.files] == sorted(CONTENT)
        assert text == CONTENT["sql/orders.sql"]
        with pytest.raises(NotFoundError, match="holds no file"):
            imports.read_file(world.ctx, actor=ADMIN, import_id=row.id, path="../keys/signing.pem")

    def test_the_content_of_what_is_not_whole_is_unknown(self, world: World) -> None:
        row = begin(world)

        with pytest.raises(ConflictError, match="not known"):
            imports.contents(world.ctx, actor=ADMIN, import_id=row.id)


class TestDiscard:
    def test_an_upload_that_was_given_up_leaves_no_file(self, world: World) -> None:
        row = begin(world)
        append(world, row, 0, b"12345")

        endings.discard(world.ctx, actor=ADMIN, import_id=row.id)
        endings.discard(world.ctx, actor=ADMIN, import_id=row.id)

        assert (row.state, row.error) == (ImportState.DISCARDED, "Discarded by admin.")
        assert stored(world, row) == b""
        assert [event.tag for event in events(world)] == [EventTag.IMPORT_DISCARDED]

    def test_what_failed_stays_failed(self, world: World) -> None:
        row = uploaded(world, b"no bundle")

        with pytest.raises(InvalidTransitionError):
            endings.discard(world.ctx, actor=ADMIN, import_id=row.id)


class TestRights:
    def deeds(self, world: World, row: Import, actor: Actor) -> list[Callable[[], object]]:
        ctx = world.ctx
        return [
            lambda: begin(world, actor=actor),
            lambda: append(world, row, 0, b"x", actor=actor),
            lambda: imports.expect(ctx, actor=actor, import_id=row.id, offset=0, size=1),
            lambda: imports.complete(ctx, actor=actor, import_id=row.id),
            lambda: endings.discard(ctx, actor=actor, import_id=row.id),
            lambda: imports.read_file(ctx, actor=actor, import_id=row.id, path="etl.py"),
        ]

    @pytest.mark.parametrize("actor", [DEV, REVIEWER, VIEWER, PIPELINE], ids=lambda actor: actor.name)
    def test_bundles_are_for_release_admins(self, world: World, actor: Actor) -> None:
        row = begin(world)

        for deed in self.deeds(world, row, actor):
            with pytest.raises(NotAllowedError, match="release admins"):
                deed()
        assert not imports.may_import(world.ctx, actor)

    @pytest.mark.parametrize("actor", [ADMIN, SYSTEM], ids=lambda actor: actor.name)
    def test_nobody_imports_where_that_is_switched_off(self, world: World, actor: Actor) -> None:
        off = switched_off(world)
        row = begin(world)

        for deed in self.deeds(off, row, actor):
            with pytest.raises(NotAllowedError, match="switched off"):
                deed()
        assert imports.may_import(world.ctx, actor)
        assert not imports.may_import(off.ctx, actor)

    def test_nobody_imports_where_there_is_no_target(self, world: World) -> None:
        settings = replace(world.ctx.settings, role="source")
        source_only = replace(world, ctx=replace(world.ctx, settings=settings))

        with pytest.raises(NotHereError):
            begin(source_only)
        assert not imports.may_import(source_only.ctx, ADMIN)

    def test_who_may_read_a_dag_sees_the_imports_that_hold_it(self, world: World) -> None:
        row, unknown = uploaded(world), begin(world)

        def seen(actor: Actor) -> list[int]:
            return [item.id for item in imports.list_imports(world.ctx, actor=actor).items]

        assert seen(DEV) == [row.id]
        assert imports.contents(world.ctx, actor=DEV, import_id=row.id).bundle_id == "bundle-1"
        for actor in (ADMIN, SYSTEM, PIPELINE):
            assert seen(actor) == [unknown.id, row.id]

        world.twin.refused |= {(DEV.id, DagAccess.READ, name) for name in ("etl", "dev.etl")}
        assert seen(DEV) == []
        for import_id in (row.id, unknown.id, 999):
            with pytest.raises(NotFoundError):
                imports.get(world.ctx, actor=DEV, import_id=import_id)
