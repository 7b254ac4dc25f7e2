"""A bundle file that is whole: looked at, and what it needs here found at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.models import Import
from airflow_release_plugin.services.imports import imports, preflight
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class ReceivedImport:
    """An import whose file has come; ``problem`` says why its preflight could not run."""

    row: Import
    problem: str = ""


def complete(ctx: Context, *, actor: Actor, import_id: int) -> ReceivedImport:
    """
    Look at a file that came in parts, and at what it needs here under the names that are kept.

    Raises what :func:`.imports.complete` raises; a refused file is a failed import, not an error.
    """
    row = imports.complete(ctx, actor=actor, import_id=import_id)
    if row.state is not ImportState.UPLOADED:
        return ReceivedImport(row)
    try:
        with ctx.session.begin_nested():
            preflight.check(ctx, actor=actor, import_id=row.id)
    except ReleaseError as error:
        return ReceivedImport(row, error.message)
    return ReceivedImport(row)


def receive(
    ctx: Context, *, actor: Actor, file_name: str, file_size: int, chunks: Iterable[bytes]
) -> ReceivedImport:
    """Take a whole file at once, and look at it. Raises what its three steps raise."""
    begun = imports.begin(ctx, actor=actor, file_name=file_name, file_size=file_size)
    imports.append(ctx, actor=actor, import_id=begun.id, offset=0, chunks=chunks)
    return complete(ctx, actor=actor, import_id=begun.id)
