"""Bodies that are parts of files: put aside first, so that no transaction waits for the network."""

from __future__ import annotations

import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from anyio import from_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from airflow_release_plugin.exceptions import (
    InvalidRequestError,
    TooLargeError,
    TransferUnavailableError,
)
from airflow_release_plugin.schemas.imports import MAX_PART

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)
_CHUNK = 1 << 18


@dataclass(frozen=True)
class Part:
    """
    Which bytes of a file a request brings.

    :param total: size of the whole file
    """

    offset: int
    size: int
    total: int


def announced(content_range: str, content_length: str) -> Part:
    """Read the headers ``Content-Range`` and ``Content-Length``. Without a range it is the whole file."""
    size = int(content_length) if content_length.isdecimal() and len(content_length) < 19 else None
    if size is None:
        raise InvalidRequestError("Send the header Content-Length: the number of bytes of this part.")
    if size > MAX_PART:
        raise TooLargeError(
            "This part has %(size)s bytes; send at most %(most)s in one request.",
            size=f"{size:,}",
            most=f"{MAX_PART:,}",
            limit=MAX_PART,
        )
    if not content_range:
        return Part(0, size, size)
    found = _RANGE.fullmatch(content_range)
    if found is None:
        raise InvalidRequestError(
            "Content-Range is %(content_range)r; write bytes <first>-<last>/<size of the file>.",
            content_range=content_range[:80],
        )
    first, last, total = map(int, found.groups())
    if last - first + 1 != size:
        raise InvalidRequestError(
            "Content-Range names %(last)s bytes, Content-Length %(size)s; correct one of them.",
            last=last - first + 1,
            size=size,
        )
    return Part(first, size, total)


@contextmanager
def received(request: Request, part: Part) -> Iterator[BinaryIO]:
    """
    The body as a file without a name, at its beginning; the system removes it.

    :raises InvalidRequestError: the body is not as long as was said, or the connection was lost
    :raises TransferUnavailableError: it cannot be written
    """
    try:
        with tempfile.TemporaryFile() as spool:
            size = _write(request.stream(), spool, part.size)
            if size != part.size:
                raise InvalidRequestError(
                    "%(size)s bytes came instead of %(announced)s; send the part again.",
                    size=size,
                    announced=part.size,
                )
            spool.seek(0)
            yield spool
    except OSError as error:
        raise TransferUnavailableError(
            "This part cannot be kept in %(folder)s: %(error)s. Make room, then go on.",
            folder=tempfile.gettempdir(),
            error=error.strerror or error,
        ) from error


def _write(stream: AsyncIterator[bytes], spool: BinaryIO, limit: int) -> int:
    """Fetch the body chunk by chunk, from the event loop that has it, and return how much there was."""
    size = 0
    while (chunk := from_thread.run(_next, stream)) is not None:
        size += len(chunk)
        if size > limit:
            break
        spool.write(chunk)
    return size


async def _next(stream: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await anext(stream, None)
    except ClientDisconnect as error:
        raise InvalidRequestError("The connection was lost; send the part again.") from error


def chunks(spool: BinaryIO) -> Iterator[bytes]:
    """What is in a file, piece by piece."""
    while chunk := spool.read(_CHUNK):
        yield chunk
