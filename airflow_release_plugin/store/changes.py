"""Rules for the changes of a commit that hold in every store."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_release_plugin.domain.tree.files import FileEntry, TreeChange
from airflow_release_plugin.exceptions import InvalidRequestError, StoreConflictError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.store.paths import check_mode, check_object_id, check_path


def in_the_way(path: str) -> InvalidRequestError:
    """Return the error for a path that is a file in one place and a folder in another."""
    return InvalidRequestError(
        "%(path)r cannot be written: a file and a folder would have the same name. Remove "
        "the other one in the same release, or rename this one.",
        path=path,
    )


def moved(name: str, expected: str | None, actual: str | None) -> StoreConflictError:
    """Return the error for a ref that is not where the writer expected it."""
    return StoreConflictError(
        Message(
            "%(name)s is at %(actual)s, not at %(expected)s. See what moved it and retry.",
            name=name,
            actual=actual or Message("nothing"),
            expected=expected or Message("nothing"),
        ),
        ref=name,
        expected=expected,
        actual=actual,
    )


def by_path(changes: Iterable[TreeChange]) -> dict[str, FileEntry | None]:
    """
    Return ``{path: entry or None}`` in path order, checked.

    Raises ``InvalidRequestError`` for a path, mode or blob id that cannot be, and for a path twice.
    """
    found: dict[str, FileEntry | None] = {}
    for change in changes:
        path = check_path(change.path)
        if path in found:
            raise InvalidRequestError("%(path)r is changed twice in one commit.", path=path)
        if change.entry is not None:
            check_mode(path, change.entry.mode)
            check_object_id(change.entry.blob)
            found[path] = FileEntry(path, change.entry.mode, change.entry.blob, change.entry.size)
        else:
            found[path] = None
    return dict(sorted(found.items()))
