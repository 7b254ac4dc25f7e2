"""What a rollback or retirement would do, for the page that asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.release.rollback_scope import Scope
from airflow_release_plugin.services.releases.previews import ApprovalPreview
from airflow_release_plugin.services.rollbacks import planning, rollbacks
from airflow_release_plugin.services.rollbacks.planning import Choice, RollbackPlan
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.file_diffs import (
    PLAIN,
    ChangedFile,
    DiffOptions,
    diff_changes,
)


@dataclass(frozen=True)
class RollbackSummary:
    """
    A plan, who could approve it, and which files it touches.

    :param files: by path, what becomes of it
    """

    plan: RollbackPlan
    preview: ApprovalPreview
    files: dict[str, ChangeKind]


@dataclass(frozen=True)
class RollbackDetail:
    """A plan, who could approve it, and its diff; ``None`` for people who may not read the code."""

    plan: RollbackPlan
    preview: ApprovalPreview
    changes: list[ChangedFile] | None


def get_summary(ctx: Context, *, actor: Actor, scope: Scope, choice: Choice | None = None) -> RollbackSummary:
    """Work out a rollback or retirement; nothing is stored. Raises what :func:`.planning.plan` raises."""
    plan = planning.plan(ctx, actor=actor, scope=scope, choice=choice)
    there = ctx.store.entries(plan.base_commit, [change.path for change in plan.changes])
    files = {}
    for change in plan.changes:
        kept = ChangeKind.MODIFIED if change.path in there else ChangeKind.NEW
        files[change.path] = ChangeKind.DELETED if change.is_deletion else kept
    return RollbackSummary(plan, rollbacks.preview(ctx, plan, actor=actor), files)


def get_detail(
    ctx: Context,
    *,
    actor: Actor,
    scope: Scope,
    choice: Choice | None = None,
    at_least_level: int = 1,
    options: DiffOptions = PLAIN,
) -> RollbackDetail:
    """The same, line by line."""
    plan = planning.plan(ctx, actor=actor, scope=scope, choice=choice)
    changes = None
    if access.may_read_code(ctx, actor, plan.dag_ids):
        changes = diff_changes(ctx, plan.base_commit, plan.changes, options)
    preview = rollbacks.preview(ctx, plan, actor=actor, at_least_level=at_least_level)
    return RollbackDetail(plan, preview, changes)
