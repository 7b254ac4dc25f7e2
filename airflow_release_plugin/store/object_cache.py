"""Objects that this process has read, up to a limit: they never change, so they are read once."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping

from airflow_release_plugin.store.objects import GitObject

LIMIT_BYTES = 64 * 1024 * 1024
_LARGEST = 1024 * 1024
"""A larger object would push out a thousand small ones."""
_OVERHEAD = 300
"""Bytes that an object takes beside its data, roughly."""
_SIZES = 200_000


class ObjectCache:
    """The objects that were used last, and the sizes of blobs; for threads, and for what a fork leaves."""

    def __init__(self, limit: int = LIMIT_BYTES) -> None:
        self._limit = limit
        self._objects: OrderedDict[str, GitObject] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self.used = 0
        self._lock = threading.Lock()
        # A thread that held the lock while the process forked is not there to give it back
        os.register_at_fork(after_in_child=self._unlock)

    def get(self, ids: Iterable[str]) -> dict[str, GitObject]:
        """Those of the objects that are here."""
        found = {}
        with self._lock:
            for object_id in ids:
                if object_id in self._objects:
                    self._objects.move_to_end(object_id)
                    found[object_id] = self._objects[object_id]
        return found

    def put(self, objects: Mapping[str, GitObject]) -> None:
        """Keep objects that are stored for good."""
        with self._lock:
            for object_id, each in objects.items():
                if object_id not in self._objects and len(each.data) <= _LARGEST:
                    self._objects[object_id] = each
                    self.used += _weight(each)
            while self.used > self._limit:
                self.used -= _weight(self._objects.popitem(last=False)[1])

    def sizes(self, blobs: Collection[str]) -> dict[str, int]:
        """Those of the sizes that are known."""
        with self._lock:
            return {blob: self._sizes[blob] for blob in blobs if blob in self._sizes}

    def put_sizes(self, sizes: Mapping[str, int]) -> None:
        """Keep sizes of blobs that are stored for good."""
        with self._lock:
            if len(self._sizes) + len(sizes) > _SIZES:
                self._sizes.clear()
            self._sizes.update(sizes)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._objects.clear()
            self._sizes.clear()
            self.used = 0

    def _unlock(self) -> None:
        self._lock = threading.Lock()


def _weight(each: GitObject) -> int:
    return len(each.data) + _OVERHEAD
