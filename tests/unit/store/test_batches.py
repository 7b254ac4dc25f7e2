"""However many files there are, only some megabytes of them are in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.store.batches import BATCH_BYTES, write_in_batches
from airflow_release_plugin.store.memory import MemoryObjects, MemoryRefs
from airflow_release_plugin.store.release_store import ReleaseStore

HALF = bytes(BATCH_BYTES // 2 + 1)


class Diary(ReleaseStore):
    """Writes down what happened in which order."""

    def __init__(self) -> None:
        super().__init__(MemoryObjects(), MemoryRefs())
        self.events: list[object] = []

    def write_files(self, files: Mapping[str, tuple[int, bytes]]) -> tuple[FileEntry, ...]:
        self.events.append(set(files))
        return super().write_files(files)

    def reading(self, *names: str) -> Iterator[tuple[str, int, bytes]]:
        """Files of half a batch each."""
        for name in names:
            self.events.append(name)
            yield name, 0o100644, HALF


def test_a_full_batch_is_stored_before_the_next_file_is_read() -> None:
    store = Diary()

    write_in_batches(store, store.reading("a", "b", "c"))

    assert store.events == ["a", "b", {"a", "b"}, "c", {"c"}]


def test_the_entries_of_all_batches_come_back() -> None:
    store = Diary()

    entries = write_in_batches(store, store.reading("a", "b", "c"))

    assert [entry.path for entry in entries] == ["a", "b", "c"]
    assert {store.read(entry.blob) for entry in entries} == {HALF}
