"""What applying a bundle would do here at this moment, worked out anew each time."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.analysis.closure import Closure, ClosureFile, FileKind
from airflow_release_plugin.domain.bundle.name_table import name_table
from airflow_release_plugin.domain.bundle.preflight import PreflightFinding
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Import, Submission, Unit
from airflow_release_plugin.services.imports import preflight, upstream_files
from airflow_release_plugin.services.imports.files import Prepared, prepare
from airflow_release_plugin.services.imports.placement_plan import Placement, Placements, Removal
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import versions
from airflow_release_plugin.services.versions.versions import VersionContent
from airflow_release_plugin.transfer.reader import Bundle


@dataclass(frozen=True)
class ImportPlan:
    """
    Where everything of a bundle goes and what it becomes.

    :param base: commit with the files of the bundle that it builds on
    :param findings: the preflight of this moment
    """

    bundle: Bundle
    base: str | None
    placements: Placements
    prepared: Prepared
    findings: tuple[PreflightFinding, ...]

    @property
    def changed(self) -> list[Placement]:
        """Units of which a version is made, upstream first."""
        return [each for each in self.placements.units if not self.prepared.is_unchanged(each)]

    @property
    def rewritten(self) -> dict[str, str]:
        """Files in which names are replaced: the path there, by that here."""
        return {self.prepared.entries[there].path: there for there in self.prepared.rewritten}

    @property
    def placed(self) -> dict[str, dict[str, str]]:
        """Path there and here of each unit, by its id."""
        return {
            each.bundled.unit_id: {"there": each.bundled.path, "here": each.path}
            for each in self.placements.units
        }


def plan(ctx: Context, row: Import, bundle: Bundle) -> ImportPlan:
    """
    Work out what applying would do, with the folder and the names of the last preflight.

    :raises ConflictError: the bundle builds on one that was never applied here
    """
    manifest = bundle.manifest
    base = upstream_files.base_commit(ctx, manifest)
    placements = preflight.find_places(ctx, row, manifest)
    read = upstream_files.reader(ctx, bundle, base)
    prepared = prepare(ctx, manifest, placements, name_table(row.mapping), read)
    return ImportPlan(
        bundle, base, placements, prepared, preflight.look(ctx, row, manifest, placements, prepared)
    )


def draft(ctx: Context, row: Import, import_plan: ImportPlan, each: Placement, unit: Unit) -> Submission:
    """The version of a unit that an import brings; not in the session, without a number."""
    files = import_plan.prepared.closure(each)
    return _draft(ctx, row, import_plan, unit, each.change, each.path, each.bundled.dag_ids, files)


def draft_removal(ctx: Context, row: Import, import_plan: ImportPlan, each: Removal) -> Submission:
    """The version that takes a unit out of the target, because it is gone where the bundle comes from."""
    live = each.live
    return _draft(ctx, row, import_plan, each.unit, ChangeKind.DELETED, live.path, tuple(live.dag_ids), ())


def _draft(
    ctx: Context,
    row: Import,
    import_plan: ImportPlan,
    unit: Unit,
    change: ChangeKind,
    path: str,
    dag_ids: tuple[str, ...],
    files: tuple[FileEntry, ...],
) -> Submission:
    manifest = import_plan.bundle.manifest
    closure = Closure(path, tuple(_closure_file(entry, path) for entry in files))
    return versions.draft(
        ctx,
        unit,
        VersionContent.of(closure),
        by=Person(row.uploaded_by_id, row.uploaded_by_name),
        path=path,
        change=change,
        dag_ids=sorted(dag_ids),
        comment=f"From bundle {manifest.bundle_id} of {manifest.environment}",
        import_id=row.id,
    )


def _closure_file(entry: FileEntry, dag_file: str) -> ClosureFile:
    is_module = entry.path.endswith(".py")
    kind = FileKind.DAG if entry.path == dag_file else FileKind.MODULE if is_module else FileKind.DATA
    reason = Message("DAG file") if kind is FileKind.DAG else Message("in the bundle")
    return ClosureFile(entry.path, entry.mode, entry.blob, entry.size, kind, reason)
