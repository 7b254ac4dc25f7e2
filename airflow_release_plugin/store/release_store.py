"""The release store: files, commits and refs as git has them, over whatever keeps objects and refs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from airflow_release_plugin.domain.tree.files import FileEntry, TreeChange
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.store import trees
from airflow_release_plugin.store.base import HEADS, CommitFacts, CommitMessage, environment_ref
from airflow_release_plugin.store.changes import by_path
from airflow_release_plugin.store.message import decode_commit, encode_commit
from airflow_release_plugin.store.objects import GitObject, ObjectKind, Objects, Refs, load_all, not_found
from airflow_release_plugin.store.paths import check_mode, check_object_id, check_path, check_ref
from airflow_release_plugin.store.signature import Signer

_READ_BYTES = 16 * 1024 * 1024
_READ_BLOBS = 1000
"""So much is read at a time."""
_LONGEST_HISTORY = 1_000_000


class ReleaseStore:
    """
    Content-addressed files, commits and refs.

    Every method raises ``NotFoundError`` for an unknown object, ``StoreUnavailableError`` for a damaged one
    and where what is below cannot be used; paths that cannot travel (``domain/tree/paths.py``) are refused
    with ``InvalidRequestError``.

    :param objects: what it is built on; for those that copy from one store into another
    """

    def __init__(self, objects: Objects, refs: Refs) -> None:
        self.objects = objects
        self._refs = refs

    def write_files(self, files: Mapping[str, tuple[int, bytes]]) -> tuple[FileEntry, ...]:
        """Store ``{path: (mode, bytes)}`` byte for byte; return sorted entries. Refs do not move."""
        blobs: dict[str, GitObject] = {}
        entries = []
        for path, (mode, data) in files.items():
            blob = GitObject(ObjectKind.BLOB, data)
            entries.append(FileEntry(check_path(path), check_mode(path, mode), blob.id, len(data)))
            blobs[blob.id] = blob
        self.objects.add(blobs.values())
        return tuple(sorted(entries))

    def read(self, blob: str) -> bytes:
        """Bytes of a blob."""
        return next(self.read_all([blob]))[1]

    def read_all(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """``(blob, bytes)`` of many blobs in their order, read in batches of a few megabytes."""
        wanted = [check_object_id(blob) for blob in blobs]
        sizes = self.objects.sizes(wanted) if len(wanted) > 1 else {}
        batch: list[str] = []
        size = 0
        for blob in wanted:
            batch.append(blob)
            size += sizes.get(blob, 0)
            if size >= _READ_BYTES or len(batch) >= _READ_BLOBS:
                yield from self._read_batch(batch)
                batch, size = [], 0
        yield from self._read_batch(batch)

    def _read_batch(self, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        found = load_all(self.objects, blobs, ObjectKind.BLOB)
        return ((blob, found[blob].data) for blob in blobs)

    def files(self, commit: str | None) -> dict[str, FileEntry]:
        """All files of a commit by path, recursively; ``{}`` for ``None``."""
        if commit is None:
            return {}
        return trees.with_sizes(self.objects, trees.walk(self.objects, self._tree(commit)))

    def entries(self, commit: str | None, paths: Iterable[str]) -> dict[str, FileEntry]:
        """Entries of ``paths`` that exist in the commit; costs by the number of paths, not of the tree."""
        wanted = {check_path(path) for path in paths}
        if commit is None or not wanted:
            return {}
        return trees.with_sizes(self.objects, trees.find(self.objects, self._tree(commit), wanted))

    def around(self, commit: str | None, paths: Iterable[str]) -> set[str]:
        """
        Files of a commit that lie in the folders above ``paths``; ``a/b/`` for another folder in there.

        Costs by the number of paths, not of the tree.
        """
        wanted = {check_path(path) for path in paths}
        return trees.around(self.objects, self._tree(commit), wanted) if commit and wanted else set()

    def changes(self, old: str | None, new: str) -> tuple[TreeChange, ...]:
        """Sorted paths that differ between two commits."""
        found = trees.compare(self.objects, self._tree(old) if old else None, self._tree(new))
        entries = trees.with_sizes(self.objects, {path: item for path, item in found.items() if item})
        return tuple(TreeChange(path, entries.get(path)) for path in sorted(found))

    def commit(
        self,
        *,
        parent: str | None,
        changes: Iterable[TreeChange],
        message: CommitMessage,
        author: str,
        time: datetime,
        signer: Signer | None = None,
    ) -> str:
        """
        Write the parent's tree with ``changes`` applied as a commit and return its id. Refs do not move.

        Deterministic: the same arguments give the same id. Blobs of the changes must be in the store
        (``NotFoundError``). Deleting what is not there is no error. A file goes away only if a change
        names it: one that would have to make room for a folder of its name is ``InvalidRequestError``.
        """
        wanted = by_path(changes)
        before = self._tree(parent) if parent else None
        self._require_blobs(wanted)
        made = trees.rewrite(self.objects, before, wanted)
        content = encode_commit(
            tree=made[-1].id,
            parents=[parent] if parent else [],
            author=author,
            time=time,
            message=message,
            signer=signer,
        )
        commit = GitObject(ObjectKind.COMMIT, content)
        self.objects.add([*made, commit])
        return commit.id

    def commit_tree(
        self, tree: str, new: Iterable[GitObject], *, message: CommitMessage, author: str, time: datetime
    ) -> str:
        """
        Write a whole tree as a commit without parent and return its id. Refs do not move.

        :param new: the tree, and what is below it, as far as the store may lack it; added as it is
        """
        content = encode_commit(tree=tree, parents=[], author=author, time=time, message=message)
        commit = GitObject(ObjectKind.COMMIT, content)
        self.objects.add([*new, commit])
        return commit.id

    def commit_facts(self, commit: str) -> CommitFacts:
        """A commit's facts."""
        return decode_commit(self._commit(commit).data)

    def history(self, commit: str | None, *, limit: int = 100) -> Sequence[CommitFacts]:
        """The commit and its ancestors, newest first."""
        if commit is None:
            return []
        chain = self.objects.chain(check_object_id(commit), limit)
        if not chain:
            raise not_found(ObjectKind.COMMIT, commit)
        return [decode_commit(found.data) for found in chain]

    def ref(self, name: str) -> str | None:
        """Commit that a ref points at, or ``None``."""
        return self._refs.read(check_ref(name))

    def head(self, environment: str) -> str | None:
        """Commit that an environment is at; ``None`` before its first release."""
        return self.ref(environment_ref(environment))

    def require_released(self, commit: str) -> None:
        """Raise ``NotFoundError`` unless an environment is, or was, at the commit."""
        if not self._refs.was_head(check_object_id(commit)):
            raise NotFoundError(
                "Version %(version)s was never released: it is on no environment's branch. See that "
                "this is the Airflow that released it.",
                version=commit,
            )

    def commit_content(self, commit: str) -> bytes:
        """Content of a commit object: what its id is the hash of."""
        return self._commit(commit).data

    def compressed(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """``(blob, what zlib made of its bytes)``, as it is kept where it is kept like that."""
        wanted = [check_object_id(blob) for blob in blobs]
        found = self.objects.compressed(wanted)
        for blob in wanted:
            if blob not in found:
                raise not_found(ObjectKind.BLOB, blob)
            yield blob, found[blob]

    def refs(self, prefix: str) -> dict[str, str]:
        """Refs that start with ``prefix``."""
        return self._refs.with_prefix(prefix)

    def move_ref(self, name: str, *, expected: str | None, new: str) -> None:
        """Compare-and-swap; ``expected=None`` creates. ``StoreConflictError`` if the ref differs."""
        check_ref(name)
        if new not in self.objects.existing([check_object_id(new)], ObjectKind.COMMIT):
            raise not_found(ObjectKind.COMMIT, new)
        self._refs.swap(name, expected, new)
        if name.startswith(HEADS):
            # A branch that comes with a history was released commit by commit, if elsewhere
            history = self.history(new, limit=_LONGEST_HISTORY) if expected is None else ()
            self._refs.note_heads({new, *(commit.id for commit in history)})

    def _commit(self, commit: str) -> GitObject:
        return load_all(self.objects, [check_object_id(commit)], ObjectKind.COMMIT)[commit]

    def _tree(self, commit: str) -> str:
        return decode_commit(self._commit(commit).data).tree

    def _require_blobs(self, wanted: Mapping[str, FileEntry | None]) -> None:
        needed = {entry.blob: entry.path for entry in wanted.values() if entry}
        for blob in needed.keys() - self.objects.existing(needed, ObjectKind.BLOB):
            raise not_found(ObjectKind.BLOB, blob, needed_by=needed[blob])
