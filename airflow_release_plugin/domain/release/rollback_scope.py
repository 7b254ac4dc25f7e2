"""What people go back to: a DAG at a version, a release undone, the environment at a moment; or retire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from airflow_release_plugin.exceptions import InvalidRequestError


@dataclass(frozen=True)
class DagTarget:
    """One DAG, with the file that defines it, back to a version that was released once."""

    dag_id: str
    version: int


@dataclass(frozen=True)
class UndoRelease:
    """What a release changed, back to how it was before."""

    release_id: int


@dataclass(frozen=True)
class PointInTime:
    """The whole environment as it was at a moment, or just after a release."""

    moment: datetime | None = None
    after_release_id: int | None = None


@dataclass(frozen=True)
class Retire:
    """DAGs, with the files that define them, out of the target; their history stays."""

    dag_ids: tuple[str, ...]


Scope = DagTarget | UndoRelease | PointInTime | Retire


def scope_of(
    *,
    dag_id: str = "",
    version: int | None = None,
    release_id: int | None = None,
    moment: datetime | None = None,
    after_release_id: int | None = None,
    retire: Sequence[str] = (),
) -> Scope:
    """The scope that somebody named. Raises ``InvalidRequestError`` unless it is exactly one."""
    found: list[Scope] = []
    if dag_id and version is not None:
        found.append(DagTarget(dag_id, version))
    if release_id is not None:
        found.append(UndoRelease(release_id))
    if moment is not None or after_release_id is not None:
        found.append(PointInTime(moment, after_release_id))
    if retire:
        found.append(Retire(tuple(retire)))
    is_half = bool(dag_id) != (version is not None) or None not in (moment, after_release_id)
    if len(found) != 1 or is_half:
        raise InvalidRequestError(
            "Say what to go back to, one of: a Dag and its version, a release, a moment of the "
            "environment or the release after which it was so; or which Dags to retire."
        )
    return found[0]
