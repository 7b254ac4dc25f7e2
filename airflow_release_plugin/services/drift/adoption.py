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
from airflow_release_plugin.messages import Message, together
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
    access.require_admin(ctx, actor, Message("adopt what was changed by hand in %(name)r", name=name))
    view = environments.get(ctx, actor=actor, name=name)
    by_hand = hand_made.look(ctx, view)
    live = queries.live_by_unit(ctx.session, ctx.settings.source)
    paths = {change.path for change in by_hand.changes}
    touched = [row for row in live.values() if not paths.isdisjoint({row.path, *_paths(row)})]
    if len(touched) > MAX_ROWS:
        raise TooLargeError(
            "%(number)s Dag files need what was changed; one adoption takes %(most)s. "
            "Repair, and make the change in the source.",
            number=len(touched),
            most=MAX_ROWS,
        )
    drafts = tuple(sorted(_drafts(ctx, by_hand, touched, live, actor), key=lambda draft: draft.path))
    kept = {path for row in touched for path in _paths(row) if by_hand.files.is_file(path)} - paths
    extra = (
        *by_hand.changes,
        *(TreeChange(path, by_hand.files.entry(path)) for path in sorted(kept)),
    )
    return AdoptionPlan(
        host=served_trees.host(),
        found=by_hand,
        drafts=drafts,
        extra=extra,
        digest=change_digest(by_hand.changes, target=name, kind=ReleaseKind.IMPORT),
        busy=tuple(
            queries.with_state(ctx.session, [row.unit_id for row in touched], SubmissionState.IN_RELEASE)
        ),
        problems=tuple(_problems(ctx, by_hand, drafts)),
    )


def _paths(row: Submission) -> set[str]:
    return {entry.path for entry in row.entries}


def _drafts(
    ctx: Context,
    by_hand: HandMade,
    touched: Collection[Submission],
    live: Mapping[int, Submission],
    actor: Actor,
) -> Iterator[Submission]:
    """The versions to make: of units with a changed file, and of DAG files that are new."""
    present = {change.path for change in by_hand.changes if change.entry}
    facts = ctx.airflow.source.facts(ctx.settings.environment, present)
    ids = {path: sorted(fact.dag_id for fact in facts[path]) for path in sorted(facts) if path in present}
    for row in touched:
        is_there = by_hand.files.is_file(row.path)
        change = ChangeKind.MODIFIED if is_there else ChangeKind.DELETED
        yield _draft(ctx, by_hand, row.unit, row.path, change, ids.get(row.path, row.dag_ids), actor)
    known = {unit.path: unit for unit in queries.units(ctx.session, ctx.settings.source)}
    names = {unit.name for unit in known.values()}
    for path in ids.keys() - {row.path for row in live.values()}:
        unit = known.get(path)
        if unit is None:
            unit = new_unit(ctx, path, ids[path], names)
        yield _draft(ctx, by_hand, unit, path, ChangeKind.NEW, ids[path], actor)


def _draft(
    ctx: Context,
    by_hand: HandMade,
    unit: Unit,
    path: str,
    change: ChangeKind,
    dag_ids: Collection[str],
    actor: Actor,
) -> Submission:
    content = NOTHING
    if change is not ChangeKind.DELETED:
        content = VersionContent.of(baseline.closure_of(ctx, by_hand.files, path))
    return versions.draft(
        ctx, unit, content, by=actor, path=path, change=change, dag_ids=dag_ids, comment=TITLE, listed=False
    )


def _problems(ctx: Context, by_hand: HandMade, drafts: Collection[Submission]) -> Iterator[str]:
    yield from by_hand.problems
    if not drafts:
        yield (
            Message(
                "No Dag that Airflow knows needs what was changed. If a new file holds one, wait "
                "until the dag processor has parsed it; else repair."
            )
        )
    try:
        refuse_clashes(ctx, drafts)
    except InvalidRequestError as error:
        yield error.message


def preview(ctx: Context, adoption_plan: AdoptionPlan, *, actor: Actor) -> ApprovalPreview:
    """The import flow that applies, and who could approve."""
    return preview_for(
        ctx,
        adoption_plan.drafts,
        actor=actor,
        kind=ReleaseKind.IMPORT,
        extra=adoption_plan.extra,
        base=adoption_plan.found.base,
        read=adoption_plan.found.files.read_blob,
    )


def diff(ctx: Context, adoption_plan: AdoptionPlan, options: DiffOptions = PLAIN) -> list[ChangedFile]:
    """What was changed, line by line."""
    new = {change.path: change.entry for change in adoption_plan.changes if change.entry}
    old = ctx.store.entries(adoption_plan.found.base, [change.path for change in adoption_plan.changes])
    files = adoption_plan.found.files
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
    adoption_plan = plan(ctx, actor=actor, name=name)
    _require_possible(adoption_plan, name, digest)
    ctx.store.write_files(adoption_plan.found.local)
    ctx.session.add_all(draft.unit for draft in adoption_plan.drafts)
    # The ids of new units are what they are locked by.
    ctx.session.flush()
    release = create_from_drafts.open_release(
        ctx,
        adoption_plan.drafts,
        replace(
            release_request,
            title=release_request.title.strip() or TITLE,
            description=release_request.description
            or Message("Changed by hand, found on %(host)s.", host=adoption_plan.host),
        ),
        ReleaseTerms(ReleaseKind.IMPORT, extra=adoption_plan.extra, base=adoption_plan.found.base),
        actor=actor,
        digest=adoption_plan.digest,
    )
    _tell(ctx, adoption_plan, release, actor=actor)
    ctx.session.commit()
    drift.repair(ctx, actor=actor, name=name)
    return release


def _tell(ctx: Context, adoption_plan: AdoptionPlan, release: Release, *, actor: Actor) -> None:
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.ENVIRONMENT_DRIFT_ADOPTED,
        subject=f"environment:{release.environment}",
        host=adoption_plan.host,
        found=adoption_plan.found.found,
        base=adoption_plan.found.base,
        release=release.number,
        paths=[change.path for change in adoption_plan.changes[: drift.MOST_KEPT]],
        total=len(adoption_plan.changes),
        change_digest=adoption_plan.digest,
    )


def _require_possible(adoption_plan: AdoptionPlan, name: str, digest: str) -> None:
    if adoption_plan.problems:
        raise ConflictError(
            Message("This cannot be adopted: %(problems)s", problems=together(adoption_plan.problems[:5])),
            problems=list(adoption_plan.problems),
        )
    if digest != adoption_plan.digest:
        raise StaleDigestError(
            "What was changed by hand in %(name)r has changed since you looked. Look again.",
            name=name,
            current=adoption_plan.digest,
        )
    busy = next((row for row in adoption_plan.busy if not row.listed), None)
    if busy is not None:
        raise ItemBusyError(
            "%(path)r is part of another adoption or rollback that is open; approve or revoke "
            "that, or repair the environment.",
            path=busy.path,
            release_id=busy.release_id,
        )
