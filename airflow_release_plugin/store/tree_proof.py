"""Whether the files that somebody names are those of a commit, told from the commit's id alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import DamagedAnswerError, InvalidRequestError
from airflow_release_plugin.store import trees
from airflow_release_plugin.store.message import decode_commit
from airflow_release_plugin.store.objects import GitObject, ObjectKind
from airflow_release_plugin.store.paths import check_path


class _Nothing:
    """Objects of a store that has none: all trees are made of the files."""

    def load(self, ids: Collection[str], kind: ObjectKind) -> dict[str, GitObject]:
        return {}

    def sizes(self, blobs: Collection[str]) -> dict[str, int]:
        return {}

    def compressed(self, blobs: Collection[str]) -> dict[str, bytes]:
        return {}

    def existing(self, ids: Collection[str], kind: ObjectKind) -> set[str]:
        return set()

    def count_on(self, ids: Collection[str], kind: ObjectKind) -> set[str]:
        return set()

    def add(self, objects: Collection[GitObject]) -> None:
        return None

    def chain(self, commit: str, limit: int) -> list[GitObject]:
        return []


def proven_files(commit: str, content: bytes, files: Iterable[FileEntry]) -> dict[str, FileEntry]:
    """
    Return the files by path if they are all that a commit has, and none is missing.

    :param content: of the commit object; its SHA-1 as git takes it must be ``commit``
    :raises DamagedAnswerError: they are not
    """
    if GitObject(ObjectKind.COMMIT, content).id != commit:
        raise DamagedAnswerError("What came as version %(commit)s is another commit.", commit=commit)
    try:
        found = {check_path(file.path): file for file in sorted(files)}
        tree = trees.rewrite(_Nothing(), None, found)[-1].id
        named = decode_commit(content).tree
    except (InvalidRequestError, KeyError, ValueError, IndexError) as error:
        raise DamagedAnswerError(
            "Version %(commit)s came with files that cannot be (%(error)s).", commit=commit, error=error
        ) from error
    if tree != named:
        raise DamagedAnswerError("Version %(commit)s came with other files than it has.", commit=commit)
    return found
