"""Bytes of many files, for whoever takes them slowly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

_BYTES = 2 * 1024 * 1024
_FILES = 500
"""So much is in memory at a time, and the file with which it becomes more."""


def stream(files: Iterable[FileEntry], work: Work = unit_of_work) -> Iterator[tuple[FileEntry, bytes]]:
    """
    ``(entry, bytes)`` of files in their order.

    Each few megabytes are read in a transaction of their own: a slow download holds none open.
    """
    for batch in _batches(files):
        with work() as (ctx, _):
            found = [data for _, data in ctx.store.read_all(entry.blob for entry in batch)]
        yield from zip(batch, found, strict=True)


def _batches(files: Iterable[FileEntry]) -> Iterator[list[FileEntry]]:
    batch: list[FileEntry] = []
    size = 0
    for entry in files:
        batch.append(entry)
        size += entry.size
        if size >= _BYTES or len(batch) >= _FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
