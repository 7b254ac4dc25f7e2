"""Files that survive a power cut, and a lock between processes."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO

OBJECT_MODE = 0o444
_BESIDE = "tmp_obj_"
"""So git names what it has begun, too; `git gc` removes that as well."""
_ABANDONED = 24 * 60 * 60
"""Seconds after which nobody is still writing a file."""


def sync_folder(path: Path) -> None:
    """Make renames in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Make the content of a file durable."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def sync_tree(path: Path) -> None:
    """Make a folder and all that is in it durable."""
    for folder, _, names in os.walk(path):
        for name in names:
            sync_file(Path(folder) / name)
        sync_folder(Path(folder))


def sync_folders(lowest: Path, top: Path) -> None:
    """Make the way from ``top`` down to ``lowest`` durable, both included."""
    for folder in (lowest, *lowest.parents):
        sync_folder(folder)
        if folder == top:
            return


def write_files(root: Path, files: Mapping[str, bytes]) -> None:
    """
    Write immutable files under ``root``, in order, in one batch; they are on the disk when this returns.

    Each appears whole or not at all. Everything is written before anything is synced, so that the file system
    can write it back at once. A name that exists already is replaced: names stand for content. What somebody
    began who was killed over it goes a day later.
    """
    _sweep(root)
    pending: list[tuple[Path, Path]] = []
    try:
        for name, data in files.items():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = root / f"{_BESIDE}{secrets.token_hex(8)}"
            with beside.open("xb") as stream:
                pending.append((beside, target))
                stream.write(data)
                os.fchmod(stream.fileno(), OBJECT_MODE)
        for beside, _ in pending:
            sync_file(beside)
        for beside, target in pending:
            beside.replace(target)
        for folder in sorted({target.parent for _, target in pending} | {root}):
            sync_folder(folder)
    finally:
        for beside, _ in pending:
            beside.unlink(missing_ok=True)


def _sweep(root: Path) -> None:
    """Remove what was begun and abandoned."""
    for path in root.glob(f"{_BESIDE}*"):
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - _ABANDONED:
                path.unlink()


@contextmanager
def appearing(path: Path, *, suffix: str = ".partial") -> Iterator[BinaryIO]:
    """
    Open a file for the owner only, that gets its name when it is complete and on the disk.

    Until then it has a hidden one beside it that ends with ``suffix``; after an error neither is there.
    """
    beside = path.with_name(f".{secrets.token_hex(8)}{suffix}")
    try:
        with beside.open("xb") as stream:
            os.fchmod(stream.fileno(), 0o600)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def exclusive(path: Path) -> Iterator[IO[str]]:
    """Hold a lock on the file ``path``. It keeps threads and processes apart and dies with them."""
    with path.open("a+", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream
