"""What a store is built on: git objects by id, and refs. Both are read and written in batches."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Protocol

from airflow_release_plugin.exceptions import NotFoundError, StoreUnavailableError


class ObjectKind(str, Enum):
    """Kinds of git objects, as git names them."""

    BLOB = "blob"
    TREE = "tree"
    COMMIT = "commit"


@dataclass(frozen=True)
class GitObject:
    """An immutable object; its id is the SHA-1 that git gives it."""

    kind: ObjectKind
    data: bytes

    @cached_property
    def id(self) -> str:
        """40 hex digits."""
        head = b"%s %d\x00" % (self.kind.value.encode(), len(self.data))
        return hashlib.sha1(head + self.data, usedforsecurity=False).hexdigest()


class Loading(Protocol):
    """Git objects by id, to read."""

    def load(self, ids: Collection[str], kind: ObjectKind) -> dict[str, GitObject]:
        """Those of the objects that exist and are of that kind, by id, each proven to be what its id says."""
        ...


class Objects(Loading, Protocol):
    """Git objects by id. What was added counts as there, for whoever added it, at once."""

    def sizes(self, blobs: Collection[str]) -> dict[str, int]:
        """Bytes of those of the blobs that exist, by id, without reading them."""
        ...

    def compressed(self, blobs: Collection[str]) -> dict[str, bytes]:
        """What zlib made of the bytes of those of the blobs that exist, by id."""
        ...

    def existing(self, ids: Collection[str], kind: ObjectKind) -> set[str]:
        """Which of the objects the store really has and are of that kind; never answered from a cache."""
        ...

    def count_on(self, ids: Collection[str], kind: ObjectKind) -> set[str]:
        """
        The same, for whoever makes something that needs them, though nothing may reach them now.

        None of them goes before that is stored. Where one is gone by then, storing it ends in
        ``ConflictError``.
        """
        ...

    def add(self, objects: Collection[GitObject]) -> None:
        """Store objects; those that are there stay as they are."""
        ...

    def chain(self, commit: str, limit: int) -> list[GitObject]:
        """A commit and its first parents, newest first, as far as they exist."""
        ...


class Refs(Protocol):
    """Names of commits. Names were checked by the caller."""

    def read(self, name: str) -> str | None:
        """Commit that a ref points at, or ``None``."""
        ...

    def with_prefix(self, prefix: str) -> dict[str, str]:
        """Refs that start with ``prefix``, sorted."""
        ...

    def swap(self, name: str, expected: str | None, new: str) -> None:
        """
        Compare-and-swap; ``expected=None`` creates.

        :raises StoreConflictError: the ref is elsewhere
        :raises InvalidRequestError: the name is a folder of another ref's name, or the reverse
        """
        ...

    def note_heads(self, commits: Collection[str]) -> None:
        """Remember that these commits are, or were, what a branch pointed at."""
        ...

    def was_head(self, commit: str) -> bool:
        """Whether a branch points at the commit, or once did."""
        ...


def load_all(objects: Loading, ids: Collection[str], kind: ObjectKind) -> Mapping[str, GitObject]:
    """Objects by id; ``NotFoundError`` unless all of them are there."""
    found = objects.load(ids, kind)
    if missing := next((name for name in ids if name not in found), None):
        raise not_found(kind, missing)
    return found


def not_found(kind: ObjectKind, object_id: str, *, needed_by: str = "") -> NotFoundError:
    """
    Return the error for an object that the store has not.

    :param needed_by: path of the file that it is the content of
    """
    if needed_by:
        return NotFoundError(
            "The store has no %(kind)s %(object_id)s, which %(path)r needs.",
            kind=kind.value,
            object_id=object_id,
            path=needed_by,
        )
    return NotFoundError("The store has no %(kind)s %(object_id)s.", kind=kind.value, object_id=object_id)


def checked(object_id: str, found: GitObject) -> GitObject:
    """Return ``found`` if it is what its id says; raise ``StoreUnavailableError`` otherwise."""
    if found.id != object_id:
        raise StoreUnavailableError(
            "%(kind)s %(object)s of the store is damaged: its bytes are those of %(found)s. "
            "Restore the database from a backup, or that object from a mirror.",
            kind=found.kind.value.capitalize(),
            found=found.id,
            object=object_id,
        )
    return found


def folders_of(name: str) -> Sequence[str]:
    """Names that a ref may not have beside ``name``, since it would be a file below them."""
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
