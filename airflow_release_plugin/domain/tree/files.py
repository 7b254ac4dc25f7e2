"""Files, as the product sees them: a path, a mode, and the git blob id of the bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

REGULAR = 0o100644
EXECUTABLE = 0o100755


def blob_id(data: bytes) -> str:
    """Return git's SHA-1 blob id of ``data`` as 40 hex digits (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects)."""
    return hashlib.sha1(b"blob %d\x00" % len(data) + data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, order=True)
class FileEntry:
    """
    One file of a tree.

    :param path: POSIX path relative to the root of the source or target; never absolute, never with ``..``
    :param mode: ``0o100644`` or ``0o100755``
    :param blob: git blob id, 40 hex digits
    :param size: bytes
    """

    path: str
    mode: int
    blob: str
    size: int


@dataclass(frozen=True, order=True)
class TreeChange:
    """One path of a tree that gets new content (``entry``) or disappears (``entry is None``)."""

    path: str
    entry: FileEntry | None

    @property
    def is_deletion(self) -> bool:
        """Whether the path disappears."""
        return self.entry is None
