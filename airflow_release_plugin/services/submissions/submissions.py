"""Submitting versions, looking at them, taking them off the list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TypeVar

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.domain.text.phrasing import first_few
from airflow_release_plugin.domain.text.search import sought_words
from airflow_release_plugin.exceptions import (
    InvalidRequestError,
    ItemBusyError,
    NotFoundError,
    ReleaseError,
)
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Submission, Unit
from airflow_release_plugin.repositories import search_words, submissions
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services.releases import creation, expiry
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions import snapshots
from airflow_release_plugin.services.submissions.observed_files import with_observed
from airflow_release_plugin.services.submissions.snapshots import TakenSnapshot
from airflow_release_plugin.services.submissions.source_units import Content, content_of, refuse_locked
from airflow_release_plugin.services.submissions.workspace import SourceWorkspace
from airflow_release_plugin.services.versions import contents, versions
from airflow_release_plugin.services.versions.units import known_unit, let_be_found
from airflow_release_plugin.services.versions.versions import NOTHING, VersionContent

T = TypeVar("T")


@dataclass(frozen=True)
class ItemResult:
    """One of several: the version that it is about, or why nothing was done to it."""

    name: str
    submission: Submission | None = None
    problem: str = ""


def submit(ctx: Context, *, actor: Actor, path: str, comment: str = "") -> Submission:
    """
    Copy the present content of a DAG file and its closure into the store as a new version.

    A file that is gone from the source but still in the target gives a version that removes it; one with the
    DAGs of a file that is gone gives a version that moves it. In basic mode the version is released at once.

    :param path: POSIX path relative to the source
    :raises UnchangedError: it equals the version that waits already, or the target
    :raises UnitError: the closure cannot be determined or shipped
    :raises NotAllowedError: the actor may not edit a DAG of the file in Airflow
    """
    access.require_source(ctx)
    workspace = SourceWorkspace(ctx, [path])
    taken = _snapshot(ctx, workspace, [path], actor=actor)
    submission = _submit(ctx, workspace, taken, actor=actor, path=path, comment=comment)
    let_be_found(ctx, [submission.unit])
    versions.tell(ctx, [submission], actor=actor)
    snapshots.keep(ctx, taken, [submission])
    _go_straight(ctx, [submission], comment, actor=actor)
    return submission


def submit_many(ctx: Context, *, actor: Actor, paths: Sequence[str], comment: str = "") -> list[ItemResult]:
    """
    Submit several files with one comment; a refusal of one does not undo the others.

    :raises InvalidRequestError: none, or more than a release may hold
    """
    access.require_source(ctx)
    distinct = counted(paths)
    workspace = SourceWorkspace(ctx, distinct)
    taken = _snapshot(ctx, workspace, distinct, actor=actor)
    # Before the first event: the trail is locked from there to the commit.
    workspace.lock([unit for path in distinct if (unit := workspace.unit(path))])
    handled = []
    for path in distinct:
        try:
            with ctx.session.begin_nested():
                submission = _submit(ctx, workspace, taken, actor=actor, path=path, comment=comment)
            handled.append(ItemResult(path, submission))
        except ReleaseError as error:
            handled.append(ItemResult(path, problem=error.message))
    submitted = [each.submission for each in handled if each.submission]
    let_be_found(ctx, [each.unit for each in submitted])
    versions.tell(ctx, submitted, actor=actor)
    snapshots.keep(ctx, taken, submitted)
    _go_straight(ctx, submitted, comment, actor=actor)
    return handled


def _snapshot(
    ctx: Context, workspace: SourceWorkspace, paths: Collection[str], *, actor: Actor
) -> TakenSnapshot:
    """The source as it is now; nothing of it is looked at for somebody who may submit none of the files."""
    for path in paths:
        known = known_ids(ctx, workspace, path)
        if path in workspace.present and access.may_edit(ctx, actor, known):
            return snapshots.take(ctx, workspace.source)
    return TakenSnapshot({}, {})


def known_ids(ctx: Context, workspace: SourceWorkspace, path: str) -> set[str]:
    """Target ids of the DAGs that Airflow knows in a file; before it knows any, the one that is likely."""
    known = workspace.chosen_facts.get(path, ())
    return {ctx.settings.target_id(f.dag_id) for f in known} or {PurePosixPath(path).stem}


def counted(chosen: Iterable[T]) -> list[T]:
    """What was chosen, each once. Raises ``InvalidRequestError`` for none, or more than a release holds."""
    distinct = list(dict.fromkeys(chosen))
    if not 1 <= len(distinct) <= creation.MAX_ITEMS:
        raise InvalidRequestError(
            "%(number)s were chosen; choose 1 to %(most)s, as many as one release may hold.",
            number=len(distinct),
            most=creation.MAX_ITEMS,
        )
    return distinct


def _go_straight(ctx: Context, submitted: Sequence[Submission], comment: str, *, actor: Actor) -> None:
    """In basic mode: release what was submitted, with all checks but without approval (R1)."""
    if not submitted or not ctx.settings.is_basic:
        return
    title = str(first_few([f"{each.unit_name} v{each.version}" for each in submitted]))
    reason = Message("basic mode of source %(source)r", source=ctx.settings.source)
    contents.refuse_clashes(ctx, submitted)
    creation.open_release(
        ctx,
        submitted,
        ReleaseRequest(title[:200], description=comment),
        creation.ReleaseTerms(exempt_reason=reason),
        actor=actor,
    )


def _submit(
    ctx: Context,
    workspace: SourceWorkspace,
    taken: TakenSnapshot,
    *,
    actor: Actor,
    path: str,
    comment: str,
) -> Submission:
    unit = workspace.unit(path)
    is_present = path in workspace.present
    if not is_present and unit is None:
        workspace.source.require(path)
    # Before the file is looked into: what is wrong with it is not for everybody.
    access.require_edit(ctx, actor, known_ids(ctx, workspace, path))
    content = content_of(ctx, workspace, unit, path)
    access.require_edit(ctx, actor, content.dag_ids)
    content = _with_observed(ctx, workspace, taken, unit, content)
    if unit is None:
        unit = known_unit(ctx, None, path, content.dag_ids, taken=workspace.taken_names)
        workspace.is_new(unit)
    workspace.lock([unit])
    superseded = refuse_locked(ctx, workspace, unit, content)
    files = {}
    if content.closure:
        taken.require_same(content.closure)
        files = workspace.source.read(content.closure)
    if is_present:
        unit.path = path
    number = workspace.locked[unit.id].last_version + 1
    submission = _store(ctx, unit, content, files, actor=actor, comment=comment, number=number)
    for older in superseded:
        older.move_to(SubmissionState.SUPERSEDED)
        older.superseded_by_id = submission.id
    workspace.add(unit, submission)
    return submission


def _with_observed(
    ctx: Context, workspace: SourceWorkspace, taken: TakenSnapshot, unit: Unit | None, content: Content
) -> Content:
    if content.closure is None:
        return content
    runs = workspace.observed_runs(content.dag_ids)
    live = workspace.chosen_live.get(unit.id) if unit else None
    closure = with_observed(content.closure, taken, runs, live=live, most=ctx.settings.max_unit_files)
    return replace(content, closure=closure, digest=closure.digest)


def _store(
    ctx: Context,
    unit: Unit,
    content: Content,
    files: dict[str, tuple[int, bytes]],
    *,
    actor: Actor,
    comment: str,
    number: int,
) -> Submission:
    ctx.store.write_files(files)
    unit.dag_ids = list(content.dag_ids)
    version = versions.draft(
        ctx,
        unit,
        VersionContent.of(content.closure) if content.closure else NOTHING,
        by=actor,
        path=content.path,
        change=content.change,
        dag_ids=content.dag_ids,
        comment=comment,
    )
    return versions.add(ctx, version, number, actor=actor)


def get(ctx: Context, *, actor: Actor, submission_id: int) -> Submission:
    """A submission that the actor may see."""
    submission = submissions.submission(ctx.session, submission_id)
    if submission is None or not access.may_read(ctx, actor, submission.dag_ids):
        raise NotFoundError(
            "There is no submission %(submission_id)s that you may see.", submission_id=submission_id
        )
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
    readable = access.readable_units(ctx, actor)
    named = search_words.units_with(ctx.session, sought_words(search))
    return submissions.list_submissions(
        ctx.session,
        unit_ids=readable if named is None else named if readable is None else named & readable,
        state=state,
        limit=limit,
        offset=offset,
    )


def is_first_use(ctx: Context) -> bool:
    """Whether nothing was ever submitted here."""
    return not submissions.any_unit(ctx.session)


def remove(ctx: Context, *, actor: Actor, submission_id: int) -> Submission:
    """
    Take a version off the list; source and target stay as they are (R6).

    :raises ItemBusyError: it is in an open release; revoke that first
    """
    submission = get(ctx, actor=actor, submission_id=submission_id)
    if actor.id != submission.submitted_by_id and not access.is_admin(ctx, actor):
        access.require_edit(ctx, actor, submission.dag_ids)
    expiry.expire_holders_if_due(ctx, [submission])
    if submission.state is SubmissionState.IN_RELEASE:
        raise ItemBusyError(
            "v%(version)s of %(path)r is in an open release; revoke that release first.",
            version=submission.version,
            path=submission.path,
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


def remove_many(ctx: Context, *, actor: Actor, submission_ids: Sequence[int]) -> list[ItemResult]:
    """
    Take several versions off the list; a refusal of one does not undo the others.

    :raises InvalidRequestError: none, or more than a release may hold
    """
    ids = counted(submission_ids)
    known = submissions.submissions_by_id(ctx.session, ids)
    # Before the first event: the trail is locked from there to the commit.
    expiry.expire_holders_if_due(ctx, known)
    submissions.lock_units(ctx.session, {row.unit_id for row in known})
    handled = []
    for submission_id in ids:
        try:
            with ctx.session.begin_nested():
                gone = remove(ctx, actor=actor, submission_id=submission_id)
            handled.append(ItemResult(gone.path, gone))
        except ReleaseError as error:
            handled.append(ItemResult(f"{submission_id}", problem=error.message))
    return handled
