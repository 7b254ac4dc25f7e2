"""Everything that the list of imports shows."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.domain.bundle.trusted_keys import KeyStanding, TrustedKey
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.exceptions import TransferUnavailableError
from airflow_release_plugin.models import Import
from airflow_release_plugin.services.exports import transfer_visibility
from airflow_release_plugin.services.imports import imports
from airflow_release_plugin.services.read_models import import_page
from airflow_release_plugin.services.read_models.import_page import ImportSummary
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.transfer.keys import KeyFolder


@dataclass(frozen=True)
class ImportsDetail:
    """
    What came in, and whose bundles may.

    :param rows: a page of the imports that the actor may see, newest first; ``total`` counts all of them
    :param unfinished: uploads on the page that the actor can go on with
    :param keys: for who may manage imports, the keys that are trusted, with those that are not any more, and
        how each stands
    :param keys_problem: why the keys cannot be read; empty if they can
    """

    rows: list[ImportSummary]
    total: int
    unfinished: list[Import]
    may_manage: bool
    keys: list[tuple[TrustedKey, KeyStanding]]
    keys_problem: str


def get_imports(ctx: Context, *, actor: Actor, limit: int = 50, offset: int = 0) -> ImportsDetail:
    """
    A page of the imports.

    :raises NotAllowedError: imports are switched off here, or not for the actor
    """
    transfer_visibility.require_imports(ctx, actor)
    page = imports.list_imports(ctx, actor=actor, limit=limit, offset=offset)
    may_manage = imports.may_import(ctx, actor)
    keys, problem = _keys(ctx) if may_manage else ([], "")
    return ImportsDetail(
        rows=[import_page.summary(row) for row in page.items],
        total=page.total_entries,
        unfinished=[row for row in page.items if _is_unfinished(row, actor)],
        may_manage=may_manage,
        keys=keys,
        keys_problem=problem,
    )


def _is_unfinished(row: Import, actor: Actor) -> bool:
    return row.state is ImportState.UPLOADING and row.uploaded_by_id == actor.id


def _keys(ctx: Context) -> tuple[list[tuple[TrustedKey, KeyStanding]], str]:
    """Whom this installation trusts; a folder that cannot be relied on must not hide the page."""
    try:
        keys = KeyFolder(ctx.settings.keys_path).trusted()
    except TransferUnavailableError as error:
        return [], error.message
    now = ctx.clock()
    return [(key, key.standing(now)) for key in keys], ""
