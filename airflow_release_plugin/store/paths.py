"""Names that may become files: paths, refs, object ids. What is refused here never reaches git or a disk."""

from __future__ import annotations

import re

from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR
from airflow_release_plugin.domain.tree.paths import path_problem
from airflow_release_plugin.exceptions import InvalidRequestError

_OBJECT_ID = re.compile(r"[0-9a-f]{40}")
# git-check-ref-format(1), minus what a file system may not hold
_REF_PART = re.compile(r"(?!\.)(?!.*\.\.)(?!.*@\{)[^\x00-\x20\x7f~^:?*\[\\/]+(?<!\.)(?<!\.lock)")


def check_path(path: str) -> str:
    """Return ``path`` if it may be part of a tree; ``InvalidRequestError`` with the reason otherwise."""
    if reason := path_problem(path):
        raise InvalidRequestError(
            "Path %(path)r cannot be stored: %(reason)s. Rename the file.", path=path, reason=reason
        )
    return path


def check_mode(path: str, mode: int) -> int:
    """Return ``mode`` if it is that of a plain or executable file; ``InvalidRequestError`` otherwise."""
    if mode not in {REGULAR, EXECUTABLE}:
        raise InvalidRequestError(
            "%(path)r has mode %(mode)s, but only files (%(regular)s, %(executable)s) can be "
            "stored. Replace a link by the file it points at.",
            path=path,
            mode=f"{mode:o}",
            regular=f"{REGULAR:o}",
            executable=f"{EXECUTABLE:o}",
        )
    return mode


def check_object_id(object_id: str) -> str:
    """Return a full lower-case SHA-1; raise ``InvalidRequestError`` for anything else."""
    if not _OBJECT_ID.fullmatch(object_id):
        raise InvalidRequestError(
            "%(object_id)r is not an object id; give all 40 hexadecimal digits.", object_id=object_id
        )
    return object_id


def check_ref(name: str) -> str:
    """Return a full ref name that git and the file system accept; raise ``InvalidRequestError`` otherwise."""
    parts = name.split("/")
    usable = len(parts) >= 3 and parts[0] == "refs" and all(_REF_PART.fullmatch(part) for part in parts)
    try:
        usable = usable and all(len(part.encode()) <= 240 for part in parts)
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise InvalidRequestError(
            "%(name)r is not a valid ref name; use letters, digits, '-', '_' and '.'.", name=name
        )
    return name
