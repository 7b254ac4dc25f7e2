"""Who agreed to what an import brought, where it comes from; and whether that may count here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from airflow_release_plugin.domain.bundle.manifest import (
    BundleDiscussion,
    BundleEvidence,
    BundleUnit,
    Manifest,
    manifest_from_dict,
)
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.domain.text.phrasing import first_few
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Import, Release, Submission
from airflow_release_plugin.repositories import applied_imports
from airflow_release_plugin.services.runtime import installation
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class UnitEvidence:
    """
    One version, as it was released where it comes from.

    :param path: of the DAG file here; ``path_there``: in the bundle
    :param version: its number there; 0 for one that was never submitted, and for a removal
    :param approval: how it came to be released there; ``None`` if it was not, and for a removal
    :param rewritten: its files in which names were replaced on the way, by their paths here
    """

    path: str
    path_there: str
    dag_ids: tuple[str, ...]
    version: int
    approval: BundleEvidence | None
    rewritten: tuple[str, ...]
    is_removal: bool = False


@dataclass(frozen=True)
class ImportEvidence:
    """
    What a bundle says about the versions of a release; its signature was that of ``signer``.

    :param installation_id: of the Airflow that the bundle comes from
    :param approved: whether everything in the bundle was released there
    :param discussions: what was said there about the releases of these versions
    """

    import_id: int
    bundle_id: str
    installation_id: str
    environment: str
    commit: str
    signer: str
    created: datetime
    approved: bool
    uploaded_by: Person
    units: tuple[UnitEvidence, ...]
    discussions: tuple[BundleDiscussion, ...] = ()

    def discussion_of(self, release: str) -> BundleDiscussion | None:
        """What was said about a release there, by its number; ``None`` if nothing was."""
        return next((each for each in self.discussions if each.release == release), None)

    @property
    def by_approval(self) -> dict[BundleEvidence | None, list[UnitEvidence]]:
        """The versions that were released together there, and those that were not."""
        groups: dict[BundleEvidence | None, list[UnitEvidence]] = {}
        for unit in self.units:
            groups.setdefault(unit.approval, []).append(unit)
        return groups


def for_release(ctx: Context, release: Release) -> tuple[ImportEvidence, ...]:
    """Evidence for the versions of a release that imports brought; two queries, or none."""
    return for_submissions(ctx, [item.submission for item in release.items])


def for_submissions(ctx: Context, rows: Iterable[Submission]) -> tuple[ImportEvidence, ...]:
    """The same for any versions, by import."""
    brought: dict[int, list[Submission]] = {}
    for row in rows:
        if row.import_id is not None:
            brought.setdefault(row.import_id, []).append(row)
    if not brought:
        return ()
    imports = applied_imports.by_id(ctx.session, brought)
    return tuple(_of_import(ctx, imports[key], brought[key]) for key in sorted(brought) if key in imports)


def _of_import(ctx: Context, row: Import, brought: Sequence[Submission]) -> ImportEvidence:
    manifest = manifest_from_dict(row.manifest)
    there = {unit.unit_id: unit for unit in manifest.units}
    removed = {gone.unit_id: gone.path for gone in manifest.removed}
    rewritten = frozenset(row.options["rewritten"])
    names = installation.unit_ids(ctx, (version.unit for version in brought))
    units = []
    for version in brought:
        unit_id = names[version.unit.id]
        unit = there.get(unit_id)
        units.append(
            UnitEvidence(
                path=version.path,
                path_there=unit.path if unit else removed.get(unit_id, ""),
                dag_ids=tuple(version.dag_ids),
                version=unit.version if unit else 0,
                approval=unit.evidence if unit else None,
                rewritten=tuple(sorted(rewritten & {entry.path for entry in version.entries})),
                is_removal=version.is_removal,
            )
        )
    return ImportEvidence(
        import_id=row.id,
        bundle_id=manifest.bundle_id,
        installation_id=manifest.installation_id,
        environment=manifest.environment,
        commit=manifest.commit,
        signer=row.signer,
        created=manifest.created,
        approved=manifest.approved,
        uploaded_by=row.uploaded_by,
        units=tuple(units),
        discussions=_discussions(manifest, units),
    )


def _discussions(manifest: Manifest, units: Iterable[UnitEvidence]) -> tuple[BundleDiscussion, ...]:
    """What was said about the releases of these units, not about others of the same bundle."""
    released = {unit.approval.release for unit in units if unit.approval}
    return tuple(each for each in manifest.discussions if each.release in released)


def replaced_names(ctx: Context, release: Release) -> tuple[dict[str, FileEntry], dict[str, FileEntry]]:
    """Files of a release in which names were replaced, as they were signed and as they are, by path here."""
    brought = [item.submission for item in release.items if item.submission.import_id is not None]
    imports = applied_imports.by_id(ctx.session, {row.import_id for row in brought if row.import_id})
    signed: dict[str, FileEntry] = {}
    for row in imports.values():
        there = ctx.store.entries(row.commit_id, row.options["rewritten"].values())
        for path, path_there in row.options["rewritten"].items():
            signed[path] = replace(there[path_there], path=path)
    now = {entry.path: entry for row in brought for entry in row.entries if entry.path in signed}
    return {path: signed[path] for path in now}, now


def why_not_enough(manifest: Manifest, rewritten: Collection[str]) -> str:
    """
    Why the approvals that a bundle carries cannot stand for those of this installation; empty if they can.

    They are about the code as it was signed, and each version must have been agreed to by somebody.
    """
    if not manifest.approved:
        return Message("it was not released where it comes from")
    if rewritten:
        return Message(
            "names in %(paths)s were replaced, so nobody has agreed to exactly that",
            paths=first_few(sorted(rewritten)),
        )
    lacking = [unit.path for unit in manifest.units if not _is_agreed(unit)]
    if lacking:
        return Message("nobody approved %(paths)s there", paths=first_few(sorted(lacking)))
    return ""


def _is_agreed(unit: BundleUnit) -> bool:
    evidence = unit.evidence
    return evidence is not None and evidence.has_approval and not evidence.glass_broken
