"""What a target holds, file by file, for lists over all of it; a process reads each version once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import JSON, Engine, type_coerce

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.models import Submission
from airflow_release_plugin.repositories.id_sets import is_one_of
from airflow_release_plugin.repositories.target_dags import live_query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

_MOST_VERSIONS = 50_000
_OBSERVED = "observed"


@dataclass(frozen=True)
class HeldVersion:
    """
    A version that the target holds, without why each file is in it.

    :param observed_paths: files of it that no text named and that were opened when it was run
    """

    id: int
    unit_id: int
    version: int
    path: str
    digest: str
    dag_ids: list[str]
    change: ChangeKind
    entries: tuple[FileEntry, ...]
    observed_paths: tuple[str, ...]

    @property
    def paths(self) -> list[str]:
        """Its files."""
        return [entry.path for entry in self.entries]


_Files = tuple[tuple[FileEntry, ...], tuple[str, ...]]


class _KnownFiles:
    """
    What is in versions. The commit names it: a version that a check completes gets another one.

    Entries that many versions share are kept once. Emptied when it is full.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[int, str], _Files] = {}
        self._entries: dict[FileEntry, FileEntry] = {}

    def get(self, key: tuple[int, str]) -> _Files | None:
        """What is in a version, if that is known."""
        return self._rows.get(key)

    def keep(self, key: tuple[int, str], closure: Iterable[dict[str, Any]]) -> _Files:
        """Note what is in a version."""
        if len(self._rows) >= _MOST_VERSIONS:
            self._rows.clear()
            self._entries.clear()
        closure = list(closure)
        made = (FileEntry(f["path"], f["mode"], f["blob"], f["size"]) for f in closure)
        entries = tuple(self._entries.setdefault(entry, entry) for entry in made)
        observed = tuple(file["path"] for file in closure if file["kind"] == _OBSERVED)
        self._rows[key] = (entries, observed)
        return entries, observed


_KNOWN: WeakKeyDictionary[Engine, _KnownFiles] = WeakKeyDictionary()
"""By database."""


def held_by_unit(session: Session, source: str) -> dict[int, HeldVersion]:
    """What the target holds of each unit of a source; two queries, the second for what is new here."""
    columns = (
        Submission.id,
        Submission.unit_id,
        Submission.version,
        Submission.path,
        Submission.digest,
        Submission.dag_ids,
        Submission.change,
        Submission.commit_id,
    )
    rows = session.execute(live_query(source, *columns)).all()
    found = _KNOWN.setdefault(session.get_bind().engine, _KnownFiles())
    files = {row.id: found.get((row.id, row.commit_id)) for row in rows}
    unknown = {row.id: row.commit_id for row in rows if files[row.id] is None}
    if unknown:
        # As JSON: the reasons are messages, and putting them together takes longer than all the rest.
        closure = type_coerce(Submission.closure, JSON)
        query = live_query(source, Submission.id, closure).where(
            is_one_of(session, Submission.id, list(unknown))
        )
        for version_id, stored in session.execute(query):
            files[version_id] = found.keep((version_id, unknown[version_id]), stored)
    return {
        row.unit_id: HeldVersion(
            row.id, row.unit_id, row.version, row.path, row.digest, row.dag_ids, row.change, *known
        )
        for row in rows
        if (known := files[row.id]) is not None
    }
