"""Bundle files as pieces in the database: like any file to a reader, and little of it in memory."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from airflow_release_plugin.exceptions import TransferUnavailableError
from airflow_release_plugin.models import FileChunk
from airflow_release_plugin.models.file_chunk import TransferKind
from airflow_release_plugin.transfer.stored_file import PIECE, StoredFile
from tests.conftest import BACKENDS
from tests.harness.databases import counted

pytestmark = pytest.mark.req("R51", "R53", "R85")
DATA = bytes(range(256)) * 10_000  # two and a half pieces


@pytest.fixture(params=BACKENDS)
def db_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def file(session: Session) -> StoredFile:
    """A file of some pieces; another one lies beside it."""
    StoredFile(session, TransferKind.EXPORT, 7).append([b"another"])
    made = StoredFile(session, TransferKind.IMPORT, 7)
    assert made.append(DATA[start : start + 99_999] for start in range(0, len(DATA), 99_999)) == len(DATA)
    return made


def test_it_reads_back_whole_and_in_parts(session: Session, file: StoredFile) -> None:
    again = io.BufferedReader(StoredFile(session, TransferKind.IMPORT, 7))

    assert again.read() == DATA
    for start, size in ((0, 10), (PIECE - 5, 10), (2 * PIECE, 10), (len(DATA) - 3, 10), (len(DATA) + 9, 1)):
        again.seek(start)
        assert again.read(size) == DATA[start : start + size]
    assert again.seek(-4, io.SEEK_END) == len(DATA) - 4
    assert again.read() == DATA[-4:]


def test_a_small_part_reads_one_piece(session: Session, file: StoredFile) -> None:
    again = StoredFile(session, TransferKind.IMPORT, 7)
    bind = session.get_bind()
    assert isinstance(bind, (Connection, Engine))

    with counted(bind) as statements:
        again.seek(PIECE + 17)
        assert again.read(100) == DATA[PIECE + 17 : PIECE + 117]
        again.seek(PIECE + 500)
        assert again.read(1) == DATA[PIECE + 500 : PIECE + 501]

    assert len(statements) == 1


def test_it_goes_alone(session: Session, file: StoredFile) -> None:
    file.remove()

    assert StoredFile(session, TransferKind.IMPORT, 7).size == 0
    assert StoredFile(session, TransferKind.EXPORT, 7).readall() == b"another"


def test_a_piece_that_is_lost_is_told(session: Session, file: StoredFile) -> None:
    session.query(FileChunk).filter_by(kind=TransferKind.IMPORT, position=PIECE).delete()
    again = StoredFile(session, TransferKind.IMPORT, 7)

    again.require(len(DATA))
    with pytest.raises(TransferUnavailableError, match=r"file of import 7 .* begin anew"):
        again.readall()
    with pytest.raises(TransferUnavailableError):
        again.require(len(DATA) + 1)
