"""
Taking over what an environment runs today as its first commit: byte for byte, without anything running again.

Files, versions and their refs are written to the store first; then the rows, in one transaction; then the
promotion, which is that of every release. Whatever moment a crash hits, doing it again finishes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_release_plugin.analysis.closure import Closure
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ChangeKind, ReleaseKind
from airflow_release_plugin.domain.ports import DagStanding
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus, ReportKind
from airflow_release_plugin.domain.release.digest import change_digest
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.domain.tree.files import TreeChange
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.messages import Message, together
from airflow_release_plugin.models import Release, Report, Submission, Unit
from airflow_release_plugin.models.base import stamp
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.repositories import submissions as submission_queries
from airflow_release_plugin.repositories import version_states
from airflow_release_plugin.services.baseline import baseline
from airflow_release_plugin.services.baseline.baseline import Baseline
from airflow_release_plugin.services.insights import recording
from airflow_release_plugin.services.promotion import promotions
from airflow_release_plugin.services.releases import checks, creation, lifecycle
from airflow_release_plugin.services.releases.creation import ReleaseTerms
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import versions
from airflow_release_plugin.services.versions.units import let_be_found, new_unit
from airflow_release_plugin.services.versions.versions import VersionContent
from airflow_release_plugin.store.base import environment_ref
from airflow_release_plugin.store.batches import write_in_batches

TITLE = "Baseline"


def preview(ctx: Context, *, actor: Actor, folder: str) -> Baseline:
    """
    What :func:`adopt` would take; nothing is written.

    :param folder: name of a bundle of this Airflow, or the folder that it reads
    """
    access.require_admin(
        ctx, actor, Message("adopt what %(environment)r runs", environment=ctx.settings.environment)
    )
    return baseline.look(ctx, folder)


def adopt(ctx: Context, *, actor: Actor, folder: str) -> Release:
    """
    Make what a bundle holds the first commit of the environment, as a release that nobody has to approve.

    Calling it again, also after a crash, answers the same release.

    :param folder: name of a bundle of this Airflow, or the folder that it reads
    :raises ConflictError: the environment holds something else already, or a file cannot be taken
    """
    access.require_admin(
        ctx, actor, Message("adopt what %(environment)r runs", environment=ctx.settings.environment)
    )
    environment = ctx.settings.environment
    found = baseline.look(ctx, folder)
    changes = [TreeChange(entry.path, entry) for entry in found.entries]
    digest = change_digest(changes, target=environment, kind=ReleaseKind.IMPORT)
    if head := ctx.store.ref(environment_ref(environment)):
        return _adopted_before(ctx, head, digest)
    if found.problems:
        raise ConflictError(
            Message(
                "Bundle %(bundle)r cannot be adopted yet: %(problems)s",
                bundle=found.bundle,
                problems=together(found.problems[:5]),
            ),
            problems=list(found.problems),
        )
    files = ((entry.path, entry.mode, found.files.read(entry.path)) for entry in found.entries)
    write_in_batches(ctx.store, files)
    rows = _versions(ctx, found, actor=actor)
    _require_unchanged(ctx, found)
    release = _release(ctx, found, rows, changes, actor=actor)
    released = promotions.promote(ctx, actor=actor, release_id=release.id)
    if released.state is not ReleaseState.RELEASED:
        raise ConflictError(
            "%(environment)r got its first release at the same moment; look at it first.",
            environment=environment,
        )
    recording.forget_arrival(ctx, released)
    return released


def adoption(ctx: Context) -> Release | None:
    """The release by which the environment was adopted, if it was."""
    return release_queries.first_release(ctx.session, ctx.settings.environment, ReleaseKind.IMPORT, TITLE)


def _adopted_before(ctx: Context, head: str, digest: str) -> Release:
    before = adoption(ctx)
    if before is not None and before.change_digest == digest:
        return before
    raise ConflictError(
        Message(
            "%(environment)r holds releases already (commit %(head)s); only an empty "
            "environment can adopt what runs today. Submit what differs.",
            environment=ctx.settings.environment,
            head=head[:12],
        ),
        head=head,
    )


def _require_unchanged(ctx: Context, found: Baseline) -> None:
    if baseline.look(ctx, found.bundle).entries != found.entries:
        raise ConflictError(
            "Bundle %(bundle)r changed while it was read. Pause what deploys to it, and do it again.",
            bundle=found.bundle,
        )


def _versions(ctx: Context, found: Baseline, *, actor: Actor) -> list[Submission]:
    """One version for each DAG file, kept in the store; not in the session yet."""
    units = {unit.path: unit for unit in submission_queries.units(ctx.session, ctx.settings.source)}
    names = {unit.name for unit in units.values()}
    last = submission_queries.last_versions(ctx.session, ctx.settings.source)
    made = []
    for path, dag_ids in found.dags.items():
        unit = units.get(path)
        if unit is None:
            unit = new_unit(ctx, path, dag_ids, names)
        unit.dag_ids = list(dag_ids)
        version = last.get(unit.id, 0) + 1
        made.append(_version(ctx, unit, version, baseline.closure_of(ctx, found.files, path), actor=actor))
    return made


def _version(ctx: Context, unit: Unit, number: int, closure: Closure, *, actor: Actor) -> Submission:
    version = versions.draft(
        ctx,
        unit,
        VersionContent.of(closure),
        by=actor,
        path=unit.path,
        change=ChangeKind.NEW,
        dag_ids=unit.dag_ids,
        comment=TITLE,
    )
    version.version = number
    versions.write(ctx, version, actor=actor)
    return version


def _release(
    ctx: Context,
    found: Baseline,
    rows: Sequence[Submission],
    changes: Sequence[TreeChange],
    *,
    actor: Actor,
) -> Release:
    """The release, approved by exemption; its report says what was taken and how its history stood."""
    ctx.session.add_all(rows)
    # The ids name the versions in the trail.
    ctx.session.flush()
    reason = Message(
        "Adopted as it runs today, from bundle %(bundle)s (%(root)s)", bundle=found.bundle, root=found.root
    )
    release = creation.make(
        ctx,
        rows,
        changes,
        ReleaseRequest(TITLE, description=reason),
        ReleaseTerms(ReleaseKind.IMPORT, exempt_reason=reason),
        actor=actor,
        base_commit=None,
        pipeline_dag_id=ctx.settings.pipeline_dag_id,
    )
    let_be_found(ctx, [row.unit for row in rows])
    version_states.hand_all(ctx.session, rows, SubmissionState.IN_RELEASE, release.id)
    lifecycle.move(ctx, release, ReleaseState.CHECKING, actor=actor)
    ctx.session.add(_report(ctx, found, release, actor=actor))
    lifecycle.move(ctx, release, ReleaseState.AWAITING_APPROVAL, actor=actor)
    checks.grant_exempt(ctx, release, actor=actor)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.ENVIRONMENT_ADOPTED,
        subject=f"environment:{release.environment}",
        bundle=found.bundle,
        folder=found.root,
        files=len(found.entries),
        bytes=found.size,
        dags=len(found.dag_ids),
        release=release.number,
        reason=reason,
    )
    return release


def _report(ctx: Context, found: Baseline, release: Release, *, actor: Actor) -> Report:
    newest = ctx.airflow.bundles.newest_run()
    standings = ctx.airflow.bundles.standings(found.dag_ids, up_to_run=newest)
    items = [
        _item(
            Message("Taken"),
            "",
            Message(
                "%(files)s files (%(size)s bytes), %(dags)s Dags",
                files=len(found.entries),
                size=found.size,
                dags=len(found.dag_ids),
            ),
            {"bundle": found.bundle, "newest_run": newest},
        )
    ]
    for path, dag_ids in found.dags.items():
        kept = {name: _standing(standings[name]) for name in dag_ids if name in standings}
        items.append(_item(Message("Adopted"), path, found.broken.get(path, ""), {"standings": kept}))
    for path in sorted(found.broken.keys() - found.dags.keys()):
        items.append(_item(Message("Does not import"), path, found.broken[path], {}))
    return Report(
        release_id=release.id,
        kind=ReportKind.CHECK,
        attempt=release.attempt,
        passed=True,
        base_commit=None,
        items=tuple(items),
        reported_at=ctx.clock(),
        **stamp(actor, "reported"),
    )


def _item(name: str, path: str, detail: str, facts: Mapping[str, Any]) -> CheckItem:
    is_fine = not path or not detail
    return CheckItem(name, CheckStatus.PASSED if is_fine else CheckStatus.WARNING, path, detail, facts)


def _standing(standing: DagStanding) -> dict[str, Any]:
    return {
        "paused": standing.paused,
        "schedule": standing.schedule,
        "next_run": standing.next_run.isoformat() if standing.next_run else None,
        "runs": standing.runs,
    }
