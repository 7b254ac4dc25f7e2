"""Many files into a store, however large they are together."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.store.release_store import ReleaseStore

BATCH_BYTES = 32 * 1024 * 1024
"""So much is in memory at a time, and the file with which it becomes more."""


def write_in_batches(store: ReleaseStore, files: Iterable[tuple[str, int, bytes]]) -> list[FileEntry]:
    """Store ``(path, mode, bytes)`` of each; ``files`` is read on only when what came before is stored."""
    entries: list[FileEntry] = []
    batch: dict[str, tuple[int, bytes]] = {}
    size = 0
    for path, mode, data in files:
        batch[path] = (mode, data)
        size += len(data)
        if size > BATCH_BYTES:
            entries += store.write_files(batch)
            batch, size = {}, 0
    return [*entries, *store.write_files(batch)]
