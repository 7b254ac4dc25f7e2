"""
Whether a version stands on this machine's disk; what a task does before it needs anything else.

Somebody looked at each name of the version, and noted when its folders had changed last. As long as they have
not changed since, and the machine was not started anew, nothing came and nothing went. That costs one small
read and a ``stat`` for each folder, however many files there are.

Times that anybody can set come back with a backup, whatever it left out, and with ``cp -a`` and ``rsync``;
so those that only the kernel sets (``ctime``) count as well. What is written into a file where it lies
changes no folder: that is for the drift guard.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_FAR = 86400.0
"""Seconds ahead that no time of a sign is: the clock of the machine was wrong."""
_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def boot() -> str:
    """What distinguishes this run of the machine; empty where that cannot be told."""
    try:
        return _text_of(_BOOT_ID, at_most=128).strip()
    except (OSError, ValueError):
        return ""


def note_of(base: Path, version: str) -> Path:
    """Where a bundle below ``base`` notes the folders of a version."""
    return base / "whole" / version


def stands(folder: Path, note: Path) -> bool:
    """
    Whether nothing came into and nothing went from ``folder`` since ``note`` was written.

    A note holds the run of the machine and, for each folder, both times of its last change in nanoseconds.
    """
    try:
        run, *records = _text_of(note).split("\x00")
        if not records or run != boot():
            return False
        for record in records:
            changed, set_by_kernel, name = record.split(" ", 2)
            info = os.stat(f"{folder}/{name}")  # noqa: PTH116
            if info.st_mtime_ns != int(changed) or info.st_ctime_ns != int(set_by_kernel):
                return False
    except (OSError, ValueError):
        return False
    return True


def is_due(file: Path) -> bool:
    """Whether the time that a file has is over, or is none that we gave it."""
    try:
        return not 0 < os.stat(file).st_mtime - time.time() < _FAR  # noqa: PTH116 - on the way of every task
    except OSError:
        return True


def _text_of(file: Path | str, *, at_most: int = 0) -> str:
    """
    All of a small file.

    Python's own streams, and any codec but UTF-8, cost a task more than all the rest here.

    :param at_most: bytes, for a file that has no size; default: as many as it has
    """
    handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(handle, at_most or os.fstat(handle).st_size).decode()
    finally:
        os.close(handle)
