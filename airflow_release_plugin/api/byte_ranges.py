"""Parts of a file that a request asks for (RFC 9110, 14.2); several at once are answered with the whole."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII)


@dataclass(frozen=True)
class ByteRange:
    """Bytes from ``start`` up to, but not with, ``end``, of a file of ``total``."""

    start: int
    end: int
    total: int

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the file."""
        return (self.start, self.end) == (0, self.total)

    @property
    def header(self) -> str:
        """The value of ``Content-Range``."""
        return f"bytes {self.start}-{self.end - 1}/{self.total}"


def wanted_range(header: str, total: int) -> ByteRange | None:
    """What a ``Range`` header asks for, the whole file if it makes no sense; ``None``: no such part."""
    whole = ByteRange(0, total, total)
    found = _RANGE.fullmatch(header)
    if found is None or found[1] == found[2] == "":
        return whole
    if not found[1]:
        length = int(found[2])
        return ByteRange(max(total - length, 0), total, total) if length else None
    start, end = int(found[1]), min(int(found[2]) + 1, total) if found[2] else total
    if found[2] and int(found[2]) < start:
        return whole
    return ByteRange(start, end, total) if start < total else None
