"""The to-be-released list: what the source has that the target has not, with its latest submission."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath

from airflow_release_plugin.analysis.closure import Closure
from airflow_release_plugin.domain.digest import ChangeKind
from airflow_release_plugin.domain.files import FileEntry
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.ports import DagAccess, DagFacts
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.exceptions import ConflictError, ReleaseError
from airflow_release_plugin.models import Submission, Unit
from airflow_release_plugin.repositories import releases, submissions
from airflow_release_plugin.repositories.pages import Page, require_order
from airflow_release_plugin.services import access
from airflow_release_plugin.services.context import Context
from airflow_release_plugin.services.source import Source, closure_entries, open_source
from airflow_release_plugin.store.base import environment_ref


@dataclass(frozen=True)
class Candidate:
    """One row of the list; see ``schemas.candidate`` for the fields."""

    path: str
    dag_ids: tuple[str, ...]
    source_dag_ids: tuple[str, ...]
    change: ChangeKind
    tags: tuple[str, ...]
    owners: tuple[str, ...]
    submission_id: int | None
    version: int | None
    submission_state: SubmissionState | None
    submitted_by: Person | None
    submitted_at: datetime | None
    release_id: int | None
    changed_since_submission: bool
    problem: str | None
    may_submit: bool


@dataclass(frozen=True)
class CandidateFilter:
    """What the list is narrowed to; empty fields do not narrow."""

    search: str = ""
    change: ChangeKind | None = None
    submitter: str = ""
    tag: str = ""
    submitted: bool | None = None


@dataclass(frozen=True)
class _Known:
    """Everything that rows are made of, fetched in a fixed number of queries."""

    source: Source
    target: Mapping[str, FileEntry]
    units: Mapping[str, Unit]
    waiting: Mapping[int, Submission]
    live: Mapping[int, Submission]
    facts: Mapping[str, tuple[DagFacts, ...]]
    errors: Mapping[str, str]


def closure_of(ctx: Context, *, actor: Actor, path: str) -> Closure:
    """
    What would be submitted for a DAG file now, to people who may read its code.

    :raises ConflictError: nothing is known of its DAGs, so that nobody can tell who may read it
    """
    source = open_source(ctx)
    source.require(path)
    facts = ctx.airflow.source.facts(ctx.settings.source, [path]).get(path, ())
    unit = submissions.unit_by_path(ctx.session, ctx.settings.source, path)
    dag_ids = [ctx.settings.target_id(f.dag_id) for f in facts] or (unit.dag_ids if unit else [])
    if not dag_ids and not access.is_executor(ctx, actor):
        raise ConflictError(
            f"Airflow has not parsed {path!r} yet, or found no Dag in it. Wait for the dag processor, or "
            "look at Airflow's import errors.",
            path=path,
        )
    access.require_code(ctx, actor, dag_ids)
    return source.closure(path)


ORDER_COLUMNS = ("path", "change", "submitted_at")


def list_candidates(
    ctx: Context,
    *,
    actor: Actor,
    wanted: CandidateFilter | None = None,
    order_by: str = "path",
    limit: int = 50,
    offset: int = 0,
) -> Page[Candidate]:
    """
    Rows that the actor may read, one for each DAG file (R7).

    :param order_by: one of :data:`ORDER_COLUMNS`; ``-`` in front for descending
    """
    require_order(order_by, ORDER_COLUMNS)
    known = _gather(ctx)
    rows = [row for row in _rows(ctx, known) if row is not None]
    readable = ctx.airflow.access.readable(
        actor, {name for row in rows for name in (*row.dag_ids, *row.source_dag_ids)}
    )
    everything = access.is_executor(ctx, actor)
    rows = [
        row
        for row in rows
        if (everything or _is_readable(ctx, actor, row, readable))
        and _matches(row, wanted or CandidateFilter())
    ]
    rows.sort(key=lambda row: _sort_key(row, order_by.removeprefix("-")), reverse=order_by.startswith("-"))
    page = [_with_rights(ctx, actor, row) for row in rows[offset : offset + limit]]
    return Page(items=page, total_entries=len(rows))


def _is_readable(ctx: Context, actor: Actor, row: Candidate, readable: frozenset[str]) -> bool:
    """A new file that was never parsed has no DAG ids yet; it is for who may edit whatever it will be."""
    if not row.dag_ids:
        name = PurePosixPath(row.path).stem
        return ctx.airflow.access.may(actor, DagAccess.EDIT, ctx.settings.source_id(name))
    return not readable.isdisjoint((*row.dag_ids, *row.source_dag_ids))


def _gather(ctx: Context) -> _Known:
    source = open_source(ctx)
    name = ctx.settings.source
    return _Known(
        source=source,
        target=ctx.store.files(ctx.store.ref(environment_ref(ctx.settings.environment))),
        units={unit.path: unit for unit in submissions.units(ctx.session, name)},
        waiting=_waiting(ctx, name),
        live=submissions.live_by_unit(ctx.session, name),
        facts=ctx.airflow.source.facts(name),
        errors=ctx.airflow.source.import_errors(name),
    )


def _waiting(ctx: Context, source: str) -> dict[int, Submission]:
    return submissions.latest_by_unit(
        ctx.session, source, {SubmissionState.PENDING, SubmissionState.IN_RELEASE}
    )


def _rows(ctx: Context, known: _Known) -> list[Candidate | None]:
    present = known.source.snapshot.dag_files
    still_there = frozenset(present)
    gone = [
        unit
        for path, unit in known.units.items()
        if path not in still_there and (unit.id in known.live or unit.id in known.waiting)
    ]
    rows = [_present_row(ctx, known, path) for path in present]
    rows += [
        _row(ctx, known, unit.path, ChangeKind.DELETED, unit, problem=None, differs=False) for unit in gone
    ]
    return _with_effective_states(ctx, rows)


def _present_row(ctx: Context, known: _Known, path: str) -> Candidate | None:
    unit = known.units.get(path)
    live = known.live.get(unit.id) if unit else None
    waiting = known.waiting.get(unit.id) if unit else None
    change = ChangeKind.MODIFIED if live or path in known.target else ChangeKind.NEW
    try:
        closure = known.source.closure(path)
    except ReleaseError as error:
        return _row(ctx, known, path, change, unit, problem=str(error), differs=False)
    entries = closure_entries(closure)
    same = all(known.target.get(name) == entry for name, entry in entries.items())
    if live is not None and live.digest != closure.digest:
        same = False
    if same and waiting is None:
        return None
    differs = waiting is not None and waiting.digest != closure.digest
    return _row(ctx, known, path, change, unit, problem=known.errors.get(path), differs=differs)


def _row(
    ctx: Context,
    known: _Known,
    path: str,
    change: ChangeKind,
    unit: Unit | None,
    *,
    problem: str | None,
    differs: bool,
) -> Candidate:
    facts = known.facts.get(path, ())
    waiting = known.waiting.get(unit.id) if unit else None
    source_ids = tuple(sorted(f.dag_id for f in facts))
    if source_ids:
        dag_ids = tuple(ctx.settings.target_id(name) for name in source_ids)
    else:
        dag_ids = tuple(unit.dag_ids) if unit else ()
        source_ids = tuple(ctx.settings.source_id(name) for name in dag_ids)
    return Candidate(
        path=path,
        dag_ids=dag_ids,
        source_dag_ids=source_ids,
        change=change,
        tags=tuple(sorted({tag for f in facts for tag in f.tags})),
        owners=tuple(sorted({owner for f in facts for owner in f.owners})),
        submission_id=waiting.id if waiting else None,
        version=waiting.version if waiting else None,
        submission_state=waiting.state if waiting else None,
        submitted_by=waiting.submitted_by if waiting else None,
        submitted_at=waiting.submitted_at if waiting else None,
        release_id=waiting.release_id if waiting else None,
        changed_since_submission=differs,
        problem=problem,
        may_submit=False,
    )


def _with_effective_states(ctx: Context, rows: list[Candidate | None]) -> list[Candidate | None]:
    """A submission held by a release whose window is over is free again, before anybody wrote that down."""
    held = {row.release_id for row in rows if row and row.submission_state is SubmissionState.IN_RELEASE}
    states = releases.release_states(ctx.session, {i for i in held if i is not None}, ctx.clock())
    over = {release_id for release_id, state in states.items() if not state.is_open}
    return [
        replace(row, submission_state=SubmissionState.PENDING, release_id=None)
        if row and row.release_id in over and row.submission_state is SubmissionState.IN_RELEASE
        else row
        for row in rows
    ]


def _with_rights(ctx: Context, actor: Actor, row: Candidate) -> Candidate:
    return replace(row, may_submit=bool(row.dag_ids) and access.may_edit(ctx, actor, row.dag_ids))


def _matches(row: Candidate, wanted: CandidateFilter) -> bool:
    text = wanted.search.lower()
    return (
        (not text or any(text in name.lower() for name in (row.path, *row.dag_ids)))
        and (wanted.change is None or row.change is wanted.change)
        and (
            not wanted.submitter
            or (row.submitted_by is not None and row.submitted_by.name == wanted.submitter)
        )
        and (not wanted.tag or wanted.tag in row.tags)
        and (wanted.submitted is None or wanted.submitted is (row.submission_id is not None))
    )


def _sort_key(row: Candidate, column: str) -> tuple[str, str]:
    if column == "change":
        return row.change.value, row.path
    if column == "submitted_at":
        return row.submitted_at.isoformat() if row.submitted_at else "", row.path
    return row.path, ""
