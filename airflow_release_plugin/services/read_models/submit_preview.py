"""What submitting would copy: files with reasons, warnings, what has changed; nothing is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from airflow_release_plugin.analysis.closure import Closure, FileKind
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.models import Unit
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions import submissions
from airflow_release_plugin.services.submissions.change_outline import (
    ChangeOutline,
    OutlinedUnit,
    as_moved,
    compared_with,
    outlines,
)
from airflow_release_plugin.services.submissions.observed_files import with_read_in_dev
from airflow_release_plugin.services.submissions.source_units import Content, content_of
from airflow_release_plugin.services.submissions.unit_changes import changes_of
from airflow_release_plugin.services.submissions.workspace import SourceWorkspace
from airflow_release_plugin.services.versions.file_diffs import FilePair
from airflow_release_plugin.services.versions.versions import VersionContent

MOST_FILES = 50
"""So many files of a unit are shown in the dialog; its own page has all."""


@dataclass(frozen=True)
class PreviewFile:
    """
    One file that would be copied.

    :param is_changed: whether the target has another content, or none
    :param others: number of DAGs of other units in the target that need it
    """

    path: str
    reason: str
    size: int
    is_changed: bool
    others: int


@dataclass(frozen=True)
class UnitPreview:
    """
    What would be copied of one chosen file.

    :param problem: why it would be refused; then nothing else is known
    :param files: the first :data:`MOST_FILES`, those that change first
    :param count: how many files there are; ``size`` is their bytes together
    :param changed: how many of them the target has otherwise, or not at all
    :param others: number of DAGs of other units in the target that need a file which changes
    """

    path: str
    dag_ids: tuple[str, ...] = ()
    problem: str = ""
    is_removal: bool = False
    files: tuple[PreviewFile, ...] = ()
    count: int = 0
    size: int = 0
    changed: int = 0
    others: int = 0
    warnings: tuple[str, ...] = ()
    is_complete: bool = True
    outline: ChangeOutline | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return ", ".join(self.dag_ids) or self.path

    @property
    def outlines(self) -> list[tuple[str, ChangeOutline]]:
        """Name and outline; nothing if it would be refused."""
        return [(self.name, self.outline)] if self.outline else []


@dataclass(frozen=True)
class SubmitPreviewDetail:
    """What would be copied of all chosen files, in their order."""

    units: tuple[UnitPreview, ...]

    @property
    def outlines(self) -> list[tuple[str, ChangeOutline]]:
        """Name and outline of each that would not be refused."""
        return [each for unit in self.units for each in unit.outlines]


def get_submit_preview(ctx: Context, *, actor: Actor, paths: Sequence[str]) -> SubmitPreviewDetail:
    """
    What submitting these files would copy now, or why it would be refused; a fixed number of queries.

    :raises InvalidRequestError: none, or more than a release may hold
    """
    access.require_source(ctx)
    distinct = submissions.counted(paths)
    workspace = SourceWorkspace(ctx, distinct)
    found: dict[str, UnitPreview] = {}
    outlined: dict[str, OutlinedUnit] = {}
    for path in distinct:
        try:
            content = _content(ctx, workspace, path, actor=actor)
        except ReleaseError as error:
            found[path] = UnitPreview(path, problem=error.message)
            continue
        unit = workspace.unit(path)
        entries = content.closure.entries if content.closure else ()
        pairs = changes_of(workspace, unit, entries)
        found[path] = _preview(workspace, unit, content, {pair.path for pair in pairs})
        outlined[path] = _outlined(workspace, unit, content, pairs)
    told = outlines(ctx, workspace, outlined)
    return SubmitPreviewDetail(tuple(replace(each, outline=told.get(path)) for path, each in found.items()))


def _content(ctx: Context, workspace: SourceWorkspace, path: str, *, actor: Actor) -> Content:
    """As submitting finds it. What is wrong with a file, and what it needs, is for who may submit it."""
    unit = workspace.unit(path)
    if path not in workspace.present and unit is None:
        workspace.source.require(path)
    access.require_edit(ctx, actor, submissions.known_ids(ctx, workspace, path))
    content = content_of(ctx, workspace, unit, path)
    access.require_edit(ctx, actor, content.dag_ids)
    access.require_code(ctx, actor, content.dag_ids)
    if content.closure is None:
        return content
    live = workspace.chosen_live.get(unit.id) if unit else None
    runs = workspace.observed_runs(content.dag_ids)
    closure = with_read_in_dev(ctx, content.closure, workspace.source.files, runs, live=live)
    return replace(content, closure=closure, digest=closure.digest)


def _preview(
    workspace: SourceWorkspace, unit: Unit | None, content: Content, changed: set[str]
) -> UnitPreview:
    if content.closure is None:
        return UnitPreview(content.path, content.dag_ids, is_removal=True)
    whole = VersionContent.of(content.closure)
    own = changed & {file.path for file in content.closure.files}
    return UnitPreview(
        content.path,
        content.dag_ids,
        files=tuple(_files(workspace, unit, content.closure, own)),
        count=len(content.closure.files),
        size=sum(file.size for file in content.closure.files),
        changed=len(own),
        others=workspace.others_released(own, unit),
        warnings=tuple(whole.warnings),
        is_complete=whole.is_complete,
    )


def _files(
    workspace: SourceWorkspace, unit: Unit | None, closure: Closure, changed: set[str]
) -> Iterable[PreviewFile]:
    """The DAG file, what changes, the rest; each by path."""
    ordered = sorted(closure.files, key=lambda f: (f.kind is not FileKind.DAG, f.path not in changed, f.path))
    for file in ordered[:MOST_FILES]:
        others = workspace.others_released([file.path], unit)
        yield PreviewFile(file.path, file.reason, file.size, file.path in changed, others)


def _outlined(
    workspace: SourceWorkspace, unit: Unit | None, content: Content, pairs: list[FilePair]
) -> OutlinedUnit:
    live = workspace.live.get(unit.id) if unit else None
    waiting = workspace.waiting.get(unit.id) if unit else None
    renamed_from = workspace.renamed_from(content.path, unit) or ""
    compared = compared_with(pairs, waiting, is_live=live is not None)
    if renamed_from and content.closure is not None:
        compared = as_moved(compared, renamed_from, content.path)
    base = live or waiting
    before: FileEntry | None = None
    if base is not None and content.closure is not None:
        before = next((entry for entry in base.entries if entry.path == base.path), None)
    return OutlinedUnit(content, renamed_from, tuple(compared), before)
