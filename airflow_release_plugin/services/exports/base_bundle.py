"""What the other side has, once it took in the bundle that an incremental one builds on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airflow_release_plugin.domain.bundle.export_request import ExportOrigin
from airflow_release_plugin.exceptions import UnchangedError
from airflow_release_plugin.models import Export
from airflow_release_plugin.repositories import exports as queries
from airflow_release_plugin.services.exports.catalogue import open_catalogue
from airflow_release_plugin.services.exports.contents import Contents, UnitContent
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.installation import unit_ids


@dataclass(frozen=True)
class BaseUnit:
    """A unit as a bundle brought it."""

    path: str
    digest: str
    dag_ids: tuple[str, ...]


@dataclass(frozen=True)
class BaseBundle:
    """
    A bundle that was made here.

    :param held: units by their id: those of the bundle itself, and of the ones that it builds on
    """

    bundle_id: str
    commit: str
    held: Mapping[str, BaseUnit]

    def changed(self, units: Iterable[UnitContent]) -> tuple[UnitContent, ...]:
        """The units whose files or whose place are not what the other side has."""
        return tuple(
            unit
            for unit in units
            if (known := self.held.get(unit.unit_id)) is None
            or (known.digest, known.path) != (unit.digest, unit.path)
        )

    def gone(self, ctx: Context, contents: Contents) -> tuple[str, ...]:
        """Ids of the units that the other side has and that are not here any more."""
        origin = ExportOrigin.TARGET if contents.source is None else ExportOrigin.SOURCE
        exportables = open_catalogue(ctx, origin).exportables.values()
        here = unit_ids(ctx, (each.unit for each in exportables if each.unit is not None))
        return tuple(sorted(self.held.keys() - here.values()))


def base_of(ctx: Context, export: Export) -> BaseBundle | None:
    """What an incremental export builds on; ``None`` for a whole one."""
    if export.base_bundle_id is None:
        return None
    row = queries.by_bundle(ctx.session, export.base_bundle_id)
    if row is None or "held" not in row.report:
        raise UnchangedError(
            "Bundle %(bundle)r was never finished; choose another base.",
            bundle=export.base_bundle_id,
        )
    units = {
        name: BaseUnit(facts["path"], facts["digest"], tuple(facts["dag_ids"]))
        for name, facts in row.report["held"].items()
    }
    return BaseBundle(export.base_bundle_id, row.options["commit"] or "", units)
