"""The change digest: what exactly people agree to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable

from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.tree.files import FileEntry, TreeChange


def _sha256(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def change_digest(
    changes: Iterable[TreeChange], *, target: str, kind: ReleaseKind, also_changes: Collection[str] = ()
) -> str:
    """
    Return the SHA-256 (64 hex digits) over the sorted (path, mode, blob, deletion) list, target and kind.

    The order in which ``changes`` are given does not matter; every other difference does.

    :param also_changes: ids of DAGs that change with it though it does not name them; agreed to, too
    """
    rows = sorted(
        [
            change.path,
            change.entry.mode if change.entry else 0,
            change.entry.blob if change.entry else "",
            change.is_deletion,
        ]
        for change in changes
    )
    also = {"also_changes": sorted(also_changes)} if also_changes else {}
    return _sha256({"changes": rows, "kind": kind.value, "target": target, **also})


def files_digest(files: Iterable[FileEntry]) -> str:
    """Return the SHA-256 (64 hex digits) over the sorted (path, mode, blob) list of a unit's files."""
    rows = "".join(f"{file.path}\0{file.mode:o}\0{file.blob}\n" for file in sorted(files))
    return hashlib.sha256(rows.encode()).hexdigest()
