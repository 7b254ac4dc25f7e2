"""
Reading a bare repository's refs with nothing but the standard library.

A dag processor asks for the branch of its environment every few seconds, and a task's start-up must not pay
for a git library. Unlike git libraries, this never takes an unreadable ref for a missing one: that would make
an environment look as if nothing had ever been released.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from airflow_release_plugin.exceptions import InvalidRequestError, StoreUnavailableError
from airflow_release_plugin.store.paths import check_object_id, check_ref

_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


def unavailable(path: Path, reason: str, *, missing: bool = False) -> StoreUnavailableError:
    """Return the error for a store that cannot be used, with what to look at."""
    return StoreUnavailableError(
        f"The release store {str(path)!r} {reason}. Check [release] store_path and the folder's permissions.",
        store=str(path),
        missing=missing,
    )


def require_repository(path: Path) -> None:
    """Raise ``StoreUnavailableError`` unless ``path`` is a bare git repository that can be read."""
    try:
        if not path.is_dir():
            if path.exists():
                raise unavailable(path, "is a file, not a folder")
            reason = "does not exist (the API server of a new installation makes it when it starts)"
            raise unavailable(path, reason, missing=True)
        with (path / "HEAD").open("rb") as head:
            head.read(1)
        usable = (path / "objects").is_dir() and (path / "refs").is_dir()
    except _ABSENT:
        usable = False
    except OSError as error:
        raise unavailable(path, f"cannot be read ({error.strerror})") from error
    if not usable:
        raise unavailable(path, "is not a bare git repository")


def _packed(path: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = (path / "packed-refs").read_text(encoding="utf-8", errors="replace").splitlines()
    except _ABSENT:
        return
    for line in lines:
        if line[:1] not in {"#", "^", ""}:
            commit, _, name = line.partition(" ")
            yield name, commit


def _loose(path: Path, name: str) -> str | None:
    try:
        return check_object_id((path / name).read_text(encoding="ascii", errors="replace").strip())
    except _ABSENT:
        return None
    except InvalidRequestError as error:
        raise unavailable(path, f"has a damaged ref {name!r}") from error


def read_ref(path: Path, name: str) -> str | None:
    """
    Commit that the ref points at, or ``None`` if there is no such ref.

    Costs one small read while the ref is loose. Raises ``StoreUnavailableError`` when that cannot be told.
    """
    check_ref(name)
    try:
        if commit := _loose(path, name):
            return commit
        packed = dict(_packed(path)).get(name)
    except OSError as error:
        raise unavailable(path, f"cannot be read ({error.strerror})") from error
    if packed is None:
        require_repository(path)
    return packed


def read_refs(path: Path, prefix: str) -> dict[str, str]:
    """Refs that start with ``prefix``, loose before packed. Raises ``StoreUnavailableError``."""
    require_repository(path)
    try:
        found = {name: commit for name, commit in _packed(path) if name.startswith(prefix)}
        for name in _loose_names(path, prefix):
            if commit := _loose(path, name):
                found[name] = commit
    except OSError as error:
        raise unavailable(path, f"cannot be read ({error.strerror})") from error
    return dict(sorted(found.items()))


def _loose_names(path: Path, prefix: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        if not isinstance(error, _ABSENT):
            raise error

    start = path / prefix.rpartition("/")[0] if prefix.startswith("refs/") else path / "refs"
    for folder, _, names in os.walk(start, onerror=refuse):
        for file_name in names:
            name = (Path(folder) / file_name).relative_to(path).as_posix()
            if name.startswith(prefix) and not name.endswith(".lock"):
                yield name
