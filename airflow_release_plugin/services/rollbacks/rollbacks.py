"""
Going back, as a release of its own: who may, who could approve, requesting it; after :mod:`.planning`.

A rollback never rewrites history. It makes new versions with the content of old ones, or versions that
remove, and releases them under a flow of its kind. Newer work that waits in the list stays there.
"""

from __future__ import annotations

from dataclasses import replace

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.release.rollback_scope import Scope
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.exceptions import ConflictError, ItemBusyError, StaleDigestError
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.releases import create_from_drafts
from airflow_release_plugin.services.releases.creation import ReleaseTerms
from airflow_release_plugin.services.releases.previews import ApprovalPreview, preview_for
from airflow_release_plugin.services.rollbacks.planning import Choice, RollbackPlan, plan
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context


def may_undo(ctx: Context, actor: Actor, release: Release) -> bool:
    """Whether the actor could plan to undo a release, some of which is in the target."""
    if release.released_at is None or release.state is ReleaseState.ROLLED_BACK:
        return False
    is_there = any(item.submission.state is SubmissionState.RELEASED for item in release.items)
    return is_there and (access.is_admin(ctx, actor) or access.may_edit(ctx, actor, release.dag_ids))


def preview(ctx: Context, made: RollbackPlan, *, actor: Actor, at_least_level: int = 1) -> ApprovalPreview:
    """The flow of its kind, and who could approve."""
    return preview_for(
        ctx, made.drafts, actor=actor, kind=made.kind, at_least_level=at_least_level, extra=made.extra
    )


def request(
    ctx: Context,
    *,
    actor: Actor,
    scope: Scope,
    choice: Choice | None = None,
    digest: str,
    release_request: ReleaseRequest,
) -> Release:
    """
    Request a rollback or retirement as a release that people approve.

    :param digest: of the plan that the actor saw
    :raises StaleDigestError: it would do something else by now
    :raises ConflictError: a shared file is needed by others and nobody decided what to do
    :raises ItemBusyError: a unit is part of another rollback that is under way
    """
    made = plan(ctx, actor=actor, scope=scope, choice=choice)
    if digest != made.digest:
        raise StaleDigestError(
            "%(title)s: the target has changed since you looked. Look at the plan again.",
            title=made.title,
            current=made.digest,
        )
    require_settled(made)
    busy = next((busy for busy in made.busy if busy.is_rollback), None)
    if busy is not None:
        raise ItemBusyError(
            "%(path)r is part of another rollback that is open; approve or revoke that first.",
            path=busy.path,
            release_id=busy.release_id,
        )
    if not release_request.title.strip():
        release_request = replace(release_request, title=made.title)
    return open_planned(ctx, made, release_request, actor=actor)


def require_settled(made: RollbackPlan) -> None:
    """Raise ``ConflictError`` while a shared file is needed by others in its present form."""
    if made.unsettled:
        shared = made.unsettled[0]
        raise ConflictError(
            "%(title)s would change %(path)r, which %(names)s was released with since. Include "
            "it, or keep the file as it is.",
            title=made.title,
            path=shared.path,
            names=[user.path for user in shared.users[:5]],
        )


def require_whole(made: RollbackPlan) -> None:
    """Raise ``ConflictError`` unless the plan takes out all of a release, and nothing that others rely on."""
    require_settled(made)
    if made.overtaken:
        names = [over.unit.name for over in made.overtaken[:5]]
        raise ConflictError("%(names)s was released again since.", names=names)


def open_planned(
    ctx: Context,
    made: RollbackPlan,
    release_request: ReleaseRequest,
    *,
    actor: Actor,
    exempt_reason: str = "",
    by_pipeline: bool = True,
) -> Release:
    """Make the versions of a plan and the release of them. The caller has authorised it."""
    return create_from_drafts.open_release(
        ctx,
        made.drafts,
        release_request,
        ReleaseTerms(
            made.kind,
            rolls_back=made.undoes,
            exempt_reason=exempt_reason,
            extra=made.extra,
            by_pipeline=by_pipeline,
        ),
        actor=actor,
        digest=made.digest,
    )
