"""What there is to export: the files of the target, or those of the source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from airflow_release_plugin.analysis.references import References, find_references
from airflow_release_plugin.domain.bundle.export_request import ExportOrigin
from airflow_release_plugin.domain.ports import DagFacts
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.models import Submission, Unit
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import risk
from airflow_release_plugin.services.versions.parsed_units import ParsedUnit, units_of
from airflow_release_plugin.services.versions.source import Source, open_source


@dataclass(frozen=True)
class ExportableFile:
    """
    One DAG file that may be exported.

    :param dag_ids: in the target
    :param unit: ``None`` for a file of the source that was never submitted
    :param live: what the target holds, where the export comes from there
    """

    path: str
    dag_ids: tuple[str, ...]
    tags: frozenset[str] = frozenset()
    unit: Unit | None = None
    live: Submission | None = None
    facts: tuple[DagFacts, ...] = ()


@dataclass(frozen=True)
class _Links:
    """What a DAG file needs from others, and gives them."""

    dags: frozenset[str]
    assets_in: frozenset[str]
    assets_out: frozenset[str]


@dataclass(frozen=True)
class Catalogue:
    """Everything that there is, by path; fetched in a fixed number of queries."""

    ctx: Context
    exportables: Mapping[str, ExportableFile]
    source: Source | None = None
    _by_dag: dict[str, ExportableFile] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_dag.update({dag_id: file for file in self.exportables.values() for dag_id in file.dag_ids})

    def of_dag(self, dag_id: str) -> ExportableFile | None:
        """The file that defines a DAG."""
        return self._by_dag.get(dag_id)

    def with_upstream(self, chosen: Iterable[ExportableFile]) -> tuple[ExportableFile, ...]:
        """The files that ``chosen`` need, directly or through others: what they wait for, start, or read."""
        links = self._links()
        makers: dict[str, list[str]] = defaultdict(list)
        for path, link in links.items():
            for asset in link.assets_out:
                makers[asset].append(path)
        paths = {file.path for file in chosen}
        pending = sorted(paths)
        while pending:
            link = links[pending.pop()]
            dags = (self._by_dag[dag_id].path for dag_id in link.dags if dag_id in self._by_dag)
            needed = {*dags, *(path for asset in link.assets_in for path in makers[asset])}
            pending.extend(sorted(needed - paths))
            paths |= needed
        return tuple(self.exportables[path] for path in sorted(paths))

    def _links(self) -> dict[str, _Links]:
        parsed = units_of(self.ctx, [file.live for file in self.exportables.values() if file.live])
        literal = self._literal(self.exportables.keys() - parsed.keys())
        return {
            path: _links_of(self.ctx, file, parsed.get(path), literal.get(path, References()))
            for path, file in self.exportables.items()
        }

    def _literal(self, paths: Collection[str]) -> dict[str, References]:
        """What the text of DAG files says, where no check told more."""
        references: dict[str, References] = {}
        if self.source is not None:
            for path in paths:
                with suppress(ReleaseError):
                    references[path] = self.source.files.derive(find_references, path)
            return references
        blobs = {
            entry.blob: path
            for path in paths
            for entry in getattr(self.exportables[path].live, "entries", ())
            if entry.path == path
        }
        return {blobs[blob]: find_references(data) for blob, data in self.ctx.store.read_all(sorted(blobs))}


def open_catalogue(ctx: Context, origin: ExportOrigin) -> Catalogue:
    """Look at what there is. Raises ``SourceUnavailableError``."""
    return _of_target(ctx) if origin is ExportOrigin.TARGET else _of_source(ctx)


def _of_target(ctx: Context) -> Catalogue:
    rows = list(submissions.live_by_unit(ctx.session, ctx.settings.source).values())
    tags = {subject.dag_id: subject.tags for subject in risk.subjects(ctx, rows)}
    facts = ctx.airflow.source.facts(ctx.settings.environment, [row.path for row in rows])
    return Catalogue(
        ctx,
        {
            row.path: ExportableFile(
                path=row.path,
                dag_ids=tuple(row.dag_ids),
                tags=frozenset().union(*(tags.get(dag_id, frozenset()) for dag_id in row.dag_ids)),
                unit=row.unit,
                live=row,
                facts=facts.get(row.path, ()),
            )
            for row in rows
        },
    )


def _of_source(ctx: Context) -> Catalogue:
    source = open_source(ctx)
    units = {unit.path: unit for unit in submissions.units(ctx.session, ctx.settings.source)}
    facts = ctx.airflow.source.facts(ctx.settings.source)
    return Catalogue(
        ctx,
        {
            path: ExportableFile(
                path=path,
                dag_ids=tuple(sorted(ctx.settings.target_id(dag.dag_id) for dag in facts[path])),
                tags=frozenset(tag for dag in facts[path] for tag in dag.tags),
                unit=units.get(path),
                facts=facts[path],
            )
            for path in source.snapshot.dag_files
            if path in facts
        },
        source,
    )


def _links_of(ctx: Context, file: ExportableFile, parsed: ParsedUnit | None, literal: References) -> _Links:
    plain = ctx.settings.target_id
    references = parsed.references if parsed else literal
    dags = parsed.dags if parsed else ()
    linked = {plain(name) for dag in file.facts for name in (*dag.awaits, *dag.triggers)}
    taken = {plain(name) for dag in file.facts for name in dag.assets_in}
    given = {plain(name) for dag in file.facts for name in dag.assets_out}
    return _Links(
        dags=frozenset(linked.union(references.awaited_dags, references.triggered_dags)),
        # Schedules of a source are switched off: then only the text tells what a DAG waits for.
        assets_in=frozenset(taken.union(*(dag.assets_in for dag in dags)) | (set(literal.assets) - given)),
        assets_out=frozenset(given.union(*(dag.assets_out for dag in dags))),
    )
