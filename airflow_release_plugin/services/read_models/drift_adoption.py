"""What adopting what was changed by hand would take, for the page that asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.services.drift import adoption
from airflow_release_plugin.services.drift.adoption import AdoptionPlan
from airflow_release_plugin.services.releases.previews import ApprovalPreview
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.file_diffs import PLAIN, ChangedFile, DiffOptions


@dataclass(frozen=True)
class AdoptionDetail:
    """A plan, who could approve it, and its diff."""

    plan: AdoptionPlan
    preview: ApprovalPreview
    changes: list[ChangedFile]


def get_adoption(ctx: Context, *, actor: Actor, name: str, options: DiffOptions = PLAIN) -> AdoptionDetail:
    """
    Work out what was changed by hand; nothing is stored.

    :param name: of the environment
    :raises NotAllowedError: it is for release admins
    :raises ConflictError: nothing was changed
    """
    plan = adoption.plan(ctx, actor=actor, name=name)
    return AdoptionDetail(plan, adoption.preview(ctx, plan, actor=actor), adoption.diff(ctx, plan, options))
