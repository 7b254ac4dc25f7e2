"""The to-be-released list: what the source, or an import, has that the target has not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from airflow_release_plugin.analysis.closure import Closure
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.ports import DagFacts
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.domain.text.search import search
from airflow_release_plugin.exceptions import ConflictError, ReleaseError
from airflow_release_plugin.messages import together
from airflow_release_plugin.models import Unit
from airflow_release_plugin.repositories import releases, submissions
from airflow_release_plugin.repositories.pages import Page, require_order
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions.dagless import twin_sentence
from airflow_release_plugin.services.submissions.same_content import is_same
from airflow_release_plugin.services.submissions.workspace import SourceWorkspace
from airflow_release_plugin.services.versions.source import open_source


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
    renamed_from: str | None = None
    also_used_by: int = 0
    note: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return ", ".join(self.dag_ids) or self.path

    @property
    def can_be_submitted(self) -> bool:
        """Whether the actor may submit it and that would give a new version."""
        is_new = self.submission_id is None or self.changed_since_submission
        return self.may_submit and is_new and not self.problem


@dataclass(frozen=True)
class CandidateFilter:
    """What the list is narrowed to; empty fields do not narrow."""

    search: str = ""
    change: ChangeKind | None = None
    submitter: str = ""
    tag: str = ""
    submitted: bool | None = None
    without_dags: bool = False
    """Not a narrowing: files in which Airflow found no DAG are shown, too."""


def closure_of(ctx: Context, *, actor: Actor, path: str) -> Closure:
    """
    What would be submitted for a DAG file now, to people who may read its code.

    :raises ConflictError: nothing is known of its DAGs, so that nobody can tell who may read it
    """
    access.require_source(ctx)
    source = open_source(ctx)
    source.require(path)
    facts = ctx.airflow.source.facts(ctx.settings.source, [path]).get(path, ())
    unit = submissions.unit_by_path(ctx.session, ctx.settings.source, path)
    dag_ids = [ctx.settings.target_id(f.dag_id) for f in facts] or (unit.dag_ids if unit else [])
    if not dag_ids and not access.is_executor(ctx, actor):
        raise ConflictError(
            "Airflow has not parsed %(path)r yet, or found no Dag in it. Wait for the dag "
            "processor, or look at Airflow's import errors.",
            path=path,
        )
    access.require_code(ctx, actor, dag_ids)
    return source.closure(path)


def list_candidates(
    ctx: Context,
    *,
    actor: Actor,
    wanted: CandidateFilter | None = None,
    order_by: str = "",
    limit: int = 50,
    offset: int = 0,
    workspace: SourceWorkspace | None = None,
) -> Page[Candidate]:
    """
    Rows that the actor may read, one for each DAG file (R7).

    :param order_by: one of :data:`ORDER_COLUMNS`, with ``-`` in front for descending; if left out, the best
        match of a search comes first, else rows are ordered by path
    :param workspace: of this request, where something else is read of it, too
    """
    if order_by:
        require_order(order_by, ORDER_COLUMNS)
    wanted = wanted or CandidateFilter()
    rows = _rows(ctx, workspace or SourceWorkspace(ctx), without_dags=wanted.without_dags)
    rows = _found(ctx, _readable(ctx, actor, rows), wanted)
    key = ORDER_COLUMNS.get(order_by.removeprefix("-"))
    if key:
        rows.sort(key=lambda row: (*key(row), row.path), reverse=order_by.startswith("-"))
    page = [_with_rights(ctx, actor, row) for row in rows[offset : offset + limit]]
    return Page(items=page, total_entries=len(rows))


def _readable(ctx: Context, actor: Actor, rows: list[Candidate]) -> list[Candidate]:
    if access.is_executor(ctx, actor):
        return rows
    names = {name for row in rows for name in (*row.dag_ids, *row.source_dag_ids)}
    readable = ctx.airflow.access.readable(actor, names)
    # A new file that was never parsed has no DAG ids yet; it is for who may edit whatever it will be.
    likely = {row.path: _likely_id(ctx, row.path) for row in rows if not row.dag_ids}
    editable = ctx.airflow.access.editable(actor, set(likely.values()))
    return [
        row
        for row in rows
        if likely.get(row.path) in editable or not readable.isdisjoint((*row.dag_ids, *row.source_dag_ids))
    ]


def _likely_id(ctx: Context, path: str) -> str:
    return ctx.settings.source_id(PurePosixPath(path).stem)


@dataclass(frozen=True)
class _Difference:
    """
    What is known of a row before Airflow is asked about its DAGs.

    :param differs: the source has another content than was submitted, of which a version can be made
    """

    path: str
    change: ChangeKind
    unit: Unit | None
    problem: str | None = None
    differs: bool = False
    also_used_by: int = 0


def _rows(ctx: Context, workspace: SourceWorkspace, *, without_dags: bool) -> list[Candidate]:
    present = [
        _present(workspace, path, is_wanted=without_dags or not _is_dagless(workspace, path))
        for path in workspace.present
    ]
    found = [each for each in present if each is not None]
    moved = set(workspace.moves.origins.values())
    found += [_gone(workspace, unit) for unit in workspace.gone if unit.path not in moved]
    found += [_Difference(unit.path, workspace.waiting[unit.id].change, unit) for unit in workspace.brought]
    # Of thousands of files most are as they were: facts are asked for where something differs
    facts = workspace.facts([each.path for each in found if each.path in workspace.present])
    rows = [_row(ctx, workspace, each, facts.get(each.path, ())) for each in found]
    return _with_effective_states(ctx, [_with_twin(workspace, row) for row in rows])


def _with_twin(workspace: SourceWorkspace, row: Candidate) -> Candidate:
    twin = workspace.twins.get(row.path)
    if twin is None:
        return row
    sentence = twin_sentence(*twin)
    return replace(row, note=together([row.note, sentence]) if row.note else sentence)


def _is_dagless(workspace: SourceWorkspace, path: str) -> bool:
    """Whether Airflow found no DAG in a file that never was a unit: a helper, as a rule."""
    is_known = path in workspace.units or path in workspace.errors
    return not is_known and workspace.dagless.holds_none(path)


def _present(workspace: SourceWorkspace, path: str, *, is_wanted: bool) -> _Difference | None:
    unit = workspace.unit(path)
    live = workspace.live.get(unit.id) if unit else None
    waiting = workspace.waiting.get(unit.id) if unit else None
    try:
        closure = workspace.source.closure(path)
    except ReleaseError as error:
        if not is_wanted:
            return None
        return _Difference(path, workspace.change(path, unit), unit, error.message)
    twin_problem = workspace.twin_problem(path, closure)
    if not is_wanted and twin_problem is None:
        return None
    changed = workspace.differing(closure)
    files = workspace.source.files
    if waiting is None and not changed and (live is None or is_same(live, closure, files)):
        return None
    return _Difference(
        path,
        workspace.change(path, unit),
        unit,
        problem=workspace.errors.get(path) or twin_problem,
        differs=waiting is not None and not is_same(waiting, closure, files),
        also_used_by=workspace.others_released(changed, unit),
    )


def _gone(workspace: SourceWorkspace, unit: Unit) -> _Difference:
    waiting = workspace.waiting.get(unit.id)
    # What the target never had cannot be removed from it: no newer version can be made of such a file
    is_removable = unit.id in workspace.live
    differs = is_removable and waiting is not None and waiting.change is not ChangeKind.DELETED
    return _Difference(unit.path, ChangeKind.DELETED, unit, differs=differs)


def _row(
    ctx: Context, workspace: SourceWorkspace, found: _Difference, facts: Collection[DagFacts]
) -> Candidate:
    path, unit = found.path, found.unit
    waiting = workspace.waiting.get(unit.id) if unit else None
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
        change=found.change,
        tags=tuple(sorted({tag for f in facts for tag in f.tags})),
        owners=tuple(sorted({owner for f in facts for owner in f.owners})),
        submission_id=waiting.id if waiting else None,
        version=waiting.version if waiting else None,
        submission_state=waiting.state if waiting else None,
        submitted_by=waiting.submitted_by if waiting else None,
        submitted_at=waiting.submitted_at if waiting else None,
        release_id=waiting.release_id if waiting else None,
        problem=found.problem,
        may_submit=False,
        renamed_from=workspace.renamed_from(path, unit),
        note=workspace.moves.notes.get(path, ""),
        changed_since_submission=found.differs,
        also_used_by=found.also_used_by,
    )


def _with_effective_states(ctx: Context, rows: list[Candidate]) -> list[Candidate]:
    """A submission held by a release whose window is over is free again, before anybody wrote that down."""
    release_ids = {row.release_id for row in rows if row.submission_state is SubmissionState.IN_RELEASE}
    states = releases.release_states(ctx.session, {i for i in release_ids if i is not None}, ctx.clock())
    over = {release_id for release_id, state in states.items() if not state.is_open}
    return [
        replace(row, submission_state=SubmissionState.PENDING, release_id=None)
        if row.release_id in over and row.submission_state is SubmissionState.IN_RELEASE
        else row
        for row in rows
    ]


def _with_rights(ctx: Context, actor: Actor, row: Candidate) -> Candidate:
    return replace(row, may_submit=bool(row.dag_ids) and access.may_edit(ctx, actor, row.dag_ids))


def _found(ctx: Context, rows: list[Candidate], criteria: CandidateFilter) -> list[Candidate]:
    rows = [row for row in rows if _matches(row, criteria)]
    if not criteria.search:
        return sorted(rows, key=lambda row: row.path)
    hits = search(criteria.search, rows, lambda row: (*row.dag_ids, row.path, row.renamed_from or ""))
    return [row for _, row in sorted(hits, key=lambda hit: (hit[0], hit[1].path))]


def _matches(row: Candidate, criteria: CandidateFilter) -> bool:
    return (
        (criteria.change is None or row.change is criteria.change)
        and (
            not criteria.submitter
            or (row.submitted_by is not None and row.submitted_by.name == criteria.submitter)
        )
        and (not criteria.tag or criteria.tag in row.tags)
        and (criteria.submitted is None or criteria.submitted is (row.submission_id is not None))
    )


ORDER_COLUMNS: Mapping[str, Callable[[Candidate], tuple[Any, ...]]] = {
    "path": lambda row: (),
    "dag_id": lambda row: row.dag_ids,
    "change": lambda row: (row.change.value,),
    "version": lambda row: (row.version or 0,),
    "state": lambda row: (row.submission_state.value if row.submission_state else "",),
    "submitted_by": lambda row: (row.submitted_by.name if row.submitted_by else "",),
    "submitted_at": lambda row: (row.submitted_at.isoformat() if row.submitted_at else "",),
}
"""What the list can be sorted by."""
