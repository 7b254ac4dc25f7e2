"""Parts of a file on a real disk, which may be full, closed, or gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_release_plugin.exceptions import TransferUnavailableError
from airflow_release_plugin.transfer.upload import Upload
from tests.harness.full_disk import largest_file

pytestmark = pytest.mark.req("R53")
MEBIBYTE = 1 << 20


@pytest.fixture
def upload(tmp_path: Path) -> Upload:
    return Upload(tmp_path / "transfers" / "imports" / "7")


def test_parts_follow_each_other(upload: Upload) -> None:
    assert upload.append(0, [b"one ", b"two "]) == 8
    assert upload.append(8, [b"", b"three"]) == 5
    assert upload.path.read_bytes() == b"one two three"


def test_a_full_disk_keeps_what_came_before_and_nothing_of_the_part(upload: Upload) -> None:
    upload.append(0, [b"a" * MEBIBYTE])

    with largest_file(3 * MEBIBYTE), pytest.raises(TransferUnavailableError, match="make room") as caught:
        upload.append(MEBIBYTE, [b"b" * MEBIBYTE] * 5)

    assert str(upload.folder) in caught.value.message
    assert upload.path.read_bytes() == b"a" * MEBIBYTE
    assert upload.append(MEBIBYTE, [b"b" * MEBIBYTE] * 5) == 5 * MEBIBYTE


def test_a_source_that_breaks_leaves_nothing_of_the_part(upload: Upload) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half of it"
        raise ConnectionResetError

    upload.append(0, [b"before"])
    with pytest.raises(ConnectionResetError):
        upload.append(6, broken())

    assert upload.path.read_bytes() == b"before"


def test_what_is_behind_the_last_part_was_never_noted_and_goes(upload: Upload) -> None:
    upload.append(0, [b"before", b" and what a server wrote before it died"])

    upload.append(6, [b"!"])

    assert upload.path.read_bytes() == b"before!"


def test_parts_that_are_not_here_are_missed(upload: Upload) -> None:
    with pytest.raises(TransferUnavailableError, match="same \\[release\\] transfer_path"):
        upload.append(6, [b"!"])


def test_a_link_is_not_followed(upload: Upload, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("precious")
    upload.make_folder()
    upload.path.symlink_to(other)

    with pytest.raises(TransferUnavailableError):
        upload.append(0, [b"x"])

    assert other.read_text() == "precious"


def test_a_place_where_no_folder_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "transfers").write_text("a file")

    with pytest.raises(TransferUnavailableError, match="Not a directory"):
        Upload(tmp_path / "transfers" / "imports" / "7").make_folder()
