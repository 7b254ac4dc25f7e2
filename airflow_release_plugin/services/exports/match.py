"""Which DAGs a request means, for whom: found, not found with what may have been meant, and left out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from airflow_release_plugin.domain.bundle.export_request import ExportOrigin, ExportRequest
from airflow_release_plugin.domain.identity import Actor, ActorKind
from airflow_release_plugin.domain.text.suggestions import NearNames
from airflow_release_plugin.exceptions import NotAllowedError
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services.exports.catalogue import Catalogue, ExportableFile, open_catalogue
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class FoundDag:
    """A DAG that would be exported; ``added`` where only others need it."""

    dag_id: str
    path: str
    added: bool = False


@dataclass(frozen=True)
class UnknownName:
    """A name that means nothing that the caller may export, and names that are spelled alike."""

    name: str
    near: tuple[str, ...]


@dataclass(frozen=True)
class Match:
    """
    What a request comes to.

    :param found: by id; every DAG of a file travels, also those that nobody named
    :param left_out: ids of DAGs that others need and that the caller may not export
    :param catalogue: where ``exportables`` are from
    """

    found: tuple[FoundDag, ...]
    not_found: tuple[UnknownName, ...]
    left_out: tuple[str, ...]
    catalogue: Catalogue
    exportables: tuple[ExportableFile, ...]


def may_export_anything(ctx: Context, actor: Actor) -> bool:
    """Whether exports are for the actor at all: administrators, service users, and owners of a DAG (R57)."""
    return ctx.settings.exports_enabled and (access.is_executor(ctx, actor) or owns_a_dag(ctx, actor))


def owns_a_dag(ctx: Context, actor: Actor) -> bool:
    """Whether the actor may edit a DAG of the source."""
    # Every page asks: the ids alone, since thousands of units are dear to load.
    dag_ids = submissions.unit_dag_ids(ctx.session, ctx.settings.source)
    names = [ctx.settings.source_id(dag_id) for dag_id in dag_ids]
    return bool(ctx.airflow.access.editable(actor, names))


def require_exports(ctx: Context, actor: Actor) -> None:
    """Raise ``NotAllowedError`` where exports are switched off, or not for the actor."""
    _require_switched_on(ctx)
    if not may_export_anything(ctx, actor):
        raise _not_allowed(actor)


def _require_switched_on(ctx: Context) -> None:
    if not ctx.settings.exports_enabled:
        raise NotAllowedError(
            "Exports are switched off here; an administrator sets [release] exports_enabled."
        )


def _not_allowed(actor: Actor) -> NotAllowedError:
    return NotAllowedError(
        "%(actor)r may not export; that is for release admins and for who may edit a Dag in Airflow.",
        actor=actor.name,
    )


def find(ctx: Context, *, actor: Actor, request: ExportRequest) -> Match:
    """Say what a request comes to. A DAG that the actor may not export counts as one that does not exist."""
    _require_switched_on(ctx)
    (access.require_target if request.origin is ExportOrigin.TARGET else access.require_source)(ctx)
    catalogue = open_catalogue(ctx, request.origin)
    rights = _Rights(ctx, actor, request.origin, catalogue)
    if not rights.names() and not access.is_executor(ctx, actor):
        raise _not_allowed(actor)
    chosen: dict[str, ExportableFile] = {}
    unknown = []
    for name in request.names:
        file = catalogue.of_dag(name)
        if file is not None and rights.allow(file):
            chosen[file.path] = file
        else:
            unknown.append(name)
    chosen |= {
        file.path: file for file in _chosen_otherwise(ctx, actor, request, catalogue) if rights.allow(file)
    }
    everything = catalogue.with_upstream(chosen.values()) if request.with_upstream else tuple(chosen.values())
    exportables = [file for file in everything if file.path in chosen or rights.allow(file)]
    paths = {file.path for file in exportables}
    near = NearNames(rights.names()) if unknown else NearNames(())
    return Match(
        found=tuple(
            sorted(
                (
                    FoundDag(dag_id, file.path, added=file.path not in chosen)
                    for file in exportables
                    for dag_id in file.dag_ids
                ),
                key=lambda dag: dag.dag_id,
            )
        ),
        not_found=tuple(UnknownName(name, near.near(name)) for name in unknown),
        left_out=tuple(
            sorted(dag_id for file in everything if file.path not in paths for dag_id in file.dag_ids)
        ),
        catalogue=catalogue,
        exportables=tuple(sorted(exportables, key=lambda file: file.path)),
    )


def _chosen_otherwise(
    ctx: Context, actor: Actor, request: ExportRequest, catalogue: Catalogue
) -> Collection[ExportableFile]:
    if request.base_bundle_id and not request.chooses:
        return list(catalogue.exportables.values())
    units = {
        item.submission.unit_id
        for release_id in request.release_ids
        for item in releases.get(ctx, actor=actor, release_id=release_id).items
    }
    return [
        file
        for file in catalogue.exportables.values()
        if (request.tag and request.tag in file.tags) or (file.unit is not None and file.unit.id in units)
    ]


class _Rights:
    """What one actor may export; a fixed number of questions, and one for each DAG that is chosen."""

    def __init__(self, ctx: Context, actor: Actor, origin: ExportOrigin, catalogue: Catalogue) -> None:
        self._ctx = ctx
        self._actor = actor
        self._offers = catalogue.exportables.values()
        # Service users read every released file anyway, to check releases.
        released = actor.kind is ActorKind.SERVICE and origin is ExportOrigin.TARGET
        self._everything = released or actor.kind is ActorKind.SYSTEM or access.is_admin(ctx, actor)
        self._editable: frozenset[str] = frozenset()
        if not self._everything:
            names = [ctx.settings.source_id(dag_id) for file in self._offers for dag_id in file.dag_ids]
            self._editable = ctx.airflow.access.editable(actor, names)

    def allow(self, file: ExportableFile) -> bool:
        return self._everything or (
            self._owns(file) and access.may_read_code(self._ctx, self._actor, file.dag_ids)
        )

    def names(self) -> list[str]:
        """What may be offered instead of a name that is unknown."""
        return [
            dag_id for file in self._offers if self._everything or self._owns(file) for dag_id in file.dag_ids
        ]

    def _owns(self, file: ExportableFile) -> bool:
        return bool(file.dag_ids) and all(
            self._ctx.settings.source_id(dag_id) in self._editable for dag_id in file.dag_ids
        )
