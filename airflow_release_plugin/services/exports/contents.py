"""What goes into a bundle: the files of each unit, who agreed to them, and what they refer to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from airflow_release_plugin.analysis.parsed_dag import ParsedDag
from airflow_release_plugin.domain.bundle.export_request import ExportOrigin
from airflow_release_plugin.domain.bundle.manifest import (
    BundleDag,
    BundleDecision,
    BundleDiscussion,
    BundleEvidence,
)
from airflow_release_plugin.domain.ports import DagFacts
from airflow_release_plugin.domain.release.digest import files_digest
from airflow_release_plugin.domain.tree.files import FileEntry, blob_id
from airflow_release_plugin.exceptions import ConflictError, TargetMovedError
from airflow_release_plugin.models import Approval, Export, Release, Submission, Unit
from airflow_release_plugin.repositories import approvals, releases, submissions
from airflow_release_plugin.services.exports import discussions
from airflow_release_plugin.services.exports.catalogue import open_catalogue
from airflow_release_plugin.services.runtime import installation
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.parsed_units import ParsedUnit, units_of
from airflow_release_plugin.services.versions.source import Source
from airflow_release_plugin.services.versions.streams import stream

Blob = tuple[FileEntry, bytes]


@dataclass(frozen=True)
class UnitContent:
    """
    One unit, as far as it is known before its files are read.

    :param parsed: what the check of its release found, if there was one
    :param facts: what Airflow's dag processor found, with DAG ids of the target
    :param release_id: the release that brought it to the target; ``None`` for what comes from the source
    """

    unit_id: str
    path: str
    files: tuple[FileEntry, ...]
    dags: tuple[BundleDag, ...]
    version: int
    parsed: ParsedUnit | None = None
    facts: tuple[DagFacts, ...] = ()
    evidence: BundleEvidence | None = None
    release_id: int | None = None

    @property
    def digest(self) -> str:
        """SHA-256 over the sorted (path, mode, blob) of its files."""
        return files_digest(self.files)

    @property
    def dag_ids(self) -> list[str]:
        """Ids of its DAGs."""
        return [dag.dag_id for dag in self.dags]


@dataclass(frozen=True)
class Contents:
    """
    Everything that an export was asked for, read in one transaction; the bytes come later.

    :param commit: of the environment's branch; empty for what comes from the source
    """

    units: tuple[UnitContent, ...]
    commit: str
    installation_id: str
    source: Source | None = None
    discussions: tuple[BundleDiscussion, ...] = ()

    def read(self, files: Sequence[FileEntry], work: Work) -> Iterator[Blob]:
        """
        The bytes of files, one after the other.

        :raises ConflictError: a file of the source has changed since
        """
        if self.source is None:
            yield from stream(files, work)
            return
        for entry in files:
            data = self.source.files.read(entry.path)
            if blob_id(data) != entry.blob:
                raise ConflictError("%(path)r changed while it was exported. Export again.", path=entry.path)
            yield entry, data


def gather(ctx: Context, export: Export) -> Contents:
    """
    Find what the export was asked for.

    :raises TargetMovedError: the branch does not hold the versions that were released
    :raises ConflictError: the source defines other DAGs by now than those that were asked for
    """
    is_released = export.options["origin"] == ExportOrigin.TARGET.value
    units, source = _of_target(ctx, export) if is_released else _of_source(ctx, export)
    return Contents(
        units=tuple(sorted(units, key=lambda unit: unit.path)),
        commit=export.options["commit"] or "",
        installation_id=installation.uid(ctx),
        source=source,
        discussions=discussions.of_releases(ctx, {unit.release_id for unit in units if unit.release_id}),
    )


def _of_target(ctx: Context, export: Export) -> tuple[list[UnitContent], None]:
    wanted: Mapping[str, Mapping[str, int]] = export.options["units"]
    rows = submissions.submissions_by_id(ctx.session, [facts["submission"] for facts in wanted.values()])
    commit = export.options["commit"]
    tree = ctx.store.entries(commit, {entry.path for row in rows for entry in row.entries})
    released = {row.release_id for row in rows if row.release_id is not None}
    parsed = units_of(ctx, rows)
    facts = ctx.airflow.source.facts(ctx.settings.environment, [row.path for row in rows])
    evidence = _evidence(ctx, released)
    names = installation.unit_ids(ctx, (row.unit for row in rows))
    return [
        UnitContent(
            unit_id=names[row.unit.id],
            path=row.path,
            files=_in_tree(row, tree, commit),
            dags=_bundle_dags(ctx, row.dag_ids, parsed.get(row.path), facts.get(row.path, ())),
            version=row.version,
            parsed=parsed.get(row.path),
            facts=facts.get(row.path, ()),
            evidence=evidence.get(row.release_id or 0),
            release_id=row.release_id,
        )
        for row in rows
    ], None


def _in_tree(row: Submission, tree: Mapping[str, FileEntry], commit: str) -> tuple[FileEntry, ...]:
    """The files of a version as the branch has them: another release may have changed one that is shared."""
    missing = [entry.path for entry in row.entries if entry.path not in tree]
    if missing:
        raise TargetMovedError(
            "%(path)r needs %(missing)r, which commit %(commit)s does not have. Restore the "
            "branch, or release the Dag again.",
            path=row.path,
            missing=missing[0],
            commit=commit[:12],
        )
    return tuple(sorted(tree[entry.path] for entry in row.entries))


def _of_source(ctx: Context, export: Export) -> tuple[list[UnitContent], Source | None]:
    catalogue = open_catalogue(ctx, ExportOrigin.SOURCE)
    units = {unit.path: unit for unit in submissions.units(ctx.session, ctx.settings.source)}
    names = installation.unit_ids(ctx, units.values())
    found = []
    for path, asked in export.options["units"].items():
        exportable = catalogue.exportables.get(path)
        if exportable is None or catalogue.source is None or set(exportable.dag_ids) - set(asked["dags"]):
            raise ConflictError(
                "%(path)r is gone, or defines other Dags than when the export was asked for. Export again.",
                path=path,
            )
        unit: Unit = units[path]
        found.append(
            UnitContent(
                unit_id=names[unit.id],
                path=path,
                files=catalogue.source.closure(path).entries,
                dags=_bundle_dags(ctx, exportable.dag_ids, None, exportable.facts),
                version=0,
                facts=exportable.facts,
            )
        )
    return found, catalogue.source


def _bundle_dags(
    ctx: Context, dag_ids: Iterable[str], parsed: ParsedUnit | None, facts: Collection[DagFacts]
) -> tuple[BundleDag, ...]:
    """The DAGs as the check saw them, or else as Airflow serves them."""
    checked: dict[str, ParsedDag] = {dag.dag_id: dag for dag in parsed.dags} if parsed else {}
    served = {ctx.settings.target_id(dag.dag_id): dag for dag in facts}
    return tuple(_bundle_dag(dag_id, checked.get(dag_id), served.get(dag_id)) for dag_id in sorted(dag_ids))


def _bundle_dag(dag_id: str, checked: ParsedDag | None, served: DagFacts | None) -> BundleDag:
    if checked is not None:
        return BundleDag(
            dag_id,
            checked.schedule or "",
            tuple(task.task_id for task in checked.tasks),
            checked.tags,
            checked.owners,
        )
    if served is not None:
        return BundleDag(dag_id, served.schedule or "", served.tasks, served.tags, served.owners)
    return BundleDag(dag_id)


def _evidence(ctx: Context, release_ids: Collection[int]) -> dict[int, BundleEvidence]:
    rows = releases.with_items(ctx.session, release_ids)
    agreed = {
        release.id: approval for release, approval in approvals.with_approvals(ctx.session, release_ids)
    }
    return {release_id: _evidence_of(release, agreed.get(release_id)) for release_id, release in rows.items()}


def _evidence_of(release: Release, approval: Approval | None) -> BundleEvidence:
    requirement = approval.requirement if approval else None
    return BundleEvidence(
        release=release.number,
        requested_by=release.requested_by_name,
        released_at=release.released_at or release.requested_at,
        flow=requirement.flow if requirement else "",
        flow_revision=requirement.flow_revision if requirement else 0,
        change_digest=release.change_digest,
        glass_broken=bool(release.break_glass_reason),
        decisions=tuple(
            BundleDecision(
                step=requirement.steps[decision.step].name if requirement else "",
                actor=decision.actor_name,
                verdict=decision.verdict.value,
                at=decision.decided_at,
                change_digest=decision.change_digest,
                comment=decision.comment,
            )
            for decision in (approval.decisions if approval else ())
        ),
    )
