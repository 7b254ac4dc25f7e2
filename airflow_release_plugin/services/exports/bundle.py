"""Writes the bundle of one export: the database is read once, then the files flow through."""

from __future__ import annotations

import platform
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow_release_plugin.domain.bundle.export_request import ExportOrigin
from airflow_release_plugin.domain.bundle.manifest import (
    FORMAT_VERSION,
    BundleBase,
    BundleDiscussion,
    BundleFile,
    BundleRemoval,
    BundleUnit,
    Manifest,
)
from airflow_release_plugin.exceptions import NotFoundError, UnchangedError
from airflow_release_plugin.garbage import no_collection
from airflow_release_plugin.models import Export
from airflow_release_plugin.repositories import exports as queries
from airflow_release_plugin.services.exports.base_bundle import BaseBundle, BaseUnit, base_of
from airflow_release_plugin.services.exports.contents import Contents, UnitContent, gather
from airflow_release_plugin.services.exports.references import Findings
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.transfer.keys import KeyFolder
from airflow_release_plugin.transfer.writer import SourceFile, write_bundle
from airflow_release_plugin.version_compat import AIRFLOW_VERSION

Progress = Callable[[int, int], None]
"""Gets the number of files that are written, and of all."""


@dataclass(frozen=True)
class MadeBundle:
    """A file, and what there is to say about it."""

    path: Path
    report: Mapping[str, Any]


def make_bundle(export_id: int, folder: Path, *, work: Work, progress: Progress) -> MadeBundle:
    """Write the bundle of an export into ``folder``. Raises what readers of the file would complain about."""
    with work() as (ctx, _):
        export = queries.export(ctx.session, export_id)
        if export is None:
            raise NotFoundError("There is no export %(export_id)s any more.", export_id=export_id)
        with no_collection():
            making = _Making(ctx, export, gather(ctx, export), base_of(ctx, export))
    path = folder / making.file_name
    making.write(path, progress, work)
    return MadeBundle(path, making.report())


class _Making:
    """One export on its way into a file; holds no transaction."""

    def __init__(self, ctx: Context, export: Export, contents: Contents, base: BaseBundle | None) -> None:
        self.file_name = export.file_name
        self._contents = contents
        self._base = base
        self._units = base.changed(contents.units) if base else contents.units
        self._removed = base.gone(ctx, contents) if base and not export.chooses else ()
        if base and not self._units and not self._removed:
            raise UnchangedError(
                "Nothing has changed since bundle %(bundle_id)r; there is nothing to send.",
                bundle_id=base.bundle_id,
            )
        self._key = KeyFolder(ctx.settings.keys_path).signing_key()
        self._plain = ctx.settings.target_id
        self._facts: dict[str, Any] = {
            "bundle_id": export.bundle_id,
            "installation_id": contents.installation_id,
            "environment": ctx.settings.environment
            if export.options["origin"] == ExportOrigin.TARGET.value
            else ctx.settings.source,
            "commit": contents.commit,
            "created": ctx.clock(),
            "expires": ctx.clock() + timedelta(days=ctx.settings.bundle_days),
        }
        files = {entry.path: entry for unit in self._units for entry in unit.files}
        self._files = [files[path] for path in sorted(files)]
        self._findings = Findings(files=list(files))

    def write(self, path: Path, progress: Progress, work: Work) -> None:
        """Let the files flow into the bundle."""
        write_bundle(
            path,
            files=self._source_files(progress, work),
            manifest=lambda files: self._manifest(files, work),
            key=self._key,
        )

    def report(self) -> dict[str, Any]:
        """What people are told, and what the next incremental bundle needs to know."""
        held = dict(self._base.held) if self._base else {}
        for unit_id in self._removed:
            held.pop(unit_id, None)
        held.update(
            {unit.unit_id: BaseUnit(unit.path, unit.digest, tuple(unit.dag_ids)) for unit in self._units}
        )
        return {
            "files": len(self._files),
            "dags": sorted(dag_id for unit in self._units for dag_id in unit.dag_ids),
            "unchanged": len(self._contents.units) - len(self._units),
            "removed": sorted(dag_id for removal in self._removals() for dag_id in removal.dag_ids),
            "secrets": [{**asdict(found), "kind": found.kind.value} for found in self._findings.secrets],
            "held": {unit_id: asdict(unit) for unit_id, unit in held.items()},
        }

    def _source_files(self, progress: Progress, work: Work) -> Iterator[SourceFile]:
        total = len(self._files)
        for done, (entry, data) in enumerate(self._contents.read(self._files, work)):
            progress(done, total)
            self._findings.look_at(entry, data)
            yield SourceFile(entry.path, entry.mode, [data])
        progress(total, total)

    @no_collection()
    def _manifest(self, files: tuple[BundleFile, ...], work: Work) -> Manifest:
        with work() as (ctx, _):
            types = ctx.airflow.source.connection_types(self._findings.connections(self._units))
        units = tuple(self._unit(content, types) for content in self._units)
        return Manifest(
            format_version=FORMAT_VERSION,
            nonce=secrets.token_hex(16),
            approved=all(unit.evidence is not None for unit in units),
            airflow_version=AIRFLOW_VERSION,
            python_version=platform.python_version(),
            files=files,
            units=units,
            base=BundleBase(self._base.bundle_id, self._base.commit) if self._base else None,
            removed=tuple(self._removals()),
            discussions=self._discussions(units),
            **self._facts,
        )

    def _discussions(self, units: Sequence[BundleUnit]) -> tuple[BundleDiscussion, ...]:
        """Those of the releases whose units are in it: what has not changed since the base stays there."""
        released = {unit.evidence.release for unit in units if unit.evidence}
        return tuple(each for each in self._contents.discussions if each.release in released)

    def _removals(self) -> list[BundleRemoval]:
        held = self._base.held if self._base else {}
        return [BundleRemoval(name, held[name].path, held[name].dag_ids) for name in self._removed]

    def _unit(self, content: UnitContent, types: Mapping[str, str]) -> BundleUnit:
        previous = self._base.held.get(content.unit_id) if self._base else None
        renamed_from = previous.path if previous and previous.path != content.path else ""
        return self._findings.unit(content, types, self._plain, renamed_from)
