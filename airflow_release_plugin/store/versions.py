"""Where a machine gets the versions that it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from airflow_release_plugin.domain.release.machines import MachineSign
    from airflow_release_plugin.domain.tree.files import FileEntry


class VersionSource(Protocol):
    """
    Commits by id, as files and their bytes. What it says is checked by whoever serves it.

    Every method raises ``UnavailableError`` when it cannot be asked, with the host and what to do;
    ``NotFoundError`` for what it has not.
    """

    def head(self, environment: str, sign: MachineSign | None = None) -> str | None:
        """
        Commit that an environment is at; ``None`` before its first release.

        :param sign: which machine asks, for those who look after machines
        """
        ...

    def files(self, commit: str) -> dict[str, FileEntry]:
        """All files of a commit by path."""
        ...

    def read_all(self, commit: str, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """``(blob, bytes)`` of many blobs of a commit, in any order."""
        ...
