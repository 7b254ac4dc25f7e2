"""Imports that come to nothing: discarded, given up, or too old."""

from __future__ import annotations

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import SYSTEM, Actor
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.exceptions import (
    BundleExpiredError,
)
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Import
from airflow_release_plugin.services.imports import imports
from airflow_release_plugin.services.notices import transfer_notices
from airflow_release_plugin.services.runtime.context import Context


def discard(ctx: Context, *, actor: Actor, import_id: int) -> Import:
    """Give up an upload, or a bundle that was not applied; its file goes."""
    imports.require_importer(ctx, actor, Message("discard imports"))
    row = imports.get_locked(ctx, actor=actor, import_id=import_id)
    if row.state is not ImportState.DISCARDED:
        give_up(ctx, row, actor=actor, reason=Message("Discarded by %(actor)s.", actor=actor.name))
    return row


def give_up(ctx: Context, row: Import, *, actor: Actor, reason: str) -> None:
    """Discard an import and its file."""
    row.move_to(ImportState.DISCARDED)
    row.error = reason
    imports.remove_file(ctx, row)
    imports.record(ctx, row, EventTag.IMPORT_DISCARDED, actor=actor, reason=reason)


def expire(ctx: Context, row: Import) -> None:
    """Give up an import whose bundle is not valid any more."""
    until = row.expires_at.isoformat() if row.expires_at else ""
    row.error = Message(
        "The bundle expired at %(until)s before it was applied. Have it exported anew.", until=until
    )
    row.move_to(ImportState.FAILED)
    imports.remove_file(ctx, row)
    code = BundleExpiredError.code
    imports.record(ctx, row, EventTag.IMPORT_FAILED, actor=SYSTEM, reason=row.error, code=code)
    transfer_notices.import_ended(ctx, row, row.uploaded_by)
