"""The files of a bundle for people who look: one file, what a unit changes here, what new names change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from airflow_release_plugin.analysis.text_diff import MAX_LINES, diff_texts
from airflow_release_plugin.domain.bundle.manifest import BundleFile, Manifest
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Import
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services.imports import imports, name_mappings, upstream_files
from airflow_release_plugin.services.imports.files import Prepared, Read, prepare
from airflow_release_plugin.services.imports.placement_plan import Placement, Placements, place_import
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.file_diffs import PLAIN, ChangedFile, DiffOptions, diff_entries
from airflow_release_plugin.store.base import environment_ref


@dataclass(frozen=True)
class UnitLook:
    """
    A unit of a bundle, looked at closely.

    :param files: what the manifest says of its files
    :param changes: what it changes in the target
    """

    row: Import
    manifest: Manifest
    placement: Placement
    files: tuple[BundleFile, ...]
    changes: tuple[ChangedFile, ...]


def unit(ctx: Context, *, actor: Actor, import_id: int, path: str, options: DiffOptions = PLAIN) -> UnitLook:
    """
    What a unit of a bundle would change here.

    :param path: of its DAG file there
    """
    with _opened(ctx, actor, import_id) as opened:
        placement = next((p for p in opened.placements.units if p.bundled.path == path), None)
        if placement is None:
            raise NotFoundError("The bundle holds no Dag file %(path)r.", path=path)
        prepared = opened.prepare(Placements((placement,), (), ()))
        closure = {entry.path: entry for entry in prepared.closure(placement)}
        there = {here: name for name, here in placement.files.items()}
        changes = diff_entries(
            ctx,
            _target(ctx, placement, closure),
            closure,
            options,
            read_new=lambda entry: prepared.read(there[entry.path]),
        )
        files = {file.path: file for file in opened.manifest.files}
        return UnitLook(
            row=opened.row,
            manifest=opened.manifest,
            placement=placement,
            files=tuple(files[name] for name in placement.bundled.files),
            changes=tuple(changes),
        )


def _target(ctx: Context, placement: Placement, closure: dict[str, FileEntry]) -> dict[str, FileEntry]:
    """What the target has at these paths, and of the unit alone elsewhere."""
    live = submissions.live_by_unit(ctx.session, ctx.settings.source)
    own = placement.unit.id if placement.unit else None
    kept = {entry.path for unit, row in live.items() if unit != own for entry in row.entries}
    gone = {entry.path for entry in placement.live.entries} - kept if placement.live else set()
    return ctx.store.entries(ctx.store.ref(environment_ref(ctx.settings.environment)), {*closure, *gone})


def renamed(
    ctx: Context, *, actor: Actor, import_id: int, options: DiffOptions = PLAIN
) -> tuple[ChangedFile, ...]:
    """What the names of this installation change in the files, by their paths there."""
    with _opened(ctx, actor, import_id) as opened:
        prepared = opened.prepare(replace(opened.placements, findings=()))
        return tuple(
            _changed(path, opened.read(path), prepared.read(path), options)
            for path in prepared.rewritten
            if options.only in {"", path}
        )


def _changed(path: str, old: bytes, new: bytes, options: DiffOptions) -> ChangedFile:
    context = 2 * MAX_LINES if options.only else 3
    diff = diff_texts(old, new, context=context, ignore_whitespace=options.ignore_whitespace)
    return ChangedFile(path, ChangeKind.MODIFIED, diff, old, new)


def file(ctx: Context, *, actor: Actor, import_id: int, path: str) -> bytes:
    """One file as it was signed, of the bundle or of what it builds on."""
    with _opened(ctx, actor, import_id) as opened:
        if all(file.path != path for file in opened.manifest.files):
            raise NotFoundError("The bundle holds no file %(path)r.", path=path)
        return opened.read(path)


@dataclass(frozen=True)
class _Opened:
    ctx: Context
    row: Import
    manifest: Manifest
    read: Read

    @property
    def placements(self) -> Placements:
        return place_import(self.ctx, self.row, self.manifest)

    def prepare(self, placements: Placements) -> Prepared:
        table = name_mappings.names_of(self.ctx, self.row)
        return prepare(self.ctx, self.manifest, placements, table, self.read)


@contextmanager
def _opened(ctx: Context, actor: Actor, import_id: int) -> Iterator[_Opened]:
    imports.require_importer(ctx, actor, Message("read the code in a bundle"))
    row = imports.get(ctx, actor=actor, import_id=import_id)
    with imports.opened(ctx, row) as bundle:
        base = upstream_files.base_commit(ctx, bundle.manifest)
        yield _Opened(ctx, row, bundle.manifest, upstream_files.reader(ctx, bundle, base))
