"""A bundle file that comes in parts: each is on the disk when it counts, and leaves nothing when it fails."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from airflow_release_plugin import durable
from airflow_release_plugin.exceptions import TransferUnavailableError

NAME = "bundle.dagbundle"


class Upload:
    """The file in ``folder``, which belongs to one upload alone; made with its first part."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / NAME

    def make_folder(self) -> Path:
        """Make the folder, for its owner only."""
        with self._writing():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.folder

    def append(self, offset: int, chunks: Iterable[bytes]) -> int:
        """
        Write a part where the parts before it end, and return its size.

        What lies behind ``offset`` is of a part that was never noted; it goes. So does this part if it fails.

        :raises TransferUnavailableError: a full disk, or the parts before it are not here
        """
        self.make_folder()
        with self._opened(offset) as stream:
            try:
                for chunk in chunks:
                    self._write(stream, chunk)
                with self._writing():
                    os.fsync(stream.fileno())
            except BaseException:
                with suppress(OSError):
                    stream.truncate(offset)
                raise
            return stream.tell() - offset

    @contextmanager
    def _opened(self, offset: int) -> Iterator[BinaryIO]:
        with ExitStack() as stack:
            with self._writing():
                handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
                stream = stack.enter_context(os.fdopen(handle, "r+b", buffering=0))
                if os.fstat(handle).st_size < offset:
                    raise missing(self.path)
                stream.truncate(offset)
                stream.seek(offset)
                durable.sync_folder(self.folder)
            yield stream

    def _write(self, stream: BinaryIO, chunk: bytes) -> None:
        rest = memoryview(chunk)
        with self._writing():
            while rest:
                rest = rest[stream.write(rest) :]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TransferUnavailableError(
                f"The bundle cannot be written to {self.folder}: {error.strerror or error}. What came before "
                "is kept: make room, or let the user whom Airflow runs as own [release] transfer_path; "
                "then go on."
            ) from error


def missing(path: Path) -> TransferUnavailableError:
    """The error to raise when parts that came once are not there."""
    return TransferUnavailableError(
        f"What was uploaded is not in {path.parent}. All API servers need the same [release] transfer_path; "
        "if somebody deleted it, discard the import and upload the bundle anew."
    )
