"""Submitting versions, looking at them, taking them off the list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from airflow_release_plugin.analysis.closure import Closure
from airflow_release_plugin.domain.digest import ChangeKind, files_digest
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.files import TreeChange
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    ItemBusyError,
    NotFoundError,
    UnchangedError,
)
from airflow_release_plugin.models import Submission, Unit
from airflow_release_plugin.models.base import stamp
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services import access, audit, settlement
from airflow_release_plugin.services.context import Context
from airflow_release_plugin.services.source import Source, open_source
from airflow_release_plugin.store.base import CommitMessage, environment_ref, submission_ref


@dataclass(frozen=True)
class _Content:
    """What a new version would hold."""

    change: ChangeKind
    dag_ids: tuple[str, ...]
    closure: Closure | None
    digest: str


def submit(ctx: Context, *, actor: Actor, path: str, comment: str = "") -> Submission:
    """
    Copy the present content of a DAG file and its closure into the store as a new version.

    A file that is gone from the source but still in the target gives a version that removes it.

    :param path: POSIX path relative to the source
    :raises UnchangedError: it equals the version that waits already, or the target
    :raises UnitError: the closure cannot be determined or shipped
    :raises NotAllowedError: the actor may not edit a DAG of the file in Airflow
    """
    source = open_source(ctx)
    unit = submissions.unit_by_path(ctx.session, ctx.settings.source, path)
    is_present = path in source.snapshot.dag_files
    if not is_present and unit is None:
        source.require(path)
    # Before the file is looked into: what is wrong with it is not for everybody.
    known = {f.dag_id for f in ctx.airflow.source.facts(ctx.settings.source, [path]).get(path, ())}
    access.require_edit(ctx, actor, {ctx.settings.target_id(i) for i in known} or {PurePosixPath(path).stem})
    content = _present(ctx, source, path) if is_present else _removal(ctx, unit, path)
    access.require_edit(ctx, actor, content.dag_ids)
    if unit is None:
        unit = _new_unit(ctx, path, content.dag_ids)
    submissions.lock_unit(ctx.session, unit)
    _refuse_unchanged(ctx, unit, content)
    files = source.read(content.closure) if content.closure else {}
    submission = _store(ctx, unit, content, files, actor=actor, comment=comment)
    for older in submissions.with_state(ctx.session, [unit.id], SubmissionState.PENDING):
        if older is not submission:
            older.move_to(SubmissionState.SUPERSEDED)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.SUBMISSION_CREATED,
        subject=f"submission:{submission.id}",
        unit=unit.name,
        path=path,
        version=submission.version,
        change=content.change.value,
        digest=content.digest,
        dag_ids=list(content.dag_ids),
        comment=comment,
    )
    return submission


def _present(ctx: Context, source: Source, path: str) -> _Content:
    error = ctx.airflow.source.import_errors(ctx.settings.source, [path]).get(path)
    closure = source.closure(path)
    if error:
        last = error.strip().splitlines()[-1]
        raise InvalidRequestError(
            f"{path!r} does not import in the source: {last}. Mend it there, wait until Airflow has parsed "
            "it, and submit again.",
            path=path,
        )
    facts = ctx.airflow.source.facts(ctx.settings.source, [path]).get(path, ())
    if not facts:
        raise ConflictError(
            f"Airflow has not parsed {path!r} yet, or found no Dag in it. Wait for the dag processor "
            "and submit again.",
            path=path,
        )
    dag_ids = tuple(sorted(ctx.settings.target_id(f.dag_id) for f in facts))
    target = ctx.store.entries(ctx.store.ref(environment_ref(ctx.settings.environment)), [path])
    return _Content(ChangeKind.MODIFIED if target else ChangeKind.NEW, dag_ids, closure, closure.digest)


def _removal(ctx: Context, unit: Unit | None, path: str) -> _Content:
    live = submissions.live_by_unit(ctx.session, ctx.settings.source)
    if unit is None or unit.id not in live:
        raise NotFoundError(
            f"{path!r} is neither in the source nor in the target. Reload the list.", path=path
        )
    return _Content(ChangeKind.DELETED, tuple(live[unit.id].dag_ids), None, files_digest(()))


def _new_unit(ctx: Context, path: str, dag_ids: tuple[str, ...]) -> Unit:
    name = dag_ids[0]
    if submissions.unit_name_taken(ctx.session, ctx.settings.source, name):
        name = path
    unit = Unit(
        source=ctx.settings.source, path=path, name=name, dag_ids=list(dag_ids), created_at=ctx.clock()
    )
    ctx.session.add(unit)
    # The id is needed for the version numbers below.
    ctx.session.flush()
    return unit


def _refuse_unchanged(ctx: Context, unit: Unit, content: _Content) -> None:
    waiting = submissions.with_state(ctx.session, [unit.id], SubmissionState.PENDING)
    waiting += submissions.with_state(ctx.session, [unit.id], SubmissionState.IN_RELEASE)
    same = next((s for s in waiting if (s.digest, s.change) == (content.digest, content.change)), None)
    if same is not None:
        raise UnchangedError(
            f"{unit.path!r} is unchanged since v{same.version}, which is "
            f"{same.state.value.replace('_', ' ')}.",
            submission_id=same.id,
        )
    live = submissions.live_by_unit(ctx.session, ctx.settings.source).get(unit.id)
    if (
        not waiting
        and live is not None
        and (live.digest, True) == (content.digest, content.closure is not None)
    ):
        raise UnchangedError(
            f"{unit.path!r} equals v{live.version}, which is in {ctx.settings.environment!r} already.",
            submission_id=live.id,
        )


def _store(
    ctx: Context,
    unit: Unit,
    content: _Content,
    files: dict[str, tuple[int, bytes]],
    *,
    actor: Actor,
    comment: str,
) -> Submission:
    version = submissions.last_version(ctx.session, unit) + 1
    commit = _commit(ctx, unit, content, files, version=version, actor=actor, comment=comment)
    unit.dag_ids = list(content.dag_ids)
    closure = content.closure
    submission = Submission(
        unit=unit,
        version=version,
        path=unit.path,
        state=SubmissionState.PENDING,
        change=content.change,
        dag_ids=list(content.dag_ids),
        digest=content.digest,
        commit_id=commit,
        closure=[
            {
                "path": f.path,
                "mode": f.mode,
                "blob": f.blob,
                "size": f.size,
                "kind": str(f.kind.value),
                "reason": f.reason,
            }
            for f in (closure.files if closure else ())
        ],
        external=list(closure.external if closure else ()),
        warnings=list(closure.warnings if closure else ()),
        comment=comment,
        submitted_at=ctx.clock(),
        **stamp(actor, "submitted"),
    )
    ctx.session.add(submission)
    # The id names the version in the trail.
    ctx.session.flush()
    return submission


def _commit(
    ctx: Context,
    unit: Unit,
    content: _Content,
    files: dict[str, tuple[int, bytes]],
    *,
    version: int,
    actor: Actor,
    comment: str,
) -> str:
    """Keep the files in the store under the version's ref; return the commit."""
    entries = ctx.store.write_files(files)
    commit = ctx.store.commit(
        parent=None,
        changes=[TreeChange(entry.path, entry) for entry in entries],
        message=CommitMessage(
            title=f"{unit.name} v{version}",
            body=comment,
            trailers=(("Submitted-by", actor.name), ("Unit", unit.path), ("Digest", content.digest)),
        ),
        author=actor.name,
        time=ctx.clock(),
    )
    # A ref left by a transaction that was rolled back is taken over: no version had it.
    ref = submission_ref(unit.name, version)
    ctx.store.move_ref(ref, expected=ctx.store.ref(ref), new=commit)
    return commit


