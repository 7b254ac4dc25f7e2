"""Keys as plain files: nobody else reads them, and what cannot be relied on is not used."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from airflow_release_plugin.domain.bundle.trusted_keys import KeyStanding, TrustedKey
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    TransferUnavailableError,
)
from airflow_release_plugin.transfer.keys import KeyFolder, decode_public_key, encode_public_key
from tests.harness.bundles import KEY, NOON, OTHER_KEY, TRUSTED
from tests.harness.privileges import unprivileged

pytestmark = pytest.mark.req("R58")
DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path / "release" / "keys")


def trusted_file(folder: KeyFolder, key: TrustedKey) -> Path:
    return folder.path / "trusted" / f"{key.id}.json"


class TestTheSigningKey:
    def test_is_made_once_and_read_again(self, folder: KeyFolder) -> None:
        made = folder.generate()

        assert folder.signing_key().public_key == made.public_key
        assert made.id == sha256(made.public_key).hexdigest()

    def test_is_for_its_owner_only(self, folder: KeyFolder) -> None:
        folder.generate()

        assert folder.path.stat().st_mode & 0o777 == 0o700
        assert folder.signing_file.stat().st_mode & 0o777 == 0o600

    def test_is_not_replaced_by_accident(self, folder: KeyFolder) -> None:
        first = folder.generate()

        with pytest.raises(ConflictError, match=r"There is a signing key in .* already"):
            folder.generate()

        assert folder.signing_key().id == first.id
        assert folder.generate(replacing=True, now=NOON).id == folder.signing_key().id != first.id
        assert folder.former() == ((first.public_key, NOON),)
        assert folder.trusted() == ()

    def test_that_is_unusable_can_be_replaced(self, folder: KeyFolder) -> None:
        folder.generate()
        folder.signing_file.write_text("nothing")

        assert folder.generate(replacing=True).id == folder.signing_key().id
        assert folder.former() == ()

    def test_of_former_days_that_is_damaged_is_named(self, folder: KeyFolder) -> None:
        folder.generate()
        folder.generate(replacing=True)
        (file,) = (folder.path / "former").iterdir()
        file.write_text("nothing\n")

        with pytest.raises(TransferUnavailableError, match=rf"{file.name} is damaged"):
            folder.former()

    def test_that_is_not_there_says_how_to_make_it(self, folder: KeyFolder) -> None:
        with pytest.raises(NotFoundError, match="airflow release keys generate"):
            folder.signing_key()
        assert not folder.path.exists()

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
    def test_that_others_can_read_is_not_used(self, folder: KeyFolder, mode: int) -> None:
        folder.generate()
        folder.signing_file.chmod(mode)

        with pytest.raises(TransferUnavailableError, match=r"open to others \(mode 6.*'chmod 600'"):
            folder.signing_key()

    @pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
    def test_in_a_folder_that_is_open_to_others_is_not_used(self, folder: KeyFolder, mode: int) -> None:
        folder.generate()
        folder.path.chmod(mode)

        with pytest.raises(TransferUnavailableError, match=r"open to others.*'chmod 700'"):
            folder.signing_key()
        with pytest.raises(TransferUnavailableError, match="open to others"):
            folder.generate(replacing=True)

    @pytest.mark.parametrize("data", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\xff" * 48])
    def test_that_is_damaged_is_not_used(self, folder: KeyFolder, data: bytes) -> None:
        folder.generate()
        folder.signing_file.write_bytes(data)

        with pytest.raises(TransferUnavailableError, match="no usable private key"):
            folder.signing_key()

    @pytest.mark.parametrize("kind", ["elliptic", "password"])
    def test_of_another_kind_is_not_used(self, folder: KeyFolder, kind: str) -> None:
        folder.generate()
        password = serialization.BestAvailableEncryption(b"x")
        data = (
            ec.generate_private_key(ec.SECP256R1()) if kind == "elliptic" else Ed25519PrivateKey.generate()
        ).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            password if kind == "password" else serialization.NoEncryption(),
        )
        folder.signing_file.write_bytes(data)

        with pytest.raises(TransferUnavailableError, match="no usable private key"):
            folder.signing_key()

    def test_of_another_user_is_said_so(self, folder: KeyFolder) -> None:
        folder.generate()
        folder.path.chmod(0)

        with unprivileged(), pytest.raises(TransferUnavailableError, match="Permission denied"):
            folder.signing_key()

    def test_is_made_by_one_of_many_at_once(self, folder: KeyFolder) -> None:
        def attempt(_: int) -> str | None:
            try:
                return folder.generate().id
            except ConflictError:
                return None

        with ThreadPoolExecutor(8) as pool:
            made = {found for found in pool.map(attempt, range(8)) if found}

        assert made == {folder.signing_key().id}


class TestTrustedKeys:
    @pytest.fixture(autouse=True)
    def two_keys(self, folder: KeyFolder) -> None:
        folder.trust("plant B", OTHER_KEY.public_key, valid_from=NOON, valid_until=NOON + DAY)
        folder.trust("plant A", KEY.public_key, valid_from=TRUSTED.valid_from)

    def test_are_listed_by_name(self, folder: KeyFolder) -> None:
        assert folder.trusted() == (
            TRUSTED,
            TrustedKey("plant B", OTHER_KEY.public_key, NOON, NOON + DAY),
        )

    def test_are_files_that_people_can_read(self, folder: KeyFolder) -> None:
        file = trusted_file(folder, TRUSTED)

        assert file.stat().st_mode & 0o777 == 0o600
        assert json.loads(file.read_text()) == {
            "name": "plant A",
            "public_key": encode_public_key(KEY.public_key),
            "valid_from": "2026-09-20T12:00:00+00:00",
            "valid_until": None,
            "revoked_at": None,
        }

    @pytest.mark.parametrize("wanted", ["plant A", KEY.id, KEY.id[:8], KEY.id[:12].upper()])
    def test_are_found_by_name_or_id(self, folder: KeyFolder, wanted: str) -> None:
        assert folder.find(wanted) == TRUSTED

    @pytest.mark.parametrize("wanted", ["plant", "", KEY.id[:7], "f" * 64])
    def test_that_are_not_there_are_said_so(self, folder: KeyFolder, wanted: str) -> None:
        with pytest.raises(NotFoundError, match="known here: plant A, plant B"):
            folder.find(wanted)

    def test_are_revoked_for_good(self, folder: KeyFolder) -> None:
        revoked = folder.revoke("plant A", now=NOON)

        assert revoked.standing(NOON - DAY) is KeyStanding.REVOKED
        assert folder.revoke(KEY.id, now=NOON + DAY) == revoked == folder.find("plant A")
        with pytest.raises(ConflictError, match="A revoked key cannot be trusted again"):
            folder.trust("plant A again", KEY.public_key, valid_from=NOON)

    def test_have_names_of_their_own(self, folder: KeyFolder) -> None:
        with pytest.raises(ConflictError, match="Another key has the name 'plant A'"):
            folder.trust("plant A", b"\x05" * 32, valid_from=NOON)

    @pytest.mark.parametrize("name", ["", " x", "x\n", "x" * 101, "a\tb"])
    def test_have_names_that_can_be_read(self, folder: KeyFolder, name: str) -> None:
        with pytest.raises(InvalidRequestError, match="no name for a key"):
            folder.trust(name, b"\x05" * 32, valid_from=NOON)

    def test_do_not_end_before_they_begin(self, folder: KeyFolder) -> None:
        with pytest.raises(InvalidRequestError, match="end before it begins"):
            folder.trust("plant C", b"\x05" * 32, valid_from=NOON, valid_until=NOON)

    @pytest.mark.parametrize(
        "change",
        [
            lambda text: text[:20],
            lambda text: text.replace("revoked_at", "revoked"),
            lambda text: text.replace("null", '"soon"', 1),
            lambda text: text.replace("AQ", "AR", 1) if "AQ" in text else text[1:],
            lambda text: text.replace('"plant A"', "7"),
            lambda _: "[]",
        ],
    )
    def test_that_are_damaged_stop_everything(self, folder: KeyFolder, change: object) -> None:
        file = trusted_file(folder, TRUSTED)
        file.write_text(change(file.read_text()))  # type: ignore[operator]

        with pytest.raises(TransferUnavailableError, match=r"key file .* is damaged"):
            folder.trusted()

    def test_under_the_name_of_another_stop_everything(self, folder: KeyFolder) -> None:
        other = TrustedKey("x", OTHER_KEY.public_key, NOON)
        trusted_file(folder, TRUSTED).replace(trusted_file(folder, other))

        with pytest.raises(TransferUnavailableError, match="another key than its name says"):
            folder.trusted()

    def test_that_others_could_have_written_are_not_used(self, folder: KeyFolder) -> None:
        for path, mode in ((trusted_file(folder, TRUSTED), 0o666), (folder.path / "trusted", 0o777)):
            before = path.stat().st_mode
            path.chmod(mode)
            with pytest.raises(TransferUnavailableError, match="open to others"):
                folder.trusted()
            path.chmod(before)

    def test_of_nobody_are_none(self, tmp_path: Path) -> None:
        assert KeyFolder(tmp_path / "none").trusted() == ()


@pytest.mark.parametrize(
    "text", ["", "x", encode_public_key(b"1" * 31), encode_public_key(b"1" * 33), "é" * 44]
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="keys show"):
        decode_public_key(text)


def test_a_public_key_is_read_as_it_is_handed_on() -> None:
    assert decode_public_key(f" {encode_public_key(KEY.public_key)}\n") == KEY.public_key


def test_the_folder_cannot_be_made_where_one_may_not_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    with unprivileged(), pytest.raises(TransferUnavailableError, match="Permission denied"):
        KeyFolder(tmp_path / "keys").generate()
