"""
The release store as a bare git repository on disk: what a mirror is, and what earlier versions kept.

Needs no git executable, and opens a repository that belongs to another user.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from dulwich.errors import ChecksumMismatch, NotGitRepository, ObjectFormatException
from dulwich.file import FileLocked
from dulwich.object_format import SHA1
from dulwich.object_store import DiskObjectStore
from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tree
from dulwich.refs import DiskRefsContainer, Ref
from dulwich.repo import Repo, UnsupportedExtension, UnsupportedVersion

from airflow_release_plugin.exceptions import StoreUnavailableError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.store.base import HEADS
from airflow_release_plugin.store.changes import in_the_way, moved
from airflow_release_plugin.store.memory import compressed, follow_parents
from airflow_release_plugin.store.objects import GitObject, ObjectKind, checked
from airflow_release_plugin.store.release_store import ReleaseStore

_NUMBERS = {
    ObjectKind.BLOB: Blob.type_num,
    ObjectKind.TREE: Tree.type_num,
    ObjectKind.COMMIT: Commit.type_num,
}
_KINDS = {number: kind for kind, number in _NUMBERS.items()}
_PACK_FROM = 64
"""So many objects become one pack: fast to write, but each pack makes every look-up slower."""


def create_repository(path: Path, *, branch: str = "main") -> ReleaseStore:
    """
    Make an empty bare repository in a folder that does not exist or is empty.

    :param branch: what a clone of it checks out
    """
    with _errors(path):
        path.mkdir(parents=True, exist_ok=True)
        Repo.init_bare(str(path), default_branch=branch.encode()).close()
    return open_repository(path)


def open_repository(path: Path) -> ReleaseStore:
    """The repository in a folder; ``StoreUnavailableError`` unless it is a bare one that can be read."""
    with _errors(path):
        if not path.exists():
            raise _unusable(path, Message("does not exist"))
        if not (path / "HEAD").is_file() or not (path / "objects").is_dir():
            raise _unusable(path, Message("is not a bare git repository"))
        try:
            with closing(Repo(str(path), bare=True)) as repo:
                usable = repo.object_format == SHA1 and isinstance(repo.refs, DiskRefsContainer)
        except (NotGitRepository, UnsupportedExtension, UnsupportedVersion):
            usable = False
    if not usable:
        raise _unusable(path, Message("has an unsupported git format (SHA-256, reftable)"))
    return ReleaseStore(BareObjects(path), BareRefs(path))


class BareObjects:
    """Objects of a bare repository. Holds no file open between calls: serves threads, and survives a fork."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, ids: Collection[str], kind: ObjectKind) -> dict[str, GitObject]:
        found = {}
        with self._open() as objects:
            for object_id in ids:
                try:
                    number, data = objects.get_raw(ObjectID(object_id.encode()))
                except KeyError:
                    continue
                if _KINDS.get(number) is kind:
                    found[object_id] = checked(object_id, GitObject(kind, data))
        return found

    def sizes(self, blobs: Collection[str]) -> dict[str, int]:
        return {blob: len(found.data) for blob, found in self.load(blobs, ObjectKind.BLOB).items()}

    def existing(self, ids: Collection[str], kind: ObjectKind) -> set[str]:
        return set(self.load(ids, kind))

    def count_on(self, ids: Collection[str], kind: ObjectKind) -> set[str]:
        return self.existing(ids, kind)  # nothing ever goes

    def add(self, objects: Collection[GitObject]) -> None:
        with self._open() as stored:
            new = {each.id: each for each in objects if ObjectID(each.id.encode()) not in stored}
            shas = [ShaFile.from_raw_string(_NUMBERS[each.kind], each.data) for each in new.values()]
            if len(shas) >= _PACK_FROM:
                stored.add_objects([(sha, None) for sha in shas])
            else:
                for sha in shas:
                    stored.add_object(sha)

    def compressed(self, blobs: Collection[str]) -> dict[str, bytes]:
        return compressed(self, blobs)

    def chain(self, commit: str, limit: int) -> list[GitObject]:
        return follow_parents(self, commit, limit)

    @contextmanager
    def _open(self) -> Iterator[DiskObjectStore]:
        with _errors(self._path), closing(DiskObjectStore(self._path / "objects")) as objects:
            yield objects


class BareRefs:
    """Refs of a bare repository."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str) -> str | None:
        with _errors(self._path):
            found = self._container().read_ref(Ref(name.encode()))
        return found.decode() if found else None

    def with_prefix(self, prefix: str) -> dict[str, str]:
        with _errors(self._path):
            container = self._container()
            names = sorted(name for name in container.allkeys() if name.startswith(prefix.encode()))
            return {name.decode(): container[name].decode() for name in names if name.startswith(b"refs/")}

    def swap(self, name: str, expected: str | None, new: str) -> None:
        with _errors(self._path):
            if self.read(name) != expected or not self._swapped(name, expected, new):
                raise moved(name, expected, self.read(name))

    def note_heads(self, commits: Collection[str]) -> None:
        """Nothing to do: the history of a branch is its list of heads."""

    def was_head(self, commit: str) -> bool:
        objects = BareObjects(self._path)
        heads = self.with_prefix(HEADS).values()
        return any(commit == each.id for head in heads for each in objects.chain(head, sys.maxsize))

    def _swapped(self, name: str, expected: str | None, new: str) -> bool:
        ref, commit = Ref(name.encode()), ObjectID(new.encode())
        try:
            if expected is None:
                return self._container().add_if_new(ref, commit)
            return self._container().set_if_equals(ref, ObjectID(expected.encode()), commit)
        except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
            raise in_the_way(name) from error
        except FileLocked as error:
            raise _unusable(
                self._path,
                Message(
                    "is locked by another git program (remove %(ref)s.lock if none is running)", ref=name
                ),
            ) from error

    def _container(self) -> DiskRefsContainer:
        return DiskRefsContainer(self._path)  # no logger: a reflog needs an identity that we lack


def _unusable(path: Path, reason: str) -> StoreUnavailableError:
    return StoreUnavailableError("%(path)r %(reason)s. Name another folder.", path=str(path), reason=reason)


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unusable(path, Message("cannot be used (%(error)s)", error=error.strerror or error)) from error
    except (ChecksumMismatch, ObjectFormatException, zlib.error) as error:
        raise _unusable(path, Message("is damaged (%(error)s); run `git fsck` on it", error=error)) from error