def get(ctx: Context, *, actor: Actor, submission_id: int) -> Submission:
    """A submission that the actor may see."""
    submission = submissions.submission(ctx.session, submission_id)
    if submission is None or not access.may_read(ctx, actor, submission.dag_ids):
        raise NotFoundError(f"There is no submission {submission_id} that you may see.")
    return submission


def list_submissions(
    ctx: Context,
    *,
    actor: Actor,
    state: SubmissionState | None = None,
    search: str = "",
    limit: int = 50,
    offset: int = 0,
) -> Page[Submission]:
    """Submissions that the actor may see, newest first."""
    return submissions.list_submissions(
        ctx.session,
        unit_ids=access.readable_units(ctx, actor),
        state=state,
        search=search,
        limit=limit,
        offset=offset,
    )


def remove(ctx: Context, *, actor: Actor, submission_id: int) -> Submission:
    """
    Take a version off the list; source and target stay as they are (R6).

    :raises ItemBusyError: it is in an open release; revoke that first
    """
    submission = get(ctx, actor=actor, submission_id=submission_id)
    if actor.id != submission.submitted_by_id and not access.is_admin(ctx, actor):
        access.require_edit(ctx, actor, submission.dag_ids)
    settlement.settle_held(ctx, [submission])
    if submission.state is SubmissionState.IN_RELEASE:
        raise ItemBusyError(
            f"v{submission.version} of {submission.path!r} is in an open release; revoke that release first.",
            release_id=submission.release_id,
        )
    submission.move_to(SubmissionState.REMOVED)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.SUBMISSION_REMOVED,
        subject=f"submission:{submission.id}",
        path=submission.path,
    )
    return submission
