"""
How the files of a version travel to another machine: blobs in a row, each as the store keeps it, compressed.

Every blob is its id (20 bytes), the length of what follows (4 bytes, big-endian) and what zlib made of its
content; 24 zero bytes end the row, so that an answer that was cut short is told from a whole one. Nothing
is believed: each blob is measured against its announced size while it is unpacked, and against its id after.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from airflow_release_plugin.domain.tree.files import blob_id
from airflow_release_plugin.exceptions import DamagedAnswerError, InvalidRequestError

MEDIA_TYPE = "application/vnd.airflow-release.blobs"

_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)
_HEAD = struct.Struct(">20sI")
END = bytes(_HEAD.size)
_SLACK = 1024
"""Bytes by which zlib may make something larger that it cannot compress (it is 5 for each 16 KB, and 6)."""


def frame(blob: str, compressed: bytes) -> bytes:
    """One blob of the row. ``compressed`` is what zlib made of its content."""
    return _HEAD.pack(bytes.fromhex(blob), len(compressed)) + compressed


def unframe(chunks: Iterable[bytes], sizes: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    """
    ``(blob, content)`` of a row that arrives in ``chunks`` of any length; holds one blob at a time.

    :param sizes: bytes of each blob that may come, by its id; each may come once
    :raises DamagedAnswerError: the row ends early, or holds something else than it should
    """
    awaited = dict(sizes)
    reader = _ByteQueue(chunks)
    while (head := reader.take(_HEAD.size)) != END:
        raw_id, length = _HEAD.unpack(head)
        blob = raw_id.hex()
        size = awaited.pop(blob, None)
        if size is None or length > size + size // 1000 + _SLACK:
            raise DamagedAnswerError(
                "Blob %(blob)s came though nobody asked for it, or is too large.", blob=blob
            )
        yield blob, _unpacked(blob, size, reader.take(length))


def _unpacked(blob: str, size: int, compressed: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(compressed, size + 1)
    except zlib.error as error:
        raise DamagedAnswerError(
            "Blob %(blob)s cannot be unpacked (%(error)s).", blob=blob, error=error
        ) from error
    if len(content) != size or blob_id(content) != blob:
        raise DamagedAnswerError("Blob %(blob)s came with other bytes than its id stands for.", blob=blob)
    return content


class _ByteQueue:
    """Takes bytes by number from chunks of any length."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = b""
        self._start = 0

    def take(self, number: int) -> bytes:
        if len(self._buffer) - self._start < number:
            self._fill(number)
        start, self._start = self._start, self._start + number
        return self._buffer[start : self._start]

    def _fill(self, number: int) -> None:
        # Joined once: to cut each blob off a buffer would move what is behind it again and again
        parts = [self._buffer[self._start :]]
        length = len(parts[0])
        while length < number:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise DamagedAnswerError("The answer ended early.")
            parts.append(chunk)
            length += len(chunk)
        self._buffer, self._start = b"".join(parts), 0


def distinct_blobs(blobs: Iterable[str]) -> list[str]:
    """The blobs of a version in the order in which ranges count them."""
    return sorted(set(blobs))


def ranges_of(all_blobs: Sequence[str], wanted: Collection[str]) -> str:
    """
    Which of the blobs of a version are ``wanted``, as ``0-12,17``: an address that a proxy can remember.

    :param all_blobs: as :func:`distinct_blobs` orders them
    """
    return ",".join(
        f"{first}-{last}" if last > first else f"{first}" for first, last in _ranges(all_blobs, wanted)
    )


def portions(all_blobs: Sequence[str], wanted: Collection[str], most: int) -> Iterator[list[str]]:
    """What is wanted, in portions of at most ``most`` ranges, each of which may be as long as it likes."""
    ranges = _ranges(all_blobs, wanted)
    for start in range(0, len(ranges), most):
        yield [blob for first, last in ranges[start : start + most] for blob in all_blobs[first : last + 1]]


def _ranges(all_blobs: Sequence[str], wanted: Collection[str]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for index, blob in enumerate(all_blobs):
        if blob not in wanted:
            continue
        if found and found[-1][1] == index - 1:
            found[-1] = (found[-1][0], index)
        else:
            found.append((index, index))
    return found


def blobs_in(all_blobs: Sequence[str], ranges: str) -> list[str]:
    """Inverse of :func:`ranges_of`. Raises ``InvalidRequestError`` for what is no such text."""
    found: list[str] = []
    above = -1
    for part in ranges.split(","):
        range_ = _RANGE.fullmatch(part)
        if range_ is None:
            raise InvalidRequestError("%(range)r is no range; write ranges like 0-12,17.", range=part)
        start, end = int(range_[1]), int(range_[2] or range_[1])
        if not above < start <= end < len(all_blobs):
            raise InvalidRequestError(
                "Range %(range)r does not fit: they ascend, and the version has %(number)s blobs.",
                range=part,
                number=len(all_blobs),
            )
        found += all_blobs[start : end + 1]
        above = end
    return found
