"""Applying a bundle: asking for it, and doing it all in one transaction when :mod:`.job` says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from airflow_release_plugin.domain.bundle.import_mode import ImportMode
from airflow_release_plugin.domain.bundle.manifest import Manifest
from airflow_release_plugin.domain.bundle.preflight import PreflightFinding, blocking
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor, ActorKind
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.states import ImportState, SubmissionState
from airflow_release_plugin.domain.text.phrasing import first_few
from airflow_release_plugin.exceptions import ConflictError, ImportBlockedError, InvalidRequestError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Import, Release, Submission, Unit
from airflow_release_plugin.repositories import applied_imports, version_states
from airflow_release_plugin.repositories import submissions as submission_queries
from airflow_release_plugin.services.imports import bundle_snapshot, imports, upstream_files
from airflow_release_plugin.services.imports.evidence import why_not_enough
from airflow_release_plugin.services.imports.placement_plan import Placement, move_units
from airflow_release_plugin.services.imports.planning import ImportPlan, draft, draft_removal, plan
from airflow_release_plugin.services.releases import creation
from airflow_release_plugin.services.releases.previews import ApprovalPreview, preview_for
from airflow_release_plugin.services.runtime import installation
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import versions
from airflow_release_plugin.services.versions.contents import refuse_clashes
from airflow_release_plugin.services.versions.units import known_unit, let_be_found
from airflow_release_plugin.store.batches import write_in_batches

_SHOWN = 5


def asked_by(row: Import) -> Actor:
    """Who asked for an import to be applied. The roles counted when it was asked for."""
    by = row.options["asked_by"]
    return Actor(by["id"], by["name"], kind=ActorKind(by["kind"]))


def _stored_request(release_request: ReleaseRequest) -> dict[str, Any]:
    at = release_request.scheduled_at
    asked = {"reviewers": list(release_request.reviewers), "scheduled_at": at.isoformat() if at else None}
    return {**asdict(release_request), **asked}


def _read_request(raw: dict[str, Any]) -> ReleaseRequest:
    at = raw["scheduled_at"]
    return ReleaseRequest(**{**raw, "scheduled_at": datetime.fromisoformat(at) if at else None})


def request(
    ctx: Context,
    *,
    actor: Actor,
    import_id: int,
    mode: ImportMode,
    release_request: ReleaseRequest | None = None,
) -> Import:
    """
    Ask for a checked import to be applied; a server does it in the background.

    :param release_request: of the release; a title is made where it has none
    :raises InvalidRequestError: a release that asks nobody
    :raises ImportBlockedError: the preflight, run again, says no; its context has the rows
    :raises ConflictError: it is not checked, its bundle was applied before, or its approvals do not count
    """
    imports.require_importer(ctx, actor, Message("apply imports"))
    row = imports.get_locked(ctx, actor=actor, import_id=import_id)
    _require_first(ctx, row)
    if row.state is not ImportState.CHECKED:
        raise ConflictError(
            "%(subject)s is %(state)r; only one whose preflight ran can be applied.",
            subject=imports.named(row),
            state=row.state.value,
        )
    if mode is ImportMode.RELEASE and not (release_request and release_request.reviewers):
        raise InvalidRequestError("Choose at least one person who is to approve the release.")
    with imports.opened(ctx, row) as bundle:
        made = plan(ctx, row, bundle)
    _refuse_blocked(row, made.findings)
    if mode is ImportMode.RECORD:
        _require_evidence(ctx, made)
    row.mode = mode.value
    row.preflight = [each.to_dict() for each in made.findings]
    row.preflight_at = ctx.clock()
    row.options = {
        **row.options,
        "asked_by": {"id": actor.id, "name": actor.name, "kind": actor.kind.value},
        "release_request": _stored_request(release_request or ReleaseRequest("")),
        "attempt": 0,
    }
    row.applied_bundle_id = row.bundle_id
    row.error, row.beat_at = "", None
    row.move_to(ImportState.APPLYING)
    imports.record(ctx, row, EventTag.IMPORT_APPLYING, actor=actor, mode=mode.value)
    # Of two who ask at the same moment, one meets the other here: a bundle is applied once.
    ctx.session.flush()
    return row


def preview_of(ctx: Context, row: Import, *, actor: Actor, at_least_level: int = 1) -> ApprovalPreview:
    """The flow for imports, and who could approve a release of what an import brings; nothing is stored."""
    imports.require_importer(ctx, actor, Message("apply imports"))
    with imports.opened(ctx, row) as bundle:
        made = plan(ctx, row, bundle)
        drafts = [draft(ctx, row, made, each, each.unit or _nobody(ctx, each)) for each in made.changed]
        drafts += [draft_removal(ctx, row, made, gone) for gone in made.placements.removals]
        return preview_for(
            ctx,
            drafts,
            actor=actor,
            kind=ReleaseKind.IMPORT,
            at_least_level=at_least_level,
            read=made.prepared.read_blob,
        )


def _nobody(ctx: Context, each: Placement) -> Unit:
    """Stands for a unit that is not made yet."""
    return Unit(
        source=ctx.settings.source, path=each.path, name=each.path, dag_ids=list(each.bundled.dag_ids)
    )


def carry_out(ctx: Context, row: Import, *, actor: Actor) -> Import:
    """
    Apply an import that was asked for: all of it in the caller's transaction, or an error and nothing.

    :param actor: :func:`asked_by`
    :raises ReleaseError: something changed since it was asked for, or store or file cannot be used
    """
    mode = ImportMode(row.mode)
    with imports.opened(ctx, row) as bundle:
        made = plan(ctx, row, bundle)
        _refuse_blocked(row, made.findings)
        if mode is ImportMode.RECORD:
            _require_evidence(ctx, made)
        write_in_batches(ctx.store, made.prepared.files())
        row.commit_id = upstream_files.keep(ctx, bundle, made.base)
        manifest = bundle.manifest
    brought = _versions(ctx, row, made, actor=actor)
    bundle_snapshot.keep(ctx, made, brought)
    upstream_files.name(ctx, manifest, row.commit_id)
    row.placed = made.placed
    row.options = {**row.options, "rewritten": made.rewritten}
    if brought and mode is not ImportMode.SUBMIT:
        row.release_id = _release(ctx, row, manifest, brought, actor=actor).id
    row.applied_at = ctx.clock()
    row.move_to(ImportState.APPLIED)
    imports.remove_file(ctx, row)
    imports.record(
        ctx,
        row,
        EventTag.IMPORT_APPLIED,
        actor=actor,
        mode=mode.value,
        versions=[{"id": each.id, "path": each.path, "version": each.version} for each in brought],
        rewritten=sorted(made.rewritten),
        release=row.release_id,
    )
    return row


def _require_first(ctx: Context, row: Import) -> None:
    """A bundle is applied once: again, it would bring back what was replaced or rolled back since."""
    before = applied_imports.with_bundle(ctx.session, row.bundle_id) if row.bundle_id else None
    if before is None:
        return
    if before.state is ImportState.APPLYING:
        raise ConflictError(
            "Bundle %(bundle)s is being applied, as %(before)s. Wait for it.",
            bundle=row.bundle_id,
            before=before.subject,
        )
    raise ConflictError(
        "Bundle %(bundle)s was applied before, as %(before)s. What it brought is in the "
        "to-be-released list, the records and the releases: release or roll back from "
        "there. To bring the same code again, have it exported anew.",
        bundle=row.bundle_id,
        before=before.subject,
        import_id=before.id,
    )


def _refuse_blocked(row: Import, findings: Iterable[PreflightFinding]) -> None:
    rows = blocking(tuple(findings))
    if rows:
        items = [f"{each.reason.value}: {item.name}" for each in rows for item in each.items]
        raise ImportBlockedError(
            "%(subject)s cannot be applied: %(items)s. Mend that, and run the preflight again.",
            subject=imports.named(row),
            items=first_few(items, _SHOWN),
            rows=[each.to_dict() for each in rows],
        )


def _require_evidence(ctx: Context, made: ImportPlan) -> None:
    """See that the approvals of the other side may stand for those of this one."""
    if not ctx.settings.evidence_counts:
        raise ConflictError(
            "This installation demands its own approval of everything that is imported "
            "([release] import_local_approval = always). Release the import under the flow for "
            "imports instead."
        )
    reason = why_not_enough(made.bundle.manifest, made.rewritten)
    if reason:
        raise ConflictError(
            "The bundle cannot be recorded as released: %(reason)s. Release it under the flow "
            "for imports instead.",
            reason=reason,
        )


def _versions(ctx: Context, row: Import, made: ImportPlan, *, actor: Actor) -> list[Submission]:
    """Units and versions, upstream first, removals last; what waited of these units is superseded."""
    changed = made.changed
    move_units(ctx, made.placements.units)
    own = installation.uid(ctx)
    units = [_unit(ctx, each, own) for each in changed]
    removals = made.placements.removals
    ids = [unit.id for unit in units] + [gone.unit.id for gone in removals]
    # Before the first event: the trail is locked from there to the commit.
    submission_queries.lock_units(ctx.session, ids)
    older = submission_queries.with_state(ctx.session, ids, SubmissionState.PENDING)
    drafts = [draft(ctx, row, made, each, unit) for each, unit in zip(changed, units, strict=True)]
    drafts += [draft_removal(ctx, row, made, gone) for gone in removals]
    versions.keep_all(ctx, drafts, actor=actor)
    let_be_found(ctx, {*units, *(place.unit for place in made.placements.units if place.unit)})
    version_states.move_all(ctx.session, older, SubmissionState.SUPERSEDED)
    return drafts


def _unit(ctx: Context, each: Placement, own: str) -> Unit:
    """
    The unit here, made if there is none; it goes by the id that it has wherever it travels.

    :param own: identifier of this installation
    """
    bundled = each.bundled
    unit = known_unit(ctx, each.unit, each.path, bundled.dag_ids)
    if installation.unit_id_of(unit, own) != bundled.unit_id:
        unit.origin = bundled.unit_id
    unit.dag_ids = sorted(bundled.dag_ids)
    return unit


def _release(
    ctx: Context, row: Import, manifest: Manifest, brought: list[Submission], *, actor: Actor
) -> Release:
    refuse_clashes(ctx, brought)
    release_request = _read_request(row.options["release_request"])
    if not release_request.title.strip():
        title = imports.release_title({dag_id for version in brought for dag_id in version.dag_ids})
        release_request = replace(release_request, title=title)
    reason = ""
    if ImportMode(row.mode) is ImportMode.RECORD:
        there = sorted({unit.evidence.release for unit in manifest.units if unit.evidence})
        reason = Message(
            "Recorded as released: %(releases)s of %(environment)s in installation "
            "%(installation)s, signed by %(signer)s",
            releases=there or manifest.commit[:12],
            environment=manifest.environment,
            installation=manifest.installation_id,
            signer=row.signer,
        )
    terms = creation.ReleaseTerms(ReleaseKind.IMPORT, exempt_reason=reason)
    return creation.open_release(ctx, brought, release_request, terms, actor=actor)
