"""Bundles that are not as they should be: each is refused for its own reason, before anything is unpacked."""

from __future__ import annotations

import io
import json
import os
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.domain.bundle.manifest import BundleFile, canonical_json
from airflow_release_plugin.domain.bundle.trusted_keys import TrustedKey
from airflow_release_plugin.domain.tree.files import REGULAR
from airflow_release_plugin.exceptions import (
    BundleAlteredError,
    BundleError,
    BundleExpiredError,
    BundleMalformedError,
    BundleManifestError,
    BundleTooLargeError,
    BundleUnsafeError,
    BundleUntrustedError,
    BundleVersionError,
)
from airflow_release_plugin.transfer.attestation import Envelope, pre_authentication, statement
from airflow_release_plugin.transfer.layout import ATTESTATION, MANIFEST
from airflow_release_plugin.transfer.limits import BundleLimits
from airflow_release_plugin.transfer.reader import open_bundle
from tests.harness.bundles import (
    CONTENT,
    KEY,
    NOON,
    OTHER_KEY,
    TRUSTED,
    Raw,
    archive,
    bundle_files,
    manifest_of,
    raws,
    write,
)

pytestmark = pytest.mark.req("R53", "R58")
MEBIBYTE = 1024 * 1024
SOUND = manifest_of(bundle_files(CONTENT))
SIGNED = statement(SOUND, sha256(SOUND.to_bytes()).hexdigest())


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., BundleError]:
    def check(
        data: bytes,
        error: type[BundleError],
        match: str,
        *,
        trusted: tuple[TrustedKey, ...] = (TRUSTED,),
        limits: BundleLimits | None = None,
    ) -> BundleError:
        path = tmp_path / "b.dagbundle"
        path.write_bytes(data)
        with (
            pytest.raises(error, match=match) as raised,
            open_bundle(path, trusted=trusted, now=NOON, limits=limits) as bundle,
        ):
            bundle.verify()
        assert raised.type is error
        assert list(tmp_path.iterdir()) == [path]
        return raised.value

    return check


Refused = Callable[..., BundleError]


def proper() -> bytes:
    return archive(raws(CONTENT, SOUND))


def with_member(raw: Raw) -> bytes:
    return archive([raw, *raws(CONTENT, SOUND)])


