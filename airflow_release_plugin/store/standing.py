"""
Whether a version stands on this machine's disk; what a task does before it needs anything else.

Somebody looked at each name of the version, and noted when its folders had changed last. As long as they have
not changed since, and the machine was not started anew, nothing came and nothing went. That costs one small
read and a ``stat`` for each folder, however many files there are.
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
        with open(_BOOT_ID, encoding="ascii") as stream:  # noqa: PTH123 - on the way of every task
            return stream.read().strip()
    except OSError:
        return ""


def note_of(base: Path, version: str) -> Path:
    """Where a bundle below ``base`` notes the folders of a version."""
    return base / "whole" / version


def stands(folder: Path, note: Path) -> bool:
    """
    Whether nothing came into and nothing went from ``folder`` since ``note`` was written.

    A note holds the run of the machine and, for each folder, the time of its last change in nanoseconds.
    """
    try:
        with open(note, encoding="utf-8") as stream:  # noqa: PTH123
            run, *records = stream.read().split("\x00")
        if not records or run != boot():
            return False
        for record in records:
            moment, _, name = record.partition(" ")
            if os.stat(f"{folder}/{name}").st_mtime_ns != int(moment):  # noqa: PTH116
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
