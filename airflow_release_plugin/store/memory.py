"""The release store in memory: the same contract and the same ids as git, for tests and dry runs."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from airflow_release_plugin.domain.tree.files import FileEntry, TreeChange, blob_id
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.store.base import CommitFacts, CommitMessage
from airflow_release_plugin.store.changes import by_path, in_the_way, moved
from airflow_release_plugin.store.message import decode_commit, encode_commit
from airflow_release_plugin.store.paths import check_mode, check_object_id, check_path, check_ref

_Files = dict[str, FileEntry]


class MemoryReleaseStore:
    """A release store that lives as long as the object."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._commits: dict[str, tuple[CommitFacts, _Files]] = {}
        self._refs: dict[str, str] = {}
        self._lock = threading.Lock()

    def ensure(self) -> None:
        """Nothing to create."""

    def write_files(self, files: Mapping[str, tuple[int, bytes]]) -> tuple[FileEntry, ...]:
        entries = [
            FileEntry(check_path(path), check_mode(path, mode), blob_id(data), len(data))
            for path, (mode, data) in files.items()
        ]
        for entry in entries:
            self._blobs[entry.blob] = files[entry.path][1]
        return tuple(sorted(entries))

    def read(self, blob: str) -> bytes:
        return next(self.read_all([blob]))[1]

    def read_all(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        for blob in blobs:
            if check_object_id(blob) not in self._blobs:
                raise NotFoundError(f"The store has no blob {blob}.")
            yield blob, self._blobs[blob]

    def files(self, commit: str | None) -> dict[str, FileEntry]:
        return {} if commit is None else dict(self._get(commit)[1])

    def entries(self, commit: str | None, paths: Iterable[str]) -> dict[str, FileEntry]:
        wanted = {check_path(path) for path in paths}
        return {path: entry for path, entry in self.files(commit).items() if path in wanted}

    def changes(self, old: str | None, new: str) -> tuple[TreeChange, ...]:
        before, after = self.files(old), self.files(new)
        paths = sorted({*before, *after})
        return tuple(
            TreeChange(path, after.get(path)) for path in paths if before.get(path) != after.get(path)
        )

    def commit(
        self,
        *,
        parent: str | None,
        changes: Iterable[TreeChange],
        message: CommitMessage,
        author: str,
        time: datetime,
    ) -> str:
        files = self.files(parent)
        for path, entry in by_path(changes).items():
            if entry is None:
                files.pop(path, None)
            elif entry.blob not in self._blobs:
                raise NotFoundError(f"The store has no blob {entry.blob}, which {path!r} needs.")
            else:
                files[path] = FileEntry(path, entry.mode, entry.blob, len(self._blobs[entry.blob]))
        for path in files:
            parts = path.split("/")
            if any("/".join(parts[:depth]) in files for depth in range(1, len(parts))):
                raise in_the_way(path)
        raw = encode_commit(
            tree=_tree_id(files),
            parents=[parent] if parent else [],
            author=author,
            time=time,
            message=message,
        )
        facts = decode_commit(raw)
        self._commits[facts.id] = (facts, dict(sorted(files.items())))
        return facts.id

    def commit_facts(self, commit: str) -> CommitFacts:
        return self._get(commit)[0]

    def history(self, commit: str | None, *, limit: int = 100) -> Sequence[CommitFacts]:
        found: list[CommitFacts] = []
        while commit is not None and len(found) < limit:
            found.append(self.commit_facts(commit))
            commit = next(iter(found[-1].parents), None)
        return found

    def ref(self, name: str) -> str | None:
        return self._refs.get(check_ref(name))

    def refs(self, prefix: str) -> dict[str, str]:
        return {name: commit for name, commit in sorted(self._refs.items()) if name.startswith(prefix)}

    def move_ref(self, name: str, *, expected: str | None, new: str) -> None:
        check_ref(name)
        self._get(new)
        with self._lock:
            actual = self._refs.get(name)
            if actual != expected:
                raise moved(name, expected, actual)
            others = self._refs.keys() - {name}
            if any(other.startswith(f"{name}/") or name.startswith(f"{other}/") for other in others):
                raise in_the_way(name)
            self._refs[name] = new

    def _get(self, commit: str) -> tuple[CommitFacts, _Files]:
        if check_object_id(commit) not in self._commits:
            raise NotFoundError(f"The store has no commit {commit}.")
        return self._commits[commit]


def _tree_id(files: Mapping[str, FileEntry]) -> str:
    """Return git's id of the tree that holds ``files``."""
    entries: dict[str, tuple[str, str]] = {}
    below: dict[str, dict[str, FileEntry]] = {}
    for path, entry in files.items():
        name, slash, rest = path.partition("/")
        if slash:
            below.setdefault(name, {})[rest] = entry
        else:
            entries[name] = (f"{entry.mode:o}", entry.blob)
    # git sorts a folder as if its name ended in a slash
    order = {name.encode(): name for name in entries} | {f"{name}/".encode(): name for name in below}
    entries |= {name: ("40000", _tree_id(inner)) for name, inner in below.items()}
    raw = b"".join(
        f"{entries[name][0]} {name}".encode() + b"\x00" + bytes.fromhex(entries[name][1])
        for _, name in sorted(order.items())
    )
    return hashlib.sha1(b"tree %d\x00" % len(raw) + raw, usedforsecurity=False).hexdigest()
