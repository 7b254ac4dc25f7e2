"""Whether a served tree is still what it was built from: bytes, names, and the cache that it shares."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from airflow_release_plugin.domain.tree.files import EXECUTABLE, FileEntry, blob_id
from airflow_release_plugin.domain.tree.paths import MANIFEST

_BYTE_CODE = "__pycache__"


class Wrong(str, Enum):
    """What is wrong with one path of a served tree."""

    EDITED = "edited"
    """Its bytes or its executable bit are not those of the commit."""
    MISSING = "missing"
    """The commit has it, the tree has not."""
    EXTRA = "extra"
    """The tree has it, the commit has not."""


@dataclass(frozen=True, order=True)
class TreeFault:
    """One path of a served tree that is not as the commit says."""

    path: str
    wrong: Wrong


class TreeChecker:
    """Compares trees. What one of them shares with the next by hard links is read once."""

    def __init__(self) -> None:
        self._blobs: dict[tuple[int, int], str] = {}

    def faults(self, folder: Path, files: Mapping[str, FileEntry]) -> tuple[TreeFault, ...]:
        """What differs between ``folder`` and the files that it should hold; byte code does not count."""
        seen = set()
        found = []
        for path in _walk(folder):
            seen.add(path)
            wanted = files.get(path)
            if wanted is None:
                found.append(TreeFault(path, Wrong.EXTRA))
            elif not self._is_intact(folder / path, wanted):
                found.append(TreeFault(path, Wrong.EDITED))
        found += [TreeFault(path, Wrong.MISSING) for path in files.keys() - seen]
        return tuple(sorted(found))

    def _is_intact(self, file: Path, wanted: FileEntry) -> bool:
        try:
            info = file.lstat()
            if file.is_symlink() or bool(info.st_mode & 0o100) is not (wanted.mode == EXECUTABLE):
                return False
            key = (info.st_dev, info.st_ino)
            if key not in self._blobs:
                self._blobs[key] = blob_id(file.read_bytes())
        except OSError:
            return False
        return self._blobs[key] == wanted.blob


def _walk(folder: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != _BYTE_CODE]
        below = Path(parent).relative_to(folder)
        for name in [*names, *(name for name in folders if (Path(parent) / name).is_symlink())]:
            path = (below / name).as_posix()
            if path != MANIFEST:
                yield path
