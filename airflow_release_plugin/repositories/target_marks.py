"""Queries on those in the target whom a change may concern."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, delete, insert, select

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.models import Submission, TargetMark, Unit
from airflow_release_plugin.repositories.id_sets import is_one_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class FiledVersion:
    """A version that the target holds, as far as it is told by what it serves."""

    unit_id: int
    path: str
    dag_ids: list[str]
    release_id: int | None


def live_under(session: Session, source: str, marks: Collection[str]) -> list[Submission]:
    """
    Versions of a source that the target holds and that are filed under any of these, by unit; one query.

    Few others may be among them, of which the hash is the same.
    """
    return list(session.scalars(_filed(session, source, marks, Submission))) if marks else []


def narrow_under(session: Session, source: str, marks: Collection[str]) -> list[FiledVersion]:
    """The same without what is in the versions, for whoever asks often; one query."""
    if not marks:
        return []
    columns = (Submission.unit_id, Submission.path, Submission.dag_ids, Submission.release_id)
    return [FiledVersion(*row) for row in session.execute(_filed(session, source, marks, *columns))]


def _filed(session: Session, source: str, marks: Collection[str], *columns: Any) -> Select[Any]:
    filed = select(TargetMark.submission_id).where(
        is_one_of(session, TargetMark.mark, sorted(map(_hashed, marks)))
    )
    return (
        select(*columns)
        .join(Unit, Unit.id == Submission.unit_id)
        .where(
            Submission.id.in_(filed),
            Submission.state == SubmissionState.RELEASED,
            Submission.change != ChangeKind.DELETED,
            Unit.source == source,
        )
        .order_by(Submission.unit_id)
    )


def file_under(session: Session, marks: Mapping[int, Collection[str]], gone: Collection[int] = ()) -> None:
    """
    File versions under these marks only, and those that are in the target no more under none.

    :param marks: by version
    """
    replaced = sorted({*gone, *marks})
    if replaced:
        session.execute(
            delete(TargetMark).where(is_one_of(session, TargetMark.submission_id, replaced)),
            execution_options={"synchronize_session": False},
        )
    rows = [
        {"mark": mark, "submission_id": version}
        for version, names in sorted(marks.items())
        for mark in sorted(set(map(_hashed, names)))
    ]
    if rows:
        session.execute(insert(TargetMark), rows)


def _hashed(mark: str) -> int:
    # What code looks for, and what assets are called, need be neither valid Unicode nor names of files
    digest = blake2b(mark.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
