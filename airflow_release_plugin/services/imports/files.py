"""The files of a bundle as they will be here: at their placements, with the names that things have here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from airflow_release_plugin.analysis.literal_renaming import Renamed, rename_literals
from airflow_release_plugin.domain.bundle.manifest import BundleFile, Manifest
from airflow_release_plugin.domain.bundle.name_table import NameTable
from airflow_release_plugin.domain.bundle.preflight import Finding, Item, Reason
from airflow_release_plugin.domain.release.digest import files_digest
from airflow_release_plugin.domain.text.phrasing import first_few
from airflow_release_plugin.domain.tree.files import FileEntry, blob_id
from airflow_release_plugin.messages import Message
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services.imports.placement_plan import Placement, Placements
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.base import environment_ref

Read = Callable[[str], bytes]
"""Gives the bytes of a file of the bundle or of its base by the path there, checked against their hash."""


@dataclass(frozen=True)
class Prepared:
    """
    What will be written; the bytes are read once more when they are.

    :param entries: every file here, by the path there
    :param rewritten: paths there of the files in which names were changed
    :param findings: names that could not be changed, files that others need as they are, what is unchanged
    """

    entries: Mapping[str, FileEntry]
    rewritten: tuple[str, ...]
    findings: tuple[Finding, ...]
    _read: Callable[[str], Renamed]

    def closure(self, placement: Placement) -> tuple[FileEntry, ...]:
        """The files of a unit as they will be here, by path."""
        return tuple(sorted(self.entries[there] for there in placement.files))

    def is_unchanged(self, placement: Placement) -> bool:
        """Whether the target holds the unit just like that."""
        live = placement.live
        return (
            live is not None
            and live.path == placement.path
            and live.digest == files_digest(self.closure(placement))
        )

    def read(self, there: str) -> bytes:
        """The bytes of a file as it will be here, by its path there."""
        return self._read(there).data

    def read_blob(self, blob: str) -> bytes:
        """The same by the blob that the file will be in the store."""
        return self.read(self._by_blob[blob])

    @cached_property
    def _by_blob(self) -> Mapping[str, str]:
        return {entry.blob: there for there, entry in self.entries.items()}

    def files(self) -> Iterator[tuple[str, int, bytes]]:
        """``(path here, mode, bytes)`` of every file, one at a time."""
        for there, entry in self.entries.items():
            yield entry.path, entry.mode, self.read(there)


def prepare(
    ctx: Context, manifest: Manifest, placements: Placements, table: NameTable, read: Read
) -> Prepared:
    """
    See what each file becomes; each is in memory alone. Nothing is stored.

    :param read: of the bundle's own and, for an incremental one, of its base's files
    """
    files = {file.path: file for file in manifest.files}
    where = placements.of_files()

    def renamed(there: str) -> Renamed:
        return rename_literals(read(there), table, path=there)

    entries: dict[str, FileEntry] = {}
    changed: dict[str, Renamed] = {}
    for there, here in where.items():
        result = renamed(there)
        entries[there] = _entry(files[there], here, result.data)
        if result.reached or result.missed:
            changed[there] = Renamed(b"", result.reached, result.missed)
    prepared = Prepared(
        entries=entries,
        rewritten=tuple(sorted(there for there, result in changed.items() if result.reached)),
        findings=(),
        _read=renamed,
    )
    findings = (
        *_not_renamed(placements, table, changed),
        *_shared_files(ctx, placements, entries),
        *_unchanged(prepared, placements),
    )
    return Prepared(entries, prepared.rewritten, findings, renamed)


def _entry(file: BundleFile, path: str, data: bytes) -> FileEntry:
    return FileEntry(path, file.mode, blob_id(data), len(data))


def _not_renamed(
    placements: Placements, table: NameTable, changed: Mapping[str, Renamed]
) -> Iterator[Finding]:
    """Names of the table that a unit uses and that no literal, or not every one, could take."""
    concerned: dict[tuple[str, str], set[str]] = defaultdict(set)
    for placement in placements.units:
        used = placement.bundled.named
        results = [changed[there] for there in placement.files if there in changed]
        for kind, there, _ in table:
            reached = any((kind, there) in result.reached for result in results)
            missed = any((kind, there) in result.missed for result in results)
            if missed or (there in used[kind] and not reached):
                concerned[kind, there].update(placement.bundled.dag_ids)
    for (kind, there), dag_ids in sorted(concerned.items()):
        detail = Message(
            "This %(kind)s is named in a way that cannot be changed; it keeps its name %(there)r here.",
            kind=kind,
            there=there,
        )
        yield Reason.COMPUTED_NAME, Item(there, detail, tuple(sorted(dag_ids)))


def _shared_files(
    ctx: Context, placements: Placements, entries: Mapping[str, FileEntry]
) -> Iterator[Finding]:
    """Files that would change under units that the bundle does not hold."""
    new = {entry.path: entry for entry in entries.values()}
    target = ctx.store.entries(ctx.store.ref(environment_ref(ctx.settings.environment)), new)
    differs = {path for path, entry in target.items() if new[path] != entry}
    own = placements.unit_ids
    users: dict[str, set[str]] = defaultdict(set)
    for unit_id, row in submissions.live_by_unit(ctx.session, ctx.settings.source).items():
        if unit_id not in own:
            for entry in row.entries:
                if entry.path in differs:
                    users[entry.path].update(row.dag_ids)
    for path, dag_ids in sorted(users.items()):
        detail = Message(
            "Here it has other content, which %(dag_ids)s use.", dag_ids=first_few(sorted(dag_ids), 3)
        )
        yield Reason.SHARED_FILE_DIFFERS, Item(path, detail, ())


def _unchanged(prepared: Prepared, placements: Placements) -> Iterator[Finding]:
    for placement in placements.units:
        if placement.live is not None and prepared.is_unchanged(placement):
            detail = Message(
                "It equals v%(version)s, which is in the target already.", version=placement.live.version
            )
            yield Reason.UNCHANGED, Item(placement.path, detail, placement.bundled.dag_ids)
