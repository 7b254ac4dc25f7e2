"""Taking back a submission, or a removal from the list, for as long as nobody has used what it left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.exceptions import ConflictError, ItemBusyError, NotAllowedError, ReleaseError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Submission
from airflow_release_plugin.repositories import submissions as queries
from airflow_release_plugin.services.releases import expiry
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions import submissions
from airflow_release_plugin.services.submissions.submissions import ItemResult


def undo_submits(ctx: Context, *, actor: Actor, submission_ids: Sequence[int]) -> list[ItemResult]:
    """
    Take versions off the list that no release ever held; what they superseded comes back to it.

    A refusal of one does not undo the others.

    :raises InvalidRequestError: none, or more than a release may hold
    """
    return _each(ctx, submission_ids, lambda row: _undo_submit(ctx, row, actor=actor), actor=actor)


def undo_removals(ctx: Context, *, actor: Actor, submission_ids: Sequence[int]) -> list[ItemResult]:
    """
    Put versions back on the list that were taken off it, unless a newer one of the file was submitted.

    A refusal of one does not undo the others.

    :raises InvalidRequestError: none, or more than a release may hold
    """
    return _each(ctx, submission_ids, lambda row: _undo_removal(ctx, row, actor=actor), actor=actor)


def _each(
    ctx: Context, submission_ids: Sequence[int], undo: Callable[[Submission], None], *, actor: Actor
) -> list[ItemResult]:
    ids = submissions.counted(submission_ids)
    known = queries.submissions_by_id(ctx.session, ids)
    # Before the first event: the trail is locked from there to the commit.
    expiry.expire_holders_if_due(ctx, known)
    queries.lock_units(ctx.session, {row.unit_id for row in known})
    # Somebody else may have moved them before they were locked.
    queries.submissions_by_id(ctx.session, ids, lock=True)
    handled = []
    for submission_id in ids:
        try:
            with ctx.session.begin_nested():
                row = submissions.get(ctx, actor=actor, submission_id=submission_id)
                undo(row)
            handled.append(ItemResult(row.path, row))
        except ReleaseError as error:
            handled.append(ItemResult(f"{submission_id}", problem=error.message))
    return handled


def _undo_submit(ctx: Context, row: Submission, *, actor: Actor) -> None:
    if actor.id != row.submitted_by_id and not access.is_admin(ctx, actor):
        raise NotAllowedError(
            "v%(version)s of %(path)r was submitted by %(submitted_by_name)s; only they and "
            "release admins undo that. You may remove it from the list, if you may edit its "
            "Dags.",
            version=row.version,
            path=row.path,
            submitted_by_name=row.submitted_by_name,
        )
    if row.state is SubmissionState.REMOVED:
        raise ConflictError(
            "v%(version)s of %(path)r is off the list already; nothing was changed.",
            version=row.version,
            path=row.path,
        )
    if row.state is not SubmissionState.PENDING or queries.was_in_a_release(ctx.session, row.id):
        raise _used(row)
    row.move_to(SubmissionState.REMOVED)
    _record(ctx, row, EventTag.SUBMISSION_REMOVED, Message("Its submission was undone."), actor=actor)
    for older in queries.superseded_by(ctx.session, row):
        if older.state is SubmissionState.SUPERSEDED and not older.snapshot_gone:
            older.move_to(SubmissionState.PENDING)
            older.superseded_by_id = None
            reason = Message("The submission of v%(version)s was undone.", version=row.version)
            _record(ctx, older, EventTag.SUBMISSION_RESTORED, reason, actor=actor)


def _undo_removal(ctx: Context, row: Submission, *, actor: Actor) -> None:
    if actor.id != row.submitted_by_id and not access.is_admin(ctx, actor):
        access.require_edit(ctx, actor, row.dag_ids)
    if row.state is SubmissionState.PENDING:
        raise ConflictError(
            "v%(version)s of %(path)r is in the list already; nothing was changed.",
            version=row.version,
            path=row.path,
        )
    if row.state is not SubmissionState.REMOVED or not row.listed:
        raise _used(row)
    newer = queries.newest_versions(
        ctx.session, [row.unit_id], set(SubmissionState) - {SubmissionState.REMOVED}
    ).get(row.unit_id, 0)
    if newer > row.version:
        raise ConflictError(
            "v%(newer)s of %(path)r was submitted after v%(version)s, which stays off the list. "
            "To have that content again, bring it back in the source and submit it.",
            newer=newer,
            path=row.path,
            version=row.version,
        )
    if row.snapshot_gone:
        raise ConflictError(
            "v%(version)s of %(path)r cannot come back: the source as it was then is kept no longer, so "
            "nobody could check it. Submit the file again.",
            version=row.version,
            path=row.path,
        )
    row.move_to(SubmissionState.PENDING)
    _record(ctx, row, EventTag.SUBMISSION_RESTORED, Message("Its removal was undone."), actor=actor)


def _used(row: Submission) -> ReleaseError:
    """The error for a version of which somebody has made use by now."""
    if row.state is SubmissionState.IN_RELEASE:
        return ItemBusyError(
            "v%(version)s of %(path)r is in an open release by now. Revoke that release, then "
            "remove the version from the list.",
            version=row.version,
            path=row.path,
            release_id=row.release_id,
        )
    state = row.state.value.replace("_", " ")
    return ConflictError(
        "v%(version)s of %(path)r is %(state)s, and a release or a newer version has made "
        "use of it. Remove it from the list if it is there, or submit what shall replace "
        "it.",
        version=row.version,
        path=row.path,
        state=state,
    )


def _record(ctx: Context, row: Submission, tag: EventTag, reason: str, *, actor: Actor) -> None:
    audit.record(ctx, actor=actor, tag=tag, subject=f"submission:{row.id}", path=row.path, reason=reason)
