"""The release store as a bare git repository: byte for byte, without a git executable (ADR 0002)."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path

from dulwich.diff_tree import tree_changes
from dulwich.errors import ChecksumMismatch, NotGitRepository, ObjectFormatException
from dulwich.file import FileLocked
from dulwich.object_format import SHA1
from dulwich.object_store import DiskObjectStore
from dulwich.objects import Blob, Commit, ObjectID, ShaFile
from dulwich.pack import write_pack_index, write_pack_objects
from dulwich.refs import DiskRefsContainer, Ref
from dulwich.repo import Repo, UnsupportedExtension, UnsupportedVersion

from airflow_release_plugin import durable
from airflow_release_plugin.domain.tree.files import FileEntry, TreeChange
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.store import git_trees, refs
from airflow_release_plugin.store.base import CommitFacts, CommitMessage
from airflow_release_plugin.store.changes import by_path, in_the_way, moved
from airflow_release_plugin.store.message import decode_commit, encode_commit
from airflow_release_plugin.store.paths import check_mode, check_object_id, check_path, check_ref

LOOSE_LIMIT = 64
"""A write of more objects becomes one pack: fast to write, but each pack makes every look-up slower."""

_LOCK = "release.lock"


class GitReleaseStore:
    """
    A release store in the bare git repository ``path``.

    Holds no file open between calls: one instance serves threads, and survives a fork.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def ensure(self) -> None:
        with self._errors():
            if not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir())):
                self._create()
            refs.require_repository(self.path)
            try:
                with closing(Repo(str(self.path), bare=True)) as repo:
                    usable = repo.object_format == SHA1 and isinstance(repo.refs, DiskRefsContainer)
            except (NotGitRepository, UnsupportedExtension, UnsupportedVersion):
                usable = False
            if not usable:
                raise refs.unavailable(self.path, "has an unsupported git format (SHA-256, reftable)")
            with durable.exclusive(self.path / _LOCK), tempfile.TemporaryFile(dir=self.path / "objects"):
                pass  # both can be written

    def _create(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.path.parent, prefix=f".{self.path.name}-") as folder:
            beside = Path(folder) / "new"
            Repo.init_bare(str(beside), mkdir=True, default_branch=b"main").close()
            durable.sync_tree(beside)
            try:
                beside.rename(self.path)
            except OSError:
                refs.require_repository(self.path)  # another process was first, or this is a real error
        durable.sync_folder(self.path.parent)

    def write_files(self, files: Mapping[str, tuple[int, bytes]]) -> tuple[FileEntry, ...]:
        blobs: dict[str, Blob] = {}
        entries = []
        for path, (mode, data) in files.items():
            blob = Blob.from_string(data)
            entries.append(FileEntry(check_path(path), check_mode(path, mode), blob.id.decode(), len(data)))
            blobs[entries[-1].blob] = blob
        with self._objects() as objects:
            self._persist(objects, blobs.values())
        return tuple(sorted(entries))

    def read(self, blob: str) -> bytes:
        return next(self.read_all([blob]))[1]

    def read_all(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        with self._objects() as objects:
            for blob in blobs:
                yield blob, git_trees.load(objects, check_object_id(blob), Blob).data

    def files(self, commit: str | None) -> dict[str, FileEntry]:
        if commit is None:
            return {}
        with self._objects() as objects:
            found = {entry.path: entry for entry in git_trees.walk(objects, self._tree(objects, commit))}
        return dict(sorted(found.items()))

    def entries(self, commit: str | None, paths: Iterable[str]) -> dict[str, FileEntry]:
        wanted = sorted({check_path(path) for path in paths})
        if commit is None:
            return {}
        with self._objects() as objects:
            tree = self._tree(objects, commit)
            return {entry.path: entry for entry in git_trees.find(objects, tree, wanted)}

    def changes(self, old: str | None, new: str) -> tuple[TreeChange, ...]:
        found: dict[str, FileEntry | None] = {}
        with self._objects() as objects:
            before = self._tree(objects, old) if old else None
            for change in tree_changes(objects, before, self._tree(objects, new)):
                if change.new is not None and change.new.path is not None:
                    path = check_path(change.new.path.decode(errors="surrogateescape"))
                    found[path] = git_trees.entry_at(objects, path, change.new.mode, change.new.sha)
                elif change.old is not None and change.old.path is not None:
                    found.setdefault(change.old.path.decode(errors="surrogateescape"), None)
        return tuple(TreeChange(path, entry) for path, entry in sorted(found.items()))

    def commit(
        self,
        *,
        parent: str | None,
        changes: Iterable[TreeChange],
        message: CommitMessage,
        author: str,
        time: datetime,
    ) -> str:
        wanted = by_path(changes)
        made: list[ShaFile] = []
        with self._objects() as objects:
            for entry in wanted.values():
                if entry is not None and ObjectID(entry.blob.encode()) not in objects:
                    raise NotFoundError(f"The store has no blob {entry.blob}, which {entry.path!r} needs.")
            before = self._tree(objects, parent) if parent else None
            tree = git_trees.rewrite(objects, before, wanted, made)
            content = encode_commit(
                tree=tree.id.decode(),
                parents=[parent] if parent else [],
                author=author,
                time=time,
                message=message,
            )
            commit = ShaFile.from_raw_string(Commit.type_num, content)
            self._persist(objects, [*made, tree, commit])
            return commit.id.decode()

    def commit_facts(self, commit: str) -> CommitFacts:
        with self._objects() as objects:
            return self._facts(objects, commit)

    def history(self, commit: str | None, *, limit: int = 100) -> Sequence[CommitFacts]:
        found: list[CommitFacts] = []
        with self._objects() as objects:
            while commit is not None and len(found) < limit:
                found.append(self._facts(objects, commit))
                commit = next(iter(found[-1].parents), None)
        return found

    def ref(self, name: str) -> str | None:
        return refs.read_ref(self.path, name)

    def refs(self, prefix: str) -> dict[str, str]:
        return refs.read_refs(self.path, prefix)

    def move_ref(self, name: str, *, expected: str | None, new: str) -> None:
        check_ref(name)
        with self._objects() as objects:
            git_trees.load(objects, check_object_id(new), Commit)
        with self._errors(), self._ref_lock(name):
            if refs.read_ref(self.path, name) != expected or not self._swap(name, expected, new):
                raise moved(name, expected, refs.read_ref(self.path, name))
            durable.sync_folders((self.path / name).parent, self.path)

    def _swap(self, name: str, expected: str | None, new: str) -> bool:
        container = DiskRefsContainer(self.path)  # no logger: a reflog needs an identity that we lack
        ref, commit = Ref(name.encode()), ObjectID(new.encode())
        try:
            if expected is None:
                return container.add_if_new(ref, commit)
            return container.set_if_equals(ref, ObjectID(expected.encode()), commit)
        except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
            raise in_the_way(name) from error
        except FileLocked as error:
            raise refs.unavailable(
                self.path, f"is locked by another git program (remove {name}.lock if none is running)"
            ) from error

    @contextmanager
    def _ref_lock(self, name: str) -> Iterator[None]:
        """Let one process at a time move refs; the next one removes the lock file that a crash left."""
        with durable.exclusive(self.path / _LOCK) as note:
            note.seek(0)
            if crashed := note.read():
                (self.path / f"{crashed}.lock").unlink(missing_ok=True)
            note.truncate(0)
            note.write(name)
            note.flush()
            try:
                yield
            finally:
                note.truncate(0)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise refs.unavailable(self.path, f"cannot be used ({error.strerror or error})") from error
        except (ChecksumMismatch, ObjectFormatException, zlib.error) as error:
            raise refs.unavailable(self.path, f"is damaged ({error}); run `git fsck` on it") from error

    @contextmanager
    def _objects(self) -> Iterator[DiskObjectStore]:
        refs.require_repository(self.path)
        with self._errors(), closing(DiskObjectStore(self.path / "objects")) as objects:
            yield objects

    def _tree(self, objects: DiskObjectStore, commit: str) -> ObjectID:
        return ObjectID(git_trees.load(objects, check_object_id(commit), Commit).tree)

    def _facts(self, objects: DiskObjectStore, commit: str) -> CommitFacts:
        return decode_commit(git_trees.load(objects, check_object_id(commit), Commit).as_raw_string())

    def _persist(self, objects: DiskObjectStore, wanted: Iterable[ShaFile]) -> None:
        """Write the objects that are not there yet; they are on the disk when this returns."""
        new = list({item.id: item for item in wanted if item.id not in objects}.values())
        if len(new) > LOOSE_LIMIT:
            durable.write_files(self.path / "objects", _pack(new))
        elif new:
            names = ((item.id.decode(), item) for item in new)
            loose = {f"{name[:2]}/{name[2:]}": item.as_legacy_object() for name, item in names}
            durable.write_files(self.path / "objects", loose)


def _pack(objects: Sequence[ShaFile]) -> dict[str, bytes]:
    """Return pack and index by file name, the index last: git looks at no pack without its index."""
    pack, index = BytesIO(), BytesIO()
    positions, checksum = write_pack_objects(
        pack, [(item, None) for item in objects], object_format=SHA1, deltify=False
    )
    entries = sorted((name, *position) for name, position in positions.items())
    write_pack_index(index, entries, checksum)
    stem = f"pack/pack-{checksum.hex()}"
    return {f"{stem}.pack": pack.getvalue(), f"{stem}.idx": index.getvalue()}