def made_by_zipfile(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return stream.getvalue()


def signed_with(payload: bytes) -> Raw:
    return Raw(ATTESTATION, Envelope(payload, KEY.id, KEY.sign(pre_authentication(payload))).to_bytes())


def test_what_the_tests_forge_is_sound_where_nothing_is_wrong(tmp_path: Path) -> None:
    assert proper() == write(tmp_path / "b.dagbundle").read_bytes()


class TestTheFile:
    def test_of_0_bytes(self, refused: Refused) -> None:
        refused(b"", BundleMalformedError, "is empty")

    @pytest.mark.parametrize("data", [b"P", b"%PDF-1.7", b"\x1f\x8b" + b"x" * 99, b"PK\x05\x06" + b"\0" * 18])
    def test_that_is_no_zip(self, refused: Refused, data: bytes) -> None:
        refused(data, BundleMalformedError, "not even a zip")

    def test_that_is_cut_off_anywhere(self, refused: Refused) -> None:
        whole = proper()
        for end in [*range(4, len(whole), 97), len(whole) - 1]:
            refused(whole[:end], BundleMalformedError, "cut off")

    def test_with_something_in_front_of_it_or_behind(self, refused: Refused) -> None:
        refused(proper() + b"x", BundleMalformedError, "something is appended")
        refused(b"PK\x03\x04" + proper(), BundleMalformedError, "do not fit its size")

    def test_with_bytes_between_its_members(self, refused: Refused) -> None:
        whole = proper()
        end = bytearray(whole[-22:])
        offset = struct.unpack_from("<I", end, 16)[0]
        struct.pack_into("<I", end, 16, offset + 3)
        data = whole[:offset] + b"xyz" + whole[offset:-22] + bytes(end)

        refused(data, BundleMalformedError, "belong to no file")

    def test_that_another_program_packed(self, refused: Refused) -> None:
        data = made_by_zipfile(**{raw.name: raw.data for raw in raws(CONTENT, SOUND)})  # type: ignore[misc]

        refused(data, BundleMalformedError, "parts that bundles do not have")

    def test_with_a_comment(self, refused: Refused) -> None:
        comment = proper()[:-2] + b"\x02\x00hi"

        refused(comment, BundleMalformedError, "cut off, or something is appended")

    def test_that_is_a_zip_in_a_zip(self, refused: Refused) -> None:
        refused(made_by_zipfile(bundle=proper()), BundleMalformedError, "parts that bundles do not have")

    def test_without_a_manifest(self, refused: Refused) -> None:
        members = [raw for raw in raws(CONTENT, SOUND) if raw.name != MANIFEST]

        refused(archive(members), BundleMalformedError, r"no manifest\.json")

    def test_with_its_members_in_another_order(self, refused: Refused) -> None:
        first, second, *rest = raws(CONTENT, SOUND)

        refused(archive([second, first, *rest]), BundleMalformedError, "order of its manifest")

    def test_whose_directory_counts_wrongly(self, refused: Refused) -> None:
        for count in (3, 7):
            end = bytearray(proper())
            struct.pack_into("<2H", end, len(end) - 14, count, count)
            refused(bytes(end), BundleMalformedError, "directory")

    def test_whose_headers_contradict_each_other(self, refused: Refused) -> None:
        other = proper().replace(b"dags/etl.py", b"dags/eta.py", 1)

        refused(other, BundleMalformedError, "contradict each other")

    def test_whose_members_share_their_bytes(self, refused: Refused) -> None:
        whole = bytearray(proper())
        second = whole.index(b"dags/shop/__init__.py", len(whole) // 2)
        struct.pack_into("<I", whole, second - 4, 0)

        refused(bytes(whole), BundleMalformedError, "contradict each other")


class TestNames:
    @pytest.mark.parametrize(
        ("name", "match"),
        [
            ("/etc/passwd", "absolute"),
            ("dags//etc/passwd", "absolute"),
            ("../evil.py", "'..' part"),
            ("dags/../../evil.py", "'..' part"),
            ("dags/a/./b.py", "'..' part"),
            ("dags/", "empty"),
            ("C:/evil.py", "letter of a drive"),
            ("dags/C:/evil.py", "letter of a drive"),
            ("dags/a\\..\\b.py", "backslash"),
            ("dags/a\x00.py", "control character"),
            ("dags/a\n.py", "control character"),
            ("dags/.git/config", r"\.git folder"),
            ("dags/a/.GIT ./hooks/x", r"\.git folder"),
            ("dags/" + "a" * 256, "longer than"),
            ("dags/" + "a/" * 600 + "b", "longer than"),
            ("dags/" + "a/" * 70 + "b", "folders deep"),
            (b"dags/\xff.py", "not UTF-8"),
        ],
    )
    def test_that_lead_elsewhere(self, refused: Refused, name: str | bytes, match: str) -> None:
        refused(with_member(Raw(name, b"x")), BundleUnsafeError, match)

    @pytest.mark.parametrize(
        "names",
        [
            ("dags/a.py", "dags/a.py"),
            ("dags/a.py", "dags/A.py"),
            ("dags/stra\u00dfe.py", "dags/STRASSE.py"),
            ("dags/caf\u00e9.py", "dags/cafe\u0301.py"),
            ("dags/CAF\u00c9.py", "dags/cafe\u0301.py"),
            ("dags/a", "dags/a/b.py"),
            ("dags/a/b/c.py", "dags/A"),
        ],
    )
    def test_that_clash_on_some_computer(self, refused: Refused, names: tuple[str, str]) -> None:
        data = archive([*(Raw(name, b"x") for name in names), *raws(CONTENT, SOUND)])

        refused(data, BundleUnsafeError, "get into each other's way")

    @pytest.mark.parametrize(
        "mode",
        [0o120777, 0o040755, 0o020644, 0o060644, 0o010644, 0o140644, 0o104755, 0o100666, 0o100600, 0],
        ids=["link", "folder", "tty", "disk", "fifo", "socket", "setuid", "writable", "private", "none"],
    )
    def test_of_what_is_no_plain_file(self, refused: Refused, mode: int) -> None:
        refused(with_member(Raw("dags/a.py", b"etl.py", mode)), BundleUnsafeError, "no plain file")

    def test_that_the_manifest_does_not_have(self, refused: Refused) -> None:
        for name in ("dags/a.zip", "dags/a.py", "readme.txt"):
            data = with_member(Raw(name, made_by_zipfile(x=b"x")))
            refused(data, BundleManifestError, f"'{name}' is not declared")


class TestSizes:
    def test_a_million_entries(self, refused: Refused) -> None:
        whole = bytearray(proper())
        struct.pack_into("<2H", whole, len(whole) - 14, 0xFFFF, 0xFFFF)  # as zip64 says "more than that"

        refused(bytes(whole), BundleTooLargeError, "65,535 files; at most 50,000")

    def test_a_bomb_is_refused_by_what_it_says(self, refused: Refused) -> None:
        zeros = Raw("dags/zeros.csv", b"\0" * (17 * MEBIBYTE))

        refused(with_member(zeros), BundleTooLargeError, "more than 100 times as many")

    def test_a_bomb_that_lies_is_stopped_at_what_it_says(self, refused: Refused) -> None:
        files = [*bundle_files(CONTENT), BundleFile("zeros.csv", "0" * 64, 10, REGULAR)]
        members = raws(CONTENT, manifest_of(files))
        members.insert(len(CONTENT), Raw("dags/zeros.csv", b"\0" * (17 * MEBIBYTE), size=10))

        refused(archive(members), BundleAlteredError, "larger than it says")

    def test_a_header_that_promises_more_than_there_is(self, refused: Refused) -> None:
        files = [*bundle_files(CONTENT), BundleFile("zeros.csv", sha256(b"1234").hexdigest(), 10, REGULAR)]
        members = raws(CONTENT, manifest_of(files))
        members.insert(len(CONTENT), Raw("dags/zeros.csv", b"1234", size=10))

        refused(archive(members), BundleAlteredError, "content is not complete")

    def test_a_bomb_as_manifest_or_signature(self, refused: Refused) -> None:
        for name in (MANIFEST, ATTESTATION):
            bomb = archive([Raw(name, b"[" * (17 * MEBIBYTE))])
            refused(bomb, BundleTooLargeError, f"{name} has")
        lying = archive([Raw(ATTESTATION, b"[" * MEBIBYTE, size=10)])
        refused(lying, BundleAlteredError, "larger than it says")

    @pytest.mark.parametrize(
        ("limits", "match"),
        [
            (BundleLimits(archive=100), "The bundle has"),
            (BundleLimits(members=5), "has 6 files; at most 5"),
            (BundleLimits(file=100), r"'dags/etl\.py' has 960 bytes"),
            (BundleLimits(total=1500), "content of the bundle"),
            (BundleLimits(document=100), r"manifest\.json has"),
            (BundleLimits(small=1, ratio=1), "more than 1 times as many"),
        ],
        ids=["archive", "members", "file", "total", "document", "ratio"],
    )
    def test_beyond_a_limit(self, refused: Refused, limits: BundleLimits, match: str) -> None:
        refused(proper(), BundleTooLargeError, match, limits=limits)

    def test_a_zip64_of_another_program(self, refused: Refused) -> None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as made, made.open("dags/x", "w", force_zip64=True) as member:
            member.write(b"x")

        refused(stream.getvalue(), BundleMalformedError, "parts that bundles do not have")


class TestSignature:
    def test_that_is_missing(self, refused: Refused) -> None:
        refused(archive(raws(CONTENT, SOUND)[:-1]), BundleUntrustedError, "not signed")

    def test_of_somebody_unknown(self, refused: Refused) -> None:
        data = archive(raws(CONTENT, SOUND, OTHER_KEY))

        error = refused(data, BundleUntrustedError, "not trusted here.*airflow release keys trust")
        assert error.context == {"key": OTHER_KEY.id}

    def test_under_the_id_of_somebody_else(self, refused: Refused) -> None:
        envelope = Envelope(SIGNED, KEY.id, OTHER_KEY.sign(pre_authentication(SIGNED)))
        data = archive([*raws(CONTENT, SOUND)[:-1], Raw(ATTESTATION, envelope.to_bytes())])

        refused(data, BundleAlteredError, "not what 'plant A' signed")

    @pytest.mark.parametrize(
        ("change", "standing"),
        [
            ({"revoked_at": NOON - timedelta(hours=1)}, "revoked"),
            ({"valid_until": NOON}, "expired"),
            ({"valid_from": NOON + timedelta(seconds=1)}, "not yet valid"),
        ],
    )
    def test_of_a_key_that_is_not_valid_now(
        self, refused: Refused, change: dict[str, Any], standing: str
    ) -> None:
        refused(proper(), BundleUntrustedError, f"which is {standing}", trusted=(replace(TRUSTED, **change),))

    def test_of_another_bundle(self, refused: Refused) -> None:
        other = raws(CONTENT, replace(SOUND, nonce="1" * 32))[-1]

        refused(
            archive([*raws(CONTENT, SOUND)[:-1], other]), BundleAlteredError, "not the one that was signed"
        )

    def test_without_its_type_is_none(self, refused: Refused) -> None:
        """DSSE signs the type with the payload: a signature of the bare payload counts for nothing."""
        bare = Envelope(SIGNED, KEY.id, KEY.sign(SIGNED))
        data = archive([*raws(CONTENT, SOUND)[:-1], Raw(ATTESTATION, bare.to_bytes())])

        refused(data, BundleAlteredError, "not what 'plant A' signed")

    @pytest.mark.parametrize(
        "rewrite",
        [
            lambda text: text.replace(b'":', b'": ', 1),
            lambda text: text.replace(b"in-toto", b"in-tot0"),
            lambda text: text.replace(b'=="}', b'"}'),
            lambda text: text + b"\n",
            lambda _: b"{}",
            lambda _: b"[" * 100_000,
            lambda _: b"",
        ],
    )
    def test_in_another_spelling(self, refused: Refused, rewrite: Callable[[bytes], bytes]) -> None:
        *members, signature = raws(CONTENT, SOUND)
        data = archive([*members, Raw(ATTESTATION, rewrite(signature.data))])

        refused(data, BundleMalformedError, "signature is not written")

    def test_in_base64_with_other_idle_bits(self, refused: Refused) -> None:
        *members, signature = raws(CONTENT, SOUND)
        at = signature.data.index(b'=="}') - 1
        alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        idle = alphabet[alphabet.index(signature.data[at]) ^ 1]
        other = signature.data[:at] + bytes([idle]) + signature.data[at + 1 :]

        refused(
            archive([*members, Raw(ATTESTATION, other)]), BundleMalformedError, "signature is not written"
        )

    @pytest.mark.parametrize(
        "payload", [b"no JSON", b"[]", b'{"subject": 7}', b'{"subject": [{"name": 1}]}', b""]
    )
    def test_of_something_else_entirely(self, refused: Refused, payload: bytes) -> None:
        data = archive([*raws(CONTENT, SOUND)[:-1], signed_with(payload)])

        refused(data, BundleAlteredError, "not the one that was signed")

    def test_of_a_statement_that_contradicts_the_manifest(self, refused: Refused) -> None:
        lie = json.loads(SIGNED)
        lie["predicate"]["approved"] = False
        data = archive([*raws(CONTENT, SOUND)[:-1], signed_with(canonical_json(lie))])

        refused(data, BundleManifestError, "contradict each other")


def test_a_bundle_that_is_too_old(refused: Refused) -> None:
    old = manifest_of(bundle_files(CONTENT), created=NOON - timedelta(days=4), expires=NOON)

    refused(archive(raws(CONTENT, old)), BundleExpiredError, "expired at 2026-09-21T12:00:00")


class TestManifests:
    """Signed by a key that is trusted, and wrong all the same."""

    def lying(self, files: list[BundleFile]) -> bytes:
        return archive(raws(CONTENT, manifest_of(files)))

    def test_about_a_hash(self, refused: Refused) -> None:
        files = bundle_files(CONTENT)
        files[0] = replace(files[0], sha256="0" * 64)

        refused(
            self.lying(files), BundleAlteredError, r"'dags/etl\.py' is not what was signed: .* another hash"
        )

    def test_about_a_size_or_a_mode(self, refused: Refused) -> None:
        first, *rest = bundle_files(CONTENT)
        for lie in (replace(first, size=7), replace(first, mode=0o100755)):
            refused(self.lying([lie, *rest]), BundleManifestError, "wrong about the size or the mode")

    def test_about_a_file_that_is_not_there(self, refused: Refused) -> None:
        files = [*bundle_files(CONTENT), BundleFile("z.py", "0" * 64, 1, REGULAR)]

        refused(self.lying(files), BundleManifestError, r"'dags/z\.py' is missing")

    def test_about_a_file_that_is_there(self, refused: Refused) -> None:
        refused(self.lying(bundle_files(CONTENT)[:-1]), BundleManifestError, r"orders\.sql' is not declared")

    def test_about_ids(self, refused: Refused) -> None:
        unit = SOUND.units[0]
        twice = replace(SOUND, units=(unit, replace(unit, path="shop/tables.py")))

        refused(archive(raws(CONTENT, twice)), BundleManifestError, "'unit-1' is there twice")

    def test_in_an_unknown_format(self, refused: Refused) -> None:
        later = replace(SOUND, format_version=2)

        error = refused(archive(raws(CONTENT, later)), BundleVersionError, "has format 2; .* reads 1")
        assert error.context == {"format_version": 2}

    @pytest.mark.parametrize(
        ("data", "match"),
        [
            (b"", "not JSON"),
            (b"\xff", "not JSON"),
            (b"[" * 100_000, "not JSON"),
            (b"[]", "must be a mapping"),
            (b"{}", "lacks"),
            (b'{"format_version":true}', "whole number"),
            (SOUND.to_bytes() + b" ", "one form"),
            (SOUND.to_bytes().replace(b'"approved":true', b'"approved":true,"approved":true'), "one form"),
            (SOUND.to_bytes().replace(b'"approved":true', b'"approved":NaN'), "true or false"),
            (SOUND.to_bytes().replace(b'"approved":true', b'"approved":true,"more":1'), "unknown key 'more'"),
        ],
    )
    def test_that_cannot_be_read(self, refused: Refused, data: bytes, match: str) -> None:
        subject = [{"name": MANIFEST, "digest": {"sha256": sha256(data).hexdigest()}}]
        *files, _, _ = raws(CONTENT, SOUND)
        signature = signed_with(canonical_json({"subject": subject}))

        refused(archive([*files, Raw(MANIFEST, data), signature]), BundleManifestError, match)


class TestOneFlippedByte:
    """Bytes of every part of the file, one after the other."""

    def test_is_never_accepted_with_other_content(self, tmp_path: Path) -> None:
        path = write(tmp_path / "b.dagbundle", {"a.py": b"x = 1", "b/c.sql": b""})
        whole = path.read_bytes()
        accepted = []
        for position in range(0, len(whole), 3):
            path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
            try:
                with open_bundle(path, trusted=[TRUSTED], now=NOON) as bundle:
                    bundle.verify()
            except BundleError:
                continue
            accepted.append(position)

        assert accepted == []

    def test_in_the_compressed_bytes_is_noticed_by_what_it_yields(self, refused: Refused) -> None:
        whole = bytearray(proper())
        whole[30 + len("dags/etl.py") + 5] ^= 1

        refused(bytes(whole), BundleAlteredError, r"'dags/etl\.py' is not what was signed")

    def test_in_the_checksum_of_both_headers(self, refused: Refused) -> None:
        crc = struct.pack("<I", zlib.crc32(CONTENT["etl.py"]))

        refused(proper().replace(crc, b"\0\0\0\0"), BundleAlteredError, "content is not complete")

    def test_behind_the_compressed_bytes(self, refused: Refused) -> None:
        """A member whose headers say that more belongs to it than is unpacked."""
        files = [*bundle_files(CONTENT), BundleFile("x", sha256(b"1234").hexdigest(), 4, REGULAR)]
        members = raws(CONTENT, manifest_of(files))
        members.insert(len(CONTENT), Raw("dags/x", b"1234"))
        whole = archive(members)
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = packer.compress(b"1234") + packer.flush()
        assert whole.count(packed) == 1

        cut = whole.replace(packed, packed[:2] + b"\x03\x00" * ((len(packed) - 2) // 2))

        refused(cut, BundleAlteredError, r"'dags/x' is not what was signed")


def test_a_bundle_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(MEBIBYTE)
    path = write(tmp_path / "b.dagbundle", {"dag.py": noise})

    with open_bundle(path, trusted=[TRUSTED], now=NOON) as bundle:
        os.truncate(path, 20)
        with pytest.raises(BundleAlteredError, match="cut off"):
            bundle.verify()


def test_a_manifest_is_not_read_before_its_hash_was_compared(refused: Refused) -> None:
    *files, _, signature = raws(CONTENT, SOUND)

    refused(archive([*files, Raw(MANIFEST, b"[" * 1000), signature]), BundleAlteredError, "not the one")
