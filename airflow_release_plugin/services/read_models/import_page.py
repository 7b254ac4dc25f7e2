"""What the page of an import shows: what is in the bundle, where it goes, what was found, what was done."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from airflow_release_plugin.domain.bundle.manifest import BundleUnit, Manifest, manifest_from_dict
from airflow_release_plugin.domain.bundle.name_table import NameTable
from airflow_release_plugin.domain.bundle.preflight import PreflightFinding, Reason, Severity, rows_from
from airflow_release_plugin.domain.bundle.preflight_rules import Needs
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import WAITING_IMPORT_STATES, ImportState
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Import, Release, Submission
from airflow_release_plugin.repositories import applied_imports, releases, submissions
from airflow_release_plugin.repositories import imports as queries
from airflow_release_plugin.services.imports import applying, imports, name_mappings
from airflow_release_plugin.services.imports.evidence import why_not_enough
from airflow_release_plugin.services.imports.placement_plan import Placements, place_import
from airflow_release_plugin.services.releases.previews import ApprovalPreview
from airflow_release_plugin.services.runtime.context import Context

UNCHANGED = "unchanged"


@dataclass(frozen=True)
class PreflightCounts:
    """How many things a preflight found that block, and that people should look at."""

    blocking: int = 0
    warnings: int = 0


@dataclass(frozen=True)
class BundledUnit:
    """
    A unit of a bundle here.

    :param path: of its DAG file here
    :param change: what it does to the target; ``unchanged`` where the target holds it just like that
    :param version: what was made of it, once it is applied
    """

    unit: BundleUnit
    path: str
    change: str
    version: Submission | None = None


@dataclass(frozen=True)
class Name:
    """
    Something that a bundle names, and what it is called here.

    :param is_missing: whether the last preflight did not find it
    """

    kind: str
    there: str
    here: str
    dag_ids: tuple[str, ...]
    type: str = ""
    is_missing: bool = False

    @property
    def stands_out(self) -> bool:
        """Whether people have to think about it, or have."""
        return self.is_missing or self.here != self.there


@dataclass(frozen=True)
class RemovedUnit:
    """DAGs that the bundle takes away; ``is_here`` while the target has them."""

    path: str
    dag_ids: tuple[str, ...]
    is_here: bool


@dataclass(frozen=True)
class ImportDetail:
    """
    An import with everything that its page shows.

    :param manifest: ``None`` as long as nobody could read the bundle
    :param base: the import of the bundle that this one builds on, if it was applied here
    :param may_manage: whether the actor may check, apply and discard it
    :param folders: where DAG files are in the target
    :param record_problem: why its approvals cannot stand for those of this installation; empty if they may
    :param preview: who could approve a release of it; ``None`` unless that was asked
    """

    row: Import
    manifest: Manifest | None
    rows: tuple[PreflightFinding, ...]
    verdict: PreflightCounts
    units: tuple[BundledUnit, ...]
    gone: tuple[RemovedUnit, ...]
    names: tuple[Name, ...]
    base: Import | None
    release: Release | None
    may_manage: bool
    folders: tuple[str, ...]
    record_problem: str
    preview: ApprovalPreview | None = None

    @property
    def shown_state(self) -> str:
        """Its state, in one word."""
        return shown_state(self.row)

    @property
    def is_ready(self) -> bool:
        """Whether it could be applied now, as far as the last preflight tells."""
        return self.row.state is ImportState.CHECKED and not self.verdict.blocking

    @property
    def changing(self) -> int:
        """Number of DAG files that are new here or change."""
        return sum(each.change != UNCHANGED for each in self.units)

    @property
    def leaving(self) -> int:
        """Number of DAG files that go."""
        return sum(each.is_here for each in self.gone)

    @property
    def title(self) -> str:
        """What a release of it may be called."""
        return imports.release_title(self.row.dag_ids or [self.row.file_name])

    @property
    def is_open(self) -> bool:
        """Whether people decide what becomes of it."""
        return self.row.state in WAITING_IMPORT_STATES


@dataclass(frozen=True)
class ImportSummary:
    """An import in a list, with its state in one word and what its last preflight came to."""

    row: Import
    shown_state: str
    verdict: PreflightCounts


def summary(row: Import) -> ImportSummary:
    """An import as lists show it."""
    return ImportSummary(row, shown_state(row), verdict(row))


def verdict(row: Import) -> PreflightCounts:
    """What the last preflight of an import came to."""
    found: dict[str, int] = defaultdict(int)
    for each in row.preflight:
        found[each["severity"]] += max(len(each["items"]), 1)
    return PreflightCounts(found[Severity.BLOCK.value], found[Severity.WARN.value])


def shown_state(row: Import) -> str:
    """The state in one word that says whether anything stands in the way: ready or blocked, once checked."""
    if row.state is not ImportState.CHECKED:
        return str(row.state.value)
    return "blocked" if verdict(row).blocking else "ready"


def waiting(ctx: Context, *, actor: Actor) -> list[Import]:
    """Imports of which the actor has to decide what becomes, oldest first; without their manifests."""
    return queries.waiting(ctx.session) if imports.may_import(ctx, actor) else []


def count_waiting(ctx: Context, *, actor: Actor) -> int:
    """How many :func:`waiting` finds."""
    return queries.count_waiting(ctx.session) if imports.may_import(ctx, actor) else 0


def get_import(
    ctx: Context, *, actor: Actor, import_id: int, release_level: int | None = None
) -> ImportDetail:
    """
    Everything about one import; a fixed number of queries.

    :param release_level: least level of a release that somebody is about to ask for; who could approve it is
        found only then, since the bundle is opened for that
    """
    detail = _detail(ctx, imports.get(ctx, actor=actor, import_id=import_id), actor=actor)
    if release_level is None or not detail.is_ready or not detail.may_manage:
        return detail
    preview = applying.preview_of(ctx, detail.row, actor=actor, at_least_level=release_level)
    return replace(detail, preview=preview)


def _detail(ctx: Context, row: Import, *, actor: Actor) -> ImportDetail:
    manifest = manifest_from_dict(row.manifest) if row.manifest else None
    is_ahead = row.state in WAITING_IMPORT_STATES or row.state is ImportState.APPLYING
    placements = place_import(ctx, row, manifest) if manifest and is_ahead else None
    rows = rows_from(row.preflight)
    base = manifest.base if manifest else None
    return ImportDetail(
        row=row,
        manifest=manifest,
        rows=rows,
        verdict=verdict(row),
        units=tuple(_units(ctx, row, manifest, placements, rows)) if manifest else (),
        gone=tuple(_gone(manifest, placements)) if manifest else (),
        names=tuple(_names(manifest, name_mappings.names_of(ctx, row), rows)) if manifest else (),
        base=applied_imports.by_bundle(ctx.session, base.bundle_id) if base else None,
        release=releases.release(ctx.session, row.release_id) if row.release_id else None,
        may_manage=imports.may_import(ctx, actor),
        folders=_folders(ctx) if placements else (),
        record_problem=_record_problem(ctx, manifest) if manifest else "",
    )


def _folders(ctx: Context) -> tuple[str, ...]:
    live = submissions.live_by_unit(ctx.session, ctx.settings.source).values()
    return tuple(sorted({posixpath.dirname(row.path) for row in live} - {""}))


def _record_problem(ctx: Context, manifest: Manifest) -> str:
    if not ctx.settings.evidence_counts:
        return Message(
            "this installation demands its own approval ([release] import_local_approval = always)"
        )
    return why_not_enough(manifest, ())


def _units(
    ctx: Context,
    row: Import,
    manifest: Manifest,
    placements: Placements | None,
    rows: Iterable[PreflightFinding],
) -> Iterator[BundledUnit]:
    same = {item.name for each in rows if each.reason is Reason.UNCHANGED for item in each.items}
    if placements is not None:
        for each in placements.units:
            change = UNCHANGED if each.path in same else each.change.value
            yield BundledUnit(each.bundled, each.path, change)
        return
    versions = {version.path: version for version in submissions.of_import(ctx.session, row.id)}
    for unit in manifest.units:
        path = row.placed.get(unit.unit_id, {}).get("here", unit.path)
        version = versions.get(path)
        yield BundledUnit(unit, path, version.change.value if version else UNCHANGED, version)


def _gone(manifest: Manifest, placements: Placements | None) -> Iterator[RemovedUnit]:
    here = {removal.gone.unit_id for removal in placements.removals} if placements else set()
    return (RemovedUnit(unit.path, unit.dag_ids, unit.unit_id in here) for unit in manifest.removed)


def _names(manifest: Manifest, table: NameTable, rows: Iterable[PreflightFinding]) -> list[Name]:
    """What the bundle names, by kind; what is missing or called otherwise here comes first."""
    missing = {(each.missing_kind, item.name) for each in rows for item in each.items}
    needs = Needs(manifest, table.here)
    found = [
        Name(
            kind=kind,
            there=there,
            here=table.here(kind, there),
            dag_ids=dag_ids,
            type=needs.type_of(kind, there),
            is_missing=(kind, there) in missing,
        )
        for kind, used in needs.named.items()
        for there, dag_ids in used.items()
    ]
    return sorted(found, key=lambda name: (not name.is_missing, not name.stands_out))
