"""Shared files of the source that differ from the target, and whom that touches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.text.search import search as fuzzy_search
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.models import Submission
from airflow_release_plugin.repositories.pages import Page, require_order
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions.workspace import SourceWorkspace


@dataclass(frozen=True)
class Bringer:
    """A submitted version that waits and brings another content of the file than the target has."""

    submission_id: int
    path: str
    version: int


@dataclass(frozen=True)
class SharedFile:
    """
    One file that DAGs need besides their own.

    :param used_by: ids of DAGs that need it in the source or the target and that the reader may see
    :param users: how many DAGs need it, those included that the reader may not see
    :param released_users: how many of them are in the target
    """

    path: str
    change: ChangeKind
    used_by: tuple[str, ...]
    users: int
    released_users: int
    brought_by: tuple[Bringer, ...]


@dataclass
class _Use:
    """Who needs a file: DAG ids; and how it is in the source, if it is."""

    source: set[str] = field(default_factory=set)
    units: set[str] = field(default_factory=set)
    target: set[str] = field(default_factory=set)
    entry: FileEntry | None = None


def list_shared_files(
    ctx: Context, *, actor: Actor, search: str = "", order_by: str = "", limit: int = 50, offset: int = 0
) -> Page[SharedFile]:
    """
    Files that differ from the target and that several DAG files, or one that is released, need.

    Rows that the actor may see a DAG of.

    :param order_by: one of :data:`ORDER_COLUMNS`, with ``-`` in front for descending; if left out, the best
        match of a search comes first, else rows are ordered by path
    """
    if order_by:
        require_order(order_by, ORDER_COLUMNS)
    rows = _readable(ctx, actor, _rows(ctx, SourceWorkspace(ctx)))
    rows.sort(key=lambda row: row.path)
    if search:
        rows = [row for _, row in sorted(fuzzy_search(search, rows, _names), key=lambda hit: hit[0])]
    key = ORDER_COLUMNS.get(order_by.removeprefix("-"))
    if key:
        rows.sort(key=key, reverse=order_by.startswith("-"))
    return Page(items=rows[offset : offset + limit], total_entries=len(rows))


def _names(row: SharedFile) -> tuple[str, ...]:
    return (row.path, *row.used_by)


def _rows(ctx: Context, workspace: SourceWorkspace) -> list[SharedFile]:
    uses = _uses(ctx, workspace)
    differing = {path: use for path, use in uses.items() if _differs(workspace, path, use)}
    bringers = _bringers(workspace, differing.keys())
    return [
        SharedFile(
            path=path,
            change=_change(workspace, path, use),
            used_by=tuple(sorted(use.source | use.target)),
            users=len(use.source | use.target),
            released_users=len(use.target),
            brought_by=tuple(bringers.get(path, ())),
        )
        for path, use in differing.items()
    ]


def _uses(ctx: Context, workspace: SourceWorkspace) -> dict[str, _Use]:
    """Who needs each file that is no DAG file of its own unit."""
    uses: dict[str, _Use] = defaultdict(_Use)
    for path in workspace.source.snapshot.dag_files:
        try:
            closure = workspace.source.closure(path)
        except ReleaseError:
            continue  # the list of DAGs says so in its row
        dag_ids = {ctx.settings.target_id(dag.dag_id) for dag in workspace.known.get(path, ())}
        for file in closure.files:
            if file.path != path:
                use = uses[file.path]
                use.units.add(path)
                use.source |= dag_ids
                use.entry = file.entry
    for row in workspace.live.values():
        for path in row.paths:
            if path != row.path:
                uses[path].target.update(row.dag_ids)
    return uses


def _differs(workspace: SourceWorkspace, path: str, use: _Use) -> bool:
    if use.entry is None:
        # Nothing in the source needs it any more: only a file that is gone is news.
        return path in workspace.target and not workspace.source.files.is_file(path)
    return (len(use.units) > 1 or bool(use.target)) and workspace.target.get(path) != use.entry


def _change(workspace: SourceWorkspace, path: str, use: _Use) -> ChangeKind:
    if use.entry is None:
        return ChangeKind.DELETED
    return ChangeKind.MODIFIED if path in workspace.target else ChangeKind.NEW


def _bringers(workspace: SourceWorkspace, paths: Iterable[str]) -> dict[str, list[Bringer]]:
    shared = set(paths)
    bringers: dict[str, list[Bringer]] = defaultdict(list)
    for row in workspace.waiting.values():
        for path in _brings(workspace, row) & shared:
            bringers[path].append(Bringer(row.id, row.path, row.version))
    return {path: sorted(rows, key=lambda row: row.path) for path, rows in bringers.items()}


def _brings(workspace: SourceWorkspace, row: Submission) -> set[str]:
    return {e.path for e in row.entries if workspace.target.get(e.path) != e}


def _readable(ctx: Context, actor: Actor, rows: list[SharedFile]) -> list[SharedFile]:
    if access.is_executor(ctx, actor):
        return rows
    names = access.both_ids(ctx, {dag_id for row in rows for dag_id in row.used_by})
    readable = ctx.airflow.access.readable(actor, names)
    visible = []
    for row in rows:
        seen = tuple(i for i in row.used_by if not readable.isdisjoint((i, ctx.settings.source_id(i))))
        if seen:
            visible.append(replace(row, used_by=seen))
    return visible


ORDER_COLUMNS: Mapping[str, Callable[[SharedFile], Any]] = {
    "path": lambda row: row.path,
    "change": lambda row: row.change.value,
    "users": lambda row: row.users,
    "released_users": lambda row: row.released_users,
    "brought_by": lambda row: len(row.brought_by),
}
"""What the list can be sorted by."""
