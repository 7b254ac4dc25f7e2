"""Bytes of many files, for whoever takes them slowly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.store.wire import END, frame

_BYTES = 2 * 1024 * 1024
_FRAMED_BYTES = 4 * 1024 * 1024
_FILES = 500
"""So much is in memory at a time, and the file with which it becomes more."""

T = TypeVar("T")


def stream(files: Iterable[FileEntry], work: Work = unit_of_work) -> Iterator[tuple[FileEntry, bytes]]:
    """
    ``(entry, bytes)`` of files in their order.

    Each few megabytes are read in a transaction of their own: a slow download holds none open.
    """
    for batch in _batches(files, lambda entry: entry.size, _BYTES):
        with work() as (ctx, _):
            found = [data for _, data in ctx.store.read_all(entry.blob for entry in batch)]
        yield from zip(batch, found, strict=True)


def framed(blobs: Iterable[str], sizes: Mapping[str, int], work: Work = unit_of_work) -> Iterator[bytes]:
    """
    Blobs as they travel (:mod:`airflow_release_plugin.store.wire`), each batch in a transaction of its own.

    :param sizes: bytes of each blob, and perhaps of others
    """
    for batch in _batches(blobs, sizes.__getitem__, _FRAMED_BYTES):
        with work() as (ctx, _):
            row = b"".join(frame(blob, data) for blob, data in ctx.store.compressed(batch))
        yield row
    yield END


def _batches(items: Iterable[T], size_of: Callable[[T], int], most_bytes: int) -> Iterator[list[T]]:
    batch: list[T] = []
    size = 0
    for item in items:
        batch.append(item)
        size += size_of(item)
        if size >= most_bytes or len(batch) >= _FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
