"""What is remembered of names there and here, for the next import from the same installation."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_release_plugin.domain.bundle.name_table import NameTable, name_table
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.models import Import, NameMapping
from airflow_release_plugin.repositories import imports
from airflow_release_plugin.services.runtime.context import Context


def remembered(ctx: Context, source_uid: str) -> NameTable:
    """The names as they were last given for an installation."""
    names: dict[str, dict[str, str]] = {}
    for row in imports.name_mappings(ctx.session, source_uid):
        names.setdefault(row.kind, {})[row.there] = row.here
    return NameTable(names)


def names_of(ctx: Context, row: Import) -> NameTable:
    """Those that count for an import: of its last preflight, before it those that are remembered."""
    if row.state is ImportState.UPLOADED and row.source_uid:
        return remembered(ctx, row.source_uid)
    return name_table(row.mapping)


def renamed(ctx: Context, row: Import, changed: Mapping[tuple[str, str], str]) -> NameTable:
    """
    The names that count for an import, some of them changed.

    :param changed: by kind and name there, the name here; empty for the one that it has there
    """
    names = names_of(ctx, row).to_dict()
    for (kind, there), here in changed.items():
        names.setdefault(kind, {})[there] = here.strip() or there
    return name_table(names)


def remember(ctx: Context, source_uid: str, table: NameTable) -> None:
    """Keep the names in place of those that were kept before."""
    wanted = {(kind, there): here for kind, there, here in table}
    for row in imports.name_mappings(ctx.session, source_uid):
        here = wanted.pop((row.kind, row.there), None)
        if here is None:
            ctx.session.delete(row)
        else:
            row.here = here
    ctx.session.add_all(
        NameMapping(source_uid=source_uid, kind=kind, there=there, here=here)
        for (kind, there), here in wanted.items()
    )
