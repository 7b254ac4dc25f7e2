"""What a release changes, against what people choose."""

from __future__ import annotations

from enum import Enum

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.services.imports import evidence as import_evidence
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.file_diffs import (
    PLAIN,
    ChangedFile,
    DiffOptions,
    diff_changes,
    diff_entries,
)


class Against(str, Enum):
    """What the changes of a release are shown against."""

    BASE = ""
    """The target that it was checked on."""
    MY_APPROVAL = "since-my-approval"
    """Its units as the actor last approved them, where they did."""
    SIGNED = "since-signed"
    """Imported files as they were signed where they come from: what the names of this side changed."""


def get_changes(
    ctx: Context,
    *,
    actor: Actor,
    release_id: int,
    against: Against = Against.BASE,
    options: DiffOptions = PLAIN,
) -> list[ChangedFile]:
    """
    What the release changes, file by file.

    :raises NotAllowedError: the actor may not read the code of all its DAGs
    """
    release = releases.get(ctx, actor=actor, release_id=release_id)
    access.require_code(ctx, actor, release.dag_ids)
    return changes_of(ctx, release, against, options, actor=actor)


def changes_of(
    ctx: Context, release: Release, against: Against, options: DiffOptions, *, actor: Actor
) -> list[ChangedFile]:
    """The same of a release whose code the actor may read."""
    if against is Against.BASE:
        return diff_changes(ctx, release.base_commit, release.changes, options)
    if against is Against.SIGNED:
        signed, now = import_evidence.replaced_names(ctx, release)
        return diff_entries(ctx, signed, now, options)
    seen = approval_queries.last_approved(ctx.session, actor.id, before_release=release.id)
    old: dict[str, FileEntry] = {}
    new: dict[str, FileEntry] = {}
    for item in release.items:
        last = seen.get(item.submission.unit_id)
        if last is not None:
            old.update({entry.path: entry for entry in last.entries})
            new.update({entry.path: entry for entry in item.submission.entries})
    return diff_entries(ctx, old, new, options)
