"""What a release store can do. Git keeps it; an in-memory twin keeps the same contract for tests and dry runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from airflow_release_plugin.domain.files import FileEntry, TreeChange


@dataclass(frozen=True)
class CommitFacts:
    """
    A commit.

    :param id: 40 hex digits
    :param parents: ids; the history of an environment is linear, so none or one
    :param trailers: ``(key, value)`` in order; a key may repeat
    """

    id: str
    tree: str
    parents: tuple[str, ...]
    title: str
    body: str
    trailers: tuple[tuple[str, str], ...]
    author: str
    time: datetime


@dataclass(frozen=True)
class CommitMessage:
    """Title, optional body, and trailers (``Release``, ``Kind``, ``Requested-by``, …) of a commit to be made."""

    title: str
    body: str = ""
    trailers: tuple[tuple[str, str], ...] = field(default_factory=tuple)


def environment_ref(environment: str) -> str:
    """Ref of the branch that an environment serves."""
    return f"refs/heads/{environment}"


def tag_ref(number: str) -> str:
    """Ref that marks the commit of a release."""
    return f"refs/tags/{number}"


class ReleaseStore(Protocol):
    """
    Content-addressed files, commits and refs.

    Every method raises ``StoreUnavailableError`` when the store is missing, unreadable, read-only for a
    write, or not a git repository; ``NotFoundError`` for an unknown object; paths that are absolute, contain
    ``..``, ``.git``, backslashes, NUL or empty parts are refused with ``InvalidRequestError``.
    """

    def ensure(self) -> None:
        """Create the store if its folder does not exist or is empty; otherwise check that it can be used."""
        ...

    def write_files(self, files: Mapping[str, tuple[int, bytes]]) -> tuple[FileEntry, ...]:
        """Store ``{path: (mode, bytes)}`` byte for byte and durably; return sorted entries. Refs do not move."""
        ...

    def read(self, blob: str) -> bytes:
        """Bytes of a blob."""
        ...

    def files(self, commit: str | None) -> dict[str, FileEntry]:
        """All files of a commit by path, recursively; ``{}`` for ``None``."""
        ...

    def entries(self, commit: str | None, paths: Iterable[str]) -> dict[str, FileEntry]:
        """The entries of ``paths`` that exist in the commit; costs by the number of paths, not of the tree."""
        ...

    def changes(self, old: str | None, new: str) -> tuple[TreeChange, ...]:
        """Sorted paths that differ between two commits."""
        ...

    def commit(
        self,
        *,
        parent: str | None,
        changes: Iterable[TreeChange],
        message: CommitMessage,
        author: str,
        time: datetime,
    ) -> str:
        """
        Write the parent's tree with ``changes`` applied as a commit and return its id. Refs do not move.

        Deterministic: the same arguments give the same id. Blobs of the changes must be in the store.
        """
        ...

    def commit_facts(self, commit: str) -> CommitFacts:
        """A commit's facts."""
        ...

    def history(self, commit: str | None, *, limit: int = 100) -> Sequence[CommitFacts]:
        """The commit and its ancestors, newest first."""
        ...

    def ref(self, name: str) -> str | None:
        """Commit that a ref points at, or ``None``."""
        ...

    def refs(self, prefix: str) -> dict[str, str]:
        """Refs that start with ``prefix``."""
        ...

    def move_ref(self, name: str, *, expected: str | None, new: str) -> None:
        """Compare-and-swap, durable. ``expected=None`` creates. Raises ``StoreConflictError`` when the ref differs."""
        ...
