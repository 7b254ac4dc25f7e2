"""The file of an export or import: pieces in the database, written one by one and read where it is needed."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from airflow_release_plugin.exceptions import TransferUnavailableError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models.file_chunk import TransferKind
from airflow_release_plugin.repositories import file_chunks

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PIECE = 1 << 20
"""Bytes of a piece; so much of a file is in memory, a few times."""
_KEPT = 4


class StoredFile(io.RawIOBase):
    """
    The file of one export or import, in the transaction of a session.

    It can be read like any file. It does not notice what is added while it is read.
    """

    def __init__(self, session: Session, kind: TransferKind, transfer_id: int) -> None:
        super().__init__()
        self._session = session
        self._kind = kind
        self._id = transfer_id
        self._at = 0
        self._pieces: OrderedDict[int, bytes] = OrderedDict()
        self.size = file_chunks.size(session, kind, transfer_id)

    @property
    def name(self) -> str:
        """How the file is named in messages."""
        if self._kind is TransferKind.EXPORT:
            return Message("file of export %(number)s", number=self._id)
        return Message("file of import %(number)s", number=self._id)

    def append(self, data: Iterable[bytes]) -> int:
        """Add bytes at the end, and return how many came."""
        start = self.size
        for piece in _pieces(data):
            file_chunks.add(self._session, self._kind, self._id, self.size, piece)
            self.size += len(piece)
        return self.size - start

    def remove(self) -> None:
        """Remove the file."""
        file_chunks.remove(self._session, self._kind, self._id)
        self._pieces.clear()
        self.size = 0

    def require(self, size: int) -> None:
        """Raise ``TransferUnavailableError`` unless so many bytes are here."""
        if self.size != size:
            raise self._missing()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def readinto(self, buffer: object) -> int:
        """Fill as much of the buffer as one piece can."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if self._at >= self.size or not view:
            return 0
        begin, piece = self._piece()
        found = piece[self._at - begin : self._at - begin + len(view)]
        view[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _piece(self) -> tuple[int, bytes]:
        for begin, piece in self._pieces.items():
            if begin <= self._at < begin + len(piece):
                self._pieces.move_to_end(begin)
                return begin, piece
        found = file_chunks.containing(self._session, self._kind, self._id, self._at)
        if found is None:
            raise self._missing()
        self._pieces[found[0]] = found[1]
        if len(self._pieces) > _KEPT:
            self._pieces.popitem(last=False)
        return found

    def _missing(self) -> TransferUnavailableError:
        if self._kind is TransferKind.EXPORT:
            return TransferUnavailableError(
                "The file of export %(number)s is not, or not wholly, in the database any more. Discard the "
                "export and begin anew.",
                number=self._id,
            )
        return TransferUnavailableError(
            "The file of import %(number)s is not, or not wholly, in the database any more. Discard the "
            "import and begin anew.",
            number=self._id,
        )


def _pieces(data: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for part in data:
        waiting += part
        while len(waiting) >= PIECE:
            yield bytes(waiting[:PIECE])
            del waiting[:PIECE]
    if waiting:
        yield bytes(waiting)
