"""Taking in what a release store of an earlier version holds: a bare git repository on disk."""

from __future__ import annotations

from pathlib import Path

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import StoreConflictError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.services.promotion import promotions
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.bare_repository import open_repository
from airflow_release_plugin.store.base import MIRRORED
from airflow_release_plugin.store.copies import CopiedRefs, copy_refs

PREFIXES = (*MIRRORED, "refs/submissions/", "refs/imports/")


def take_in(ctx: Context, *, actor: Actor, path: Path) -> CopiedRefs:
    """
    Copy branches, tags and versions with their files; doing it again changes nothing.

    The environment then is where its branch is.

    :raises StoreUnavailableError: the path is no bare git repository that can be read
    :raises StoreConflictError: a ref is elsewhere already, or the environment is; nothing was changed
    """
    access.require_admin(ctx, actor, Message("take in an earlier store"))
    environment = promotions.lock_environment(ctx, ctx.settings.environment)
    copied = copy_refs(open_repository(path), ctx.store, PREFIXES)
    head = ctx.store.head(environment.name)
    if environment.recorded_commit not in {None, head}:
        raise StoreConflictError(
            "%(environment)r is at %(recorded)s, and the branch of %(path)r at %(head)s. "
            "Nothing was changed.",
            environment=environment.name,
            path=str(path),
            head=head,
            recorded=environment.recorded_commit,
        )
    if copied.new:
        environment.recorded_commit = head
        environment.updated_at = ctx.clock()
        audit.record(
            ctx,
            actor=actor,
            tag=EventTag.ENVIRONMENT_STORE_TAKEN_IN,
            subject=f"environment:{environment.name}",
            refs=len(copied.new),
            commit=head,
        )
    return copied
