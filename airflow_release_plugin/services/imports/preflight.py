"""The look at a bundle before anything of it is applied: what stands in the way, and how much it weighs."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_release_plugin.domain.bundle.manifest import Manifest
from airflow_release_plugin.domain.bundle.name_table import NameTable, name_table
from airflow_release_plugin.domain.bundle.preflight import (
    PreflightFinding,
    Reason,
    read_policy,
    with_severity,
)
from airflow_release_plugin.domain.bundle.preflight_rules import ImportContext, Needs, findings
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import WAITING_IMPORT_STATES, ImportState, SubmissionState
from airflow_release_plugin.exceptions import ConflictError, InvalidRequestError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Import
from airflow_release_plugin.repositories import applied_imports, submissions
from airflow_release_plugin.services.imports import imports, name_mappings, upstream_files
from airflow_release_plugin.services.imports.files import Prepared, prepare
from airflow_release_plugin.services.imports.placement_plan import Placements, place_import
from airflow_release_plugin.services.releases import expiry
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.transfer.reader import Bundle

_LONGEST_FOLDER = 1000


def check(
    ctx: Context,
    *,
    actor: Actor,
    import_id: int,
    folder: str = "",
    names: NameTable | None = None,
    renamed: Mapping[tuple[str, str], str] | None = None,
    take_over: bool = False,
) -> Import:
    """
    Look at everything that may keep a bundle from being applied, and write it down with the import.

    :param folder: where DAG files go that were never here
    :param names: what things are called here; those of the last import from there if left out
    :param renamed: in place of ``names``, those that changed, by kind and name there
    :param take_over: whether DAGs that were made here may become those of the bundle
    :raises ConflictError: the import is not whole, or is over
    :raises BundleError: whoever signed it is not trusted any more
    """
    imports.require_importer(ctx, actor, Message("check imports"))
    row = require_waiting(imports.get_locked(ctx, actor=actor, import_id=import_id))
    if renamed is not None:
        names = name_mappings.renamed(ctx, row, renamed)
    table = names if names is not None else name_mappings.remembered(ctx, row.source_uid or "")
    if len(folder) > _LONGEST_FOLDER:
        raise InvalidRequestError(
            "The folder is too long; at most %(most)s characters are accepted.",
            most=_LONGEST_FOLDER,
        )
    row.folder, row.mapping = folder.strip().strip("/"), table.to_dict()
    row.options = {**row.options, "take_over": take_over}
    if names is not None:
        name_mappings.remember(ctx, row.source_uid or "", names)
    renew(ctx, row)
    row.move_to(ImportState.CHECKED)
    imports.record(
        ctx,
        row,
        EventTag.IMPORT_CHECKED,
        actor=actor,
        folder=row.folder,
        mapping=row.mapping,
        take_over=take_over,
        found={each["reason"]: each["severity"] for each in row.preflight},
    )
    return row


def require_waiting(row: Import) -> Import:
    """Return an import whose file is here and that nobody applies; ``ConflictError`` for any other."""
    if row.state not in WAITING_IMPORT_STATES:
        raise ConflictError(
            "%(subject)s is %(state)r; only one that is uploaded and not applied can be checked.",
            subject=imports.named(row),
            state=row.state.value,
        )
    return row


def renew(ctx: Context, row: Import) -> None:
    """Look again, with the folder and the names that the import has."""
    with imports.opened(ctx, row) as bundle:
        placements = find_places(ctx, row, bundle.manifest)
        rows = look(ctx, row, bundle.manifest, placements, _prepared(ctx, row, bundle, placements))
    row.preflight = [each.to_dict() for each in rows]
    row.preflight_at, row.error = ctx.clock(), ""


def find_places(ctx: Context, row: Import, manifest: Manifest) -> Placements:
    """Where everything goes, with the folder of the import; open releases that are over do not count."""
    placements = place_import(ctx, row, manifest)
    if all(reason is not Reason.IN_OPEN_RELEASE for reason, _ in placements.findings):
        return placements
    # One whose window is over holds nothing any more, though nobody wrote that down yet.
    held = submissions.with_state(ctx.session, placements.unit_ids, SubmissionState.IN_RELEASE)
    expiry.expire_holders_if_due(ctx, held)
    # What is settled is asked for again.
    ctx.session.flush()
    return place_import(ctx, row, manifest)


def _prepared(ctx: Context, row: Import, bundle: Bundle, placements: Placements) -> Prepared | None:
    """What the files become; ``None`` if those of the base are not here."""
    try:
        base = upstream_files.base_commit(ctx, bundle.manifest)
    except ConflictError:
        return None
    read = upstream_files.reader(ctx, bundle, base)
    return prepare(ctx, bundle.manifest, placements, name_table(row.mapping), read)


def look(
    ctx: Context, row: Import, manifest: Manifest, placements: Placements, prepared: Prepared | None
) -> tuple[PreflightFinding, ...]:
    """
    Weigh everything that stands in the way at this moment. Nothing of the bundle is imported or executed.

    :param prepared: ``None`` for a bundle whose base is not here
    """
    needs = Needs(manifest, name_table(row.mapping).here)
    context = _ground(ctx, needs, placements, _applied(ctx, row, manifest, has_base=prepared is not None))
    found = (*findings(needs, context), *placements.findings, *(prepared.findings if prepared else ()))
    return with_severity(found, read_policy(ctx.settings.import_policy).weights)


def _ground(ctx: Context, needs: Needs, placements: Placements, applied: frozenset[str]) -> ImportContext:
    live = submissions.live_by_unit(ctx.session, ctx.settings.source).values()
    touched = {dag_id for version in placements.live for dag_id in version.dag_ids}
    return ImportContext(
        inventory=ctx.airflow.inventory.take(needs.wanted),
        environment=ctx.settings.environment,
        released=frozenset(dag_id for version in live for dag_id in version.dag_ids),
        leaving=frozenset(touched - needs.dag_ids),
        applied=applied,
        source_prefix=ctx.settings.prefix if ctx.settings.has_source else "",
    )


def _applied(ctx: Context, row: Import, manifest: Manifest, *, has_base: bool) -> frozenset[str]:
    found = {manifest.base.bundle_id} if manifest.base and has_base else set()
    before = applied_imports.with_bundle(ctx.session, manifest.bundle_id)
    if before is not None and before.id != row.id:
        found.add(manifest.bundle_id)
    return frozenset(found)
