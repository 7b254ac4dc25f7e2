"""Queries of the search box: a few rows of each noun, by words that are parts of its names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, SQLColumnExpression, select
from sqlalchemy.orm import Session

from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.models import Flow, Release, Submission, Unit
from airflow_release_plugin.repositories import search_words
from airflow_release_plugin.repositories.id_sets import is_one_of
from airflow_release_plugin.repositories.pages import like_in_any_case
from airflow_release_plugin.repositories.release_lists import ReleaseScope, in_scope
from airflow_release_plugin.repositories.releases import effective_state


@dataclass(frozen=True)
class NamedRelease:
    """What tells a release from another."""

    id: int
    number: str
    title: str
    state: ReleaseState


@dataclass(frozen=True)
class NamedUnit:
    """What tells a DAG file from another; ids are those in the target."""

    id: int
    name: str
    path: str
    dag_ids: tuple[str, ...]


@dataclass(frozen=True)
class NamedVersion:
    """One version of a DAG file."""

    submission_id: int
    unit_id: int
    version: int
    state: SubmissionState


@dataclass(frozen=True)
class NamedFlow:
    """What tells a flow from another."""

    id: int
    name: str
    enabled: bool


def _named(column: SQLColumnExpression[str], word: str) -> ColumnElement[bool]:
    return column.ilike(like_in_any_case(word), escape="\\")


def releases_titled(
    session: Session, words: Sequence[Collection[int]], scope: ReleaseScope, *, now: datetime, limit: int
) -> list[NamedRelease]:
    """Releases of a scope with one word of each of these sets in their title, the newest first."""
    titled = [Release.id.in_(search_words.titled(session, word_ids)) for word_ids in words]
    return _releases(session, titled, scope, now, limit) if all(words) else []


def release_numbered(
    session: Session, release_id: int, scope: ReleaseScope, *, now: datetime
) -> list[NamedRelease]:
    """The release with that id, if the scope has it."""
    return _releases(session, [Release.id == release_id], scope, now, 1)


def _releases(
    session: Session,
    conditions: Sequence[ColumnElement[bool]],
    scope: ReleaseScope,
    now: datetime,
    limit: int,
) -> list[NamedRelease]:
    columns = (Release.id, Release.number, Release.title, effective_state(now))
    query = select(*columns).where(*conditions).order_by(Release.id.desc()).limit(limit)
    query = query.where(*in_scope(session, scope))
    return [NamedRelease(*row) for row in session.execute(query)]


_UNIT = (Unit.id, Unit.name, Unit.path, Unit.dag_ids)


def units_named(
    session: Session,
    source: str,
    parts: Sequence[str],
    *,
    readable: Collection[int] | None,
    limit: int,
) -> list[NamedUnit]:
    """
    DAG files of a source with each part in a name that they have or had, by name.

    :param readable: ids of those that count; ``None`` for all
    """
    named = search_words.units_with(session, parts) or set()
    chosen = named if readable is None else named.intersection(readable)
    query = select(*_UNIT).where(Unit.source == source, is_one_of(session, Unit.id, chosen))
    query = query.order_by(Unit.name).limit(limit)
    return [NamedUnit(row[0], row[1], row[2], tuple(row[3])) for row in session.execute(query)]


def newest_versions(
    session: Session, unit_ids: Collection[int], version: int | None, *, limit: int
) -> list[NamedVersion]:
    """
    Versions of these DAG files, the newest first.

    :param version: number that they have; ``None`` for any
    """
    columns = (Submission.id, Submission.unit_id, Submission.version, Submission.state)
    query = select(*columns).where(Submission.unit_id.in_(list(unit_ids)))
    if version is not None:
        query = query.where(Submission.version == version)
    query = query.order_by(Submission.id.desc()).limit(limit)
    return [NamedVersion(*row) for row in session.execute(query)]


def flows_named(session: Session, words: Sequence[str], *, limit: int) -> list[NamedFlow]:
    """Flows with every word in their name, the one that is tried first in front."""
    query = select(Flow.id, Flow.name, Flow.enabled).where(*(_named(Flow.name, word) for word in words))
    return [NamedFlow(*row) for row in session.execute(query.order_by(Flow.priority, Flow.id).limit(limit))]
