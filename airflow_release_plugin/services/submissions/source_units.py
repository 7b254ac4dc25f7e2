"""What a unit is in the source now, and why that may not become a new version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from airflow_release_plugin.analysis.closure import Closure
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.release.digest import files_digest
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.domain.text.phrasing import reason_of
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    ItemBusyError,
    NotFoundError,
    UnchangedError,
)
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Submission, Unit
from airflow_release_plugin.repositories.held_versions import HeldVersion
from airflow_release_plugin.services.releases import expiry
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions.same_content import is_same
from airflow_release_plugin.services.submissions.workspace import SourceWorkspace


@dataclass(frozen=True)
class Content:
    """What a new version would hold."""

    change: ChangeKind
    path: str
    dag_ids: tuple[str, ...]
    closure: Closure | None
    digest: str


def content_of(ctx: Context, workspace: SourceWorkspace, unit: Unit | None, path: str) -> Content:
    """
    What a new version of a DAG file would hold; of one that is gone, what its removal would.

    :raises ConflictError: Airflow has not parsed it yet, or another file defines a DAG of it
    """
    content = (_present if path in workspace.present else _removal)(ctx, workspace, unit, path)
    _refuse_twice(workspace, unit, content)
    return content


def refuse_locked(ctx: Context, workspace: SourceWorkspace, unit: Unit, content: Content) -> list[Submission]:
    """
    Raise what speaks against the version now that nobody else changes the unit.

    Return the versions that wait in the list: the new one supersedes them.
    """
    on_the_way = workspace.locked[unit.id].on_the_way
    _refuse_busy(ctx, unit, content, on_the_way)
    _refuse_unchanged(ctx, workspace, unit, content, on_the_way)
    return _in_state(on_the_way, SubmissionState.PENDING)


def _in_state(rows: Iterable[Submission], *states: SubmissionState) -> list[Submission]:
    return [row for row in rows if row.state in states]


def _present(ctx: Context, workspace: SourceWorkspace, unit: Unit | None, path: str) -> Content:
    error = workspace.chosen_errors.get(path)
    closure = workspace.source.closure(path)
    if error:
        raise InvalidRequestError(
            "%(path)r does not import in the source: %(error)s. Mend it there, wait until "
            "Airflow has parsed it, and submit again.",
            path=path,
            error=reason_of(error),
        )
    facts = workspace.chosen_facts.get(path, ())
    if not facts and (problem := workspace.twin_problem(path, closure)):
        raise ConflictError(problem, path=path)
    if not facts:
        raise ConflictError(
            "Airflow has not parsed %(path)r yet, or found no Dag in it. Wait for the dag "
            "processor and submit again.",
            path=path,
        )
    dag_ids = tuple(sorted(ctx.settings.target_id(f.dag_id) for f in facts))
    return Content(workspace.change(path, unit), path, dag_ids, closure, closure.digest)


def _removal(ctx: Context, workspace: SourceWorkspace, unit: Unit | None, path: str) -> Content:
    live = workspace.live.get(unit.id) if unit else None
    if live is None:
        raise NotFoundError(
            "%(path)r is neither in the source nor in the target. Reload the list.", path=path
        )
    moved = next((new for new, old in workspace.moves.origins.items() if old == path), None)
    if moved:
        raise ConflictError(
            Message("%(path)r is %(moved)r now. Submit that file; it moves the Dag.", path=path, moved=moved),
            path=moved,
        )
    return Content(ChangeKind.DELETED, live.path, tuple(live.dag_ids), None, files_digest(()))


def _refuse_twice(workspace: SourceWorkspace, unit: Unit | None, content: Content) -> None:
    """Of two files that define one DAG, Airflow lets the one that is parsed last win."""
    dag_ids = set(content.dag_ids) if content.closure else set()
    for other in workspace.makers(dag_ids):
        row = workspace.waiting.get(other.id) or workspace.live.get(other.id)
        if row is None or other is unit or row.change is ChangeKind.DELETED:
            continue
        twice = dag_ids.intersection(row.dag_ids)
        if twice and other.path in workspace.present:
            raise ConflictError(
                Message(
                    "Dag %(dag_id)r of %(path)r is also in %(other)r v%(version)s. Take it out of one "
                    "of the two files; if that is done, submit %(other)r first.",
                    dag_id=min(twice),
                    path=content.path,
                    other=other.path,
                    version=row.version,
                ),
                path=other.path,
            )


def _refuse_busy(ctx: Context, unit: Unit, content: Content, on_the_way: Sequence[Submission]) -> None:
    """A unit does not move, and in basic mode does not change, under a release that holds it."""
    moves = content.closure is not None and unit.path != content.path
    if not moves and not ctx.settings.is_basic:
        return
    in_release = _in_state(on_the_way, SubmissionState.IN_RELEASE)
    expiry.expire_holders_if_due(ctx, in_release)
    for row in in_release:
        if row.state is SubmissionState.IN_RELEASE:
            raise _busy(unit, row, content.path if moves else "")


def _busy(unit: Unit, row: Submission, moved_to: str) -> ItemBusyError:
    if moved_to:
        return ItemBusyError(
            "%(path)r is %(moved)r now, but v%(version)s is in an open release. Wait until that is through, "
            "or revoke it, and submit again.",
            path=unit.path,
            moved=moved_to,
            version=row.version,
            release_id=row.release_id,
        )
    return ItemBusyError(
        "%(path)r is on its way: v%(version)s is in an open release. Wait until that is through, "
        "or revoke it, and submit again.",
        path=unit.path,
        version=row.version,
        release_id=row.release_id,
    )


def _refuse_unchanged(
    ctx: Context,
    workspace: SourceWorkspace,
    unit: Unit,
    content: Content,
    on_the_way: Sequence[Submission],
) -> None:
    # A release that expired just now gave its versions back
    waiting = _in_state(on_the_way, SubmissionState.PENDING, SubmissionState.IN_RELEASE)
    same = next(
        (row for row in waiting if row.change is content.change and _is_same(workspace, row, content)), None
    )
    if same is not None:
        raise UnchangedError(
            "%(path)r is unchanged since v%(version)s, which is %(state)s.",
            path=content.path,
            version=same.version,
            state=same.state.value.replace("_", " "),
            submission_id=same.id,
        )
    live = workspace.live.get(unit.id)
    if not waiting and live is not None and content.closure and _is_same(workspace, live, content):
        raise UnchangedError(
            "%(path)r equals v%(version)s, which is in %(environment)r already.",
            path=content.path,
            version=live.version,
            environment=ctx.settings.environment,
            submission_id=live.id,
        )


def _is_same(workspace: SourceWorkspace, row: Submission | HeldVersion, content: Content) -> bool:
    if content.closure is None:
        return row.digest == content.digest
    return is_same(row, content.closure, workspace.source.files)
