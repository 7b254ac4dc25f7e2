"""
Adopting what somebody changed by hand: as versions, in a release of kind import that people approve (R77).

Its files are copied into the store and the release is committed before the environment is repaired, so that
nothing is lost. What was changed runs again once it was approved, not before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ChangeKind, ReleaseKind
from airflow_release_plugin.domain.release.digest import change_digest
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.domain.tree.files import TreeChange
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    ItemBusyError,
    StaleDigestError,
    TooLargeError,
)
from airflow_release_plugin.models import Release, Submission, Unit
from airflow_release_plugin.repositories import submissions as queries
from airflow_release_plugin.services.baseline import baseline
from airflow_release_plugin.services.drift import drift, hand_made, served_trees
from airflow_release_plugin.services.drift.hand_made import HandMade
from airflow_release_plugin.services.promotion import environments
from airflow_release_plugin.services.releases import create_from_drafts
from airflow_release_plugin.services.releases.creation import ReleaseTerms
from airflow_release_plugin.services.releases.previews import ApprovalPreview, preview_for
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import versions
from airflow_release_plugin.services.versions.contents import refuse_clashes
from airflow_release_plugin.services.versions.file_diffs import PLAIN, ChangedFile, DiffOptions, diff_entries
from airflow_release_plugin.services.versions.units import new_unit
from airflow_release_plugin.services.versions.versions import NOTHING, VersionContent

TITLE = "Changed by hand"
MAX_ROWS = 1000
"""Most DAG files in one adoption, as in one rollback."""


@dataclass(frozen=True)
class AdoptionPlan:
    """
    Exactly what an adoption would take.

    :param host: the machine that was looked at
    :param drafts: the versions to make, by path of the DAG file
    :param extra: every changed path, and files that a changed DAG no longer needs but that are still there
    :param digest: of the changes; a request must name the one that its author saw
    :param busy: versions of the same DAG files that are in open releases
    :param problems: sentences that say why it cannot be adopted as it is
    """

    host: str
    found: HandMade
    drafts: tuple[Submission, ...]
    extra: tuple[TreeChange, ...]
    digest: str
    busy: tuple[Submission, ...]
    problems: tuple[str, ...]

    @property
    def changes(self) -> tuple[TreeChange, ...]:
        """What differs from the last promotion."""
        return self.found.changes

    @property
    def dag_ids(self) -> list[str]:
        """Sorted ids of the DAGs that it touches."""
        return sorted({dag_id for draft in self.drafts for dag_id in draft.dag_ids})


def plan(ctx: Context, *, actor: Actor, name: str) -> AdoptionPlan:
    """
    Work out what was changed by hand, on the branch and on this machine; nothing is stored.

    :raises NotAllowedError: it is for release admins
    :raises ConflictError: nothing was changed
    """
    access.require_admin(ctx, actor, f"adopt what was changed by hand in {name!r}")
    view = environments.get(ctx, actor=actor, name=name)
    found = hand_made.look(ctx, view)
    live = queries.live_by_unit(ctx.session, ctx.settings.source)
    paths = {change.path for change in found.changes}
    touched = [row for row in live.values() if not paths.isdisjoint({row.path, *_paths(row)})]
    if len(touched) > MAX_ROWS:
        raise TooLargeError(
            f"{len(touched)} Dag files need what was changed; one adoption takes {MAX_ROWS}. Repair, and "
            "make the change in the source."
        )
    drafts = tuple(sorted(_drafts(ctx, found, touched, live, actor), key=lambda draft: draft.path))
    kept = {path for row in touched for path in _paths(row) if found.files.is_file(path)} - paths
    extra = (*found.changes, *(TreeChange(path, found.files.entry(path)) for path in sorted(kept)))
    return AdoptionPlan(
        host=served_trees.host(),
        found=found,
        drafts=drafts,
        extra=extra,
        digest=change_digest(found.changes, target=name, kind=ReleaseKind.IMPORT),
        busy=tuple(
            queries.with_state(ctx.session, [row.unit_id for row in touched], SubmissionState.IN_RELEASE)
        ),
        problems=tuple(_problems(ctx, found, drafts)),
    )


def _paths(row: Submission) -> set[str]:
    return {entry.path for entry in row.entries}


def _drafts(
    ctx: Context,
    found: HandMade,
    touched: Collection[Submission],
    live: Mapping[int, Submission],
    actor: Actor,
) -> Iterator[Submission]:
    """The versions to make: of units with a changed file, and of DAG files that are new."""
    present = {change.path for change in found.changes if change.entry}
    facts = ctx.airflow.source.facts(ctx.settings.environment, present)
    ids = {path: sorted(fact.dag_id for fact in facts[path]) for path in sorted(facts) if path in present}
    for row in touched:
        is_there = found.files.is_file(row.path)
        change = ChangeKind.MODIFIED if is_there else ChangeKind.DELETED
        yield _draft(ctx, found, row.unit, row.path, change, ids.get(row.path, row.dag_ids), actor)
    known = {unit.path: unit for unit in queries.units(ctx.session, ctx.settings.source)}
    names = {unit.name for unit in known.values()}
    for path in ids.keys() - {row.path for row in live.values()}:
        unit = known.get(path)
        if unit is None:
            unit = new_unit(ctx, path, ids[path], names)
        yield _draft(ctx, found, unit, path, ChangeKind.NEW, ids[path], actor)


def _draft(
    ctx: Context,
    found: HandMade,
    unit: Unit,
    path: str,
    change: ChangeKind,
    dag_ids: Collection[str],
    actor: Actor,
) -> Submission:
    content = NOTHING
    if change is not ChangeKind.DELETED:
        content = VersionContent.of(baseline.closure_of(ctx, found.files, path))
    return versions.draft(
        ctx, unit, content, by=actor, path=path, change=change, dag_ids=dag_ids, comment=TITLE, listed=False
    )


def _problems(ctx: Context, found: HandMade, drafts: Collection[Submission]) -> Iterator[str]:
    yield from found.problems
    if not drafts:
        yield (
            "No Dag that Airflow knows needs what was changed. If a new file holds one, wait until the dag "
            "processor has parsed it; else repair."
        )
    try:
        refuse_clashes(ctx, drafts)
    except InvalidRequestError as error:
        yield error.message


def preview(ctx: Context, made: AdoptionPlan, *, actor: Actor) -> ApprovalPreview:
    """The import flow that applies, and who could approve."""
    return preview_for(
        ctx,
        made.drafts,
        actor=actor,
        kind=ReleaseKind.IMPORT,
        extra=made.extra,
        base=made.found.base,
        read=made.found.files.read_blob,
    )


def diff(ctx: Context, made: AdoptionPlan, options: DiffOptions = PLAIN) -> list[ChangedFile]:
    """What was changed, line by line."""
    new = {change.path: change.entry for change in made.changes if change.entry}
    old = ctx.store.entries(made.found.base, [change.path for change in made.changes])
    files = made.found.files
    return diff_entries(ctx, old, new, options, read_new=lambda entry: files.read(entry.path))


def adopt(ctx: Context, *, actor: Actor, name: str, digest: str, release_request: ReleaseRequest) -> Release:
    """
    Make a release of what was changed by hand, and repair the environment. Commits in between.

    Until people have approved it, the environment serves what they approved before.

    :param digest: of the plan that the actor saw
    :raises StaleDigestError: something else is changed by now
    :raises ConflictError: a change cannot be taken as it is
    :raises ItemBusyError: it was adopted already, or a rollback of the same file is under way
    """
    made = plan(ctx, actor=actor, name=name)
    _require_possible(made, name, digest)
    ctx.store.write_files(made.found.local)
    ctx.session.add_all(draft.unit for draft in made.drafts)
    # The ids of new units are what they are locked by.
    ctx.session.flush()
    release = create_from_drafts.open_release(
        ctx,
        made.drafts,
        replace(
            release_request,
            title=release_request.title.strip() or TITLE,
            description=release_request.description or f"Changed by hand, found on {made.host}.",
        ),
        ReleaseTerms(ReleaseKind.IMPORT, extra=made.extra, base=made.found.base),
        actor=actor,
        digest=made.digest,
    )
    _tell(ctx, made, release, actor=actor)
    ctx.session.commit()
    drift.repair(ctx, actor=actor, name=name)
    return release


def _tell(ctx: Context, made: AdoptionPlan, release: Release, *, actor: Actor) -> None:
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.ENVIRONMENT_DRIFT_ADOPTED,
        subject=f"environment:{release.environment}",
        host=made.host,
        found=made.found.found,
        base=made.found.base,
        release=release.number,
        paths=[change.path for change in made.changes[: drift.MOST_KEPT]],
        total=len(made.changes),
        change_digest=made.digest,
    )


def _require_possible(made: AdoptionPlan, name: str, digest: str) -> None:
    if made.problems:
        raise ConflictError(
            f"This cannot be adopted: {' '.join(made.problems[:5])}", problems=list(made.problems)
        )
    if digest != made.digest:
        raise StaleDigestError(
            f"What was changed by hand in {name!r} has changed since you looked. Look again.",
            current=made.digest,
        )
    held = next((row for row in made.busy if not row.listed), None)
    if held is not None:
        raise ItemBusyError(
            f"{held.path!r} is part of another adoption or rollback that is open; approve or revoke that, or "
            "repair the environment.",
            release_id=held.release_id,
        )
