"""
The one shape of zip that a bundle has: every byte of its headers follows from the members.

Members lie one after the other from the first byte on, deflated, without comments, extra fields or data
descriptors; then come their central headers in the same order, and the end record. Any zip program can read
it. Since nothing is left to choose, a reader writes the headers anew and compares: two programs cannot read
different things from it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

FOLDER = "dags/"
MANIFEST = "manifest.json"
ATTESTATION = "attestation.dsse.json"
DOCUMENT_MODE = 0o100644

MAX_MEMBERS = 65_000
MAX_BYTES = 4 * 1024**3 - 64 * 1024 * 1024
"""A zip of more has other headers (zip64), which bundles do without."""

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
END_SIZE = _END.size
CENTRAL_SIZE = _CENTRAL.size
_NEEDS = 20  # to extract: deflate
_MADE_BY = 3 << 8 | 20  # Unix, so that modes count
_UTF8 = 0x800
_DEFLATED = 8
_MIDNIGHT, _FIRST_DAY = 0, 0x21  # 1980-01-01: the same input gives the same bytes


@dataclass(frozen=True)
class Member:
    """
    A member, as its headers tell.

    :param mode: Unix file type and permissions
    :param offset: of its local header
    """

    name: bytes
    mode: int
    crc: int
    packed: int
    size: int
    offset: int

    @property
    def data_offset(self) -> int:
        """Where its deflated bytes begin."""
        return self.offset + _LOCAL.size + len(self.name)

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.data_offset + self.packed

    def local_header(self) -> bytes:
        """What stands in front of its bytes."""
        return (
            _LOCAL.pack(
                b"PK\x03\x04",
                *(_NEEDS, _UTF8, _DEFLATED, _MIDNIGHT, _FIRST_DAY),
                *(self.crc, self.packed, self.size, len(self.name), 0),
            )
            + self.name
        )

    def central_header(self) -> bytes:
        """What stands in the directory."""
        return (
            _CENTRAL.pack(
                b"PK\x01\x02",
                *(_MADE_BY, _NEEDS, _UTF8, _DEFLATED, _MIDNIGHT, _FIRST_DAY),
                *(self.crc, self.packed, self.size, len(self.name)),
                *(0, 0, 0, 0),
                *(self.mode << 16, self.offset),
            )
            + self.name
        )


def read_central(data: bytes, name: bytes) -> Member:
    """Take what may differ from a central header without its name; comparing the rest is the caller's."""
    _, _, _, _, _, _, _, crc, packed, size, _, _, _, _, _, attributes, offset = _CENTRAL.unpack(data)
    return Member(name=name, mode=attributes >> 16, crc=crc, packed=packed, size=size, offset=offset)


def name_length(data: bytes) -> int:
    """Bytes of the name that follows a central header."""
    return int(_CENTRAL.unpack(data)[10])


def end_record(count: int, directory_size: int, directory_offset: int) -> bytes:
    """Return the last bytes of the file."""
    return _END.pack(b"PK\x05\x06", 0, 0, count, count, directory_size, directory_offset, 0)


def read_end(data: bytes) -> tuple[int, int, int] | None:
    """``(count, size, offset)`` of the directory, or ``None`` if ``data`` is no end record."""
    signature, _, _, _, count, size, offset, _ = _END.unpack(data)
    return (count, size, offset) if signature == b"PK\x05\x06" else None
