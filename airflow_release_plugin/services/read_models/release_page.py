"""Everything that the page of one release shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.checks import ReportKind
from airflow_release_plugin.domain.release.progress import ItemProgress, ItemState, OtherProgress
from airflow_release_plugin.domain.release.proof_summary import ProofSummary, summarise
from airflow_release_plugin.domain.release.runs import AT_WORK, StartStatus
from airflow_release_plugin.domain.release.trials import Trial
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tasks import TaskKey, TaskRole
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Event, Release, ReleaseItem, Report
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import events as event_queries
from airflow_release_plugin.repositories import reports as report_queries
from airflow_release_plugin.repositories import task_claims as claim_queries
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services.approvals import approvals
from airflow_release_plugin.services.discussion import reading
from airflow_release_plugin.services.discussion.reading import Discussion, UnresolvedThreads
from airflow_release_plugin.services.imports import evidence as import_evidence
from airflow_release_plugin.services.imports.evidence import ImportEvidence
from airflow_release_plugin.services.notifications import outbox
from airflow_release_plugin.services.notifications.outbox import UnsentNotifications
from airflow_release_plugin.services.promotion import cutover
from airflow_release_plugin.services.promotion.cutover import DagCutover
from airflow_release_plugin.services.read_models import archived_events
from airflow_release_plugin.services.read_models.archived_events import ArchivedEvents
from airflow_release_plugin.services.read_models.release_changes import (
    Against,
    ReleaseChanges,
    review_of,
)
from airflow_release_plugin.services.read_models.release_reports import AttemptReports, by_attempt
from airflow_release_plugin.services.read_models.watch import HELD
from airflow_release_plugin.services.releases import (
    additions,
    break_glass,
    creation,
    emergencies,
    holds,
    progress,
    releases,
)
from airflow_release_plugin.services.releases.additions import LackingFile
from airflow_release_plugin.services.releases.emergencies import EmergencyDetail
from airflow_release_plugin.services.releases.schedule import ExecutionBlock, execution_block
from airflow_release_plugin.services.rollbacks import rollbacks
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.verification import runs
from airflow_release_plugin.services.versions import dev_trials, structure
from airflow_release_plugin.services.versions.file_diffs import PLAIN, DiffOptions
from airflow_release_plugin.services.versions.structure import Structure

STALE_HEARTBEAT = 60
"""Seconds without a heartbeat after which a component is called down."""
_WAITS = {
    ReleaseState.CHECKING: Message("The check"),
    ReleaseState.AWAITING_APPROVAL: Message("The promotion"),
    ReleaseState.APPROVED: Message("The promotion"),
    ReleaseState.RELEASED: Message("The verification"),
}


class ReleaseTab(str, Enum):
    """What part of a release people look at."""

    OVERVIEW = ""
    CHANGES = "changes"
    STRUCTURE = "structure"
    CHECKS = "checks"
    ACTIVITY = "activity"


EVENTS_AT_ONCE = 200
"""Events that one look at the trail shows; each page leads to the older ones."""


@dataclass(frozen=True)
class PageLook:
    """
    What of a release somebody wants to see.

    :param against: what its changes are shown against
    :param offset: changed files before those whose lines are wanted
    :param before: number of the event before which the trail is wanted; 0 for its newest part
    :param is_again: an open page asks once more what moved; the lines of changes did not
    :param with_structure: whether the structure is wanted also then
    """

    tab: ReleaseTab = ReleaseTab.OVERVIEW
    against: Against = Against.BASE
    options: DiffOptions = PLAIN
    offset: int = 0
    before: int = 0
    is_again: bool = False
    with_structure: bool = False


@dataclass(frozen=True)
class PipelineView:
    """
    The DAG run that works on the release.

    :param problem: why it does not move
    :param check: the task that checks, or has checked, the present attempt; its log has every line
    """

    dag_id: str
    run_id: str
    state: str
    problem: str | None
    check: TaskKey | None


@dataclass(frozen=True)
class ReleaseDetail:
    """
    A release with its approval, reports, pipeline and runs as ``actor`` sees them.

    :param addable: files that its check found lacking, and that the actor may add
    :param emergencies: each time that its glass was broken, or was to be, oldest first
    """

    release: Release
    state: ReleaseState
    approval: approvals.ApprovalDetail | None
    reports: list[Report]
    pipeline: PipelineView | None
    runs: tuple[StartStatus, ...]
    progress: tuple[ItemProgress, ...]
    others: tuple[OtherProgress, ...]
    actions: list[str]
    execution_block: ExecutionBlock | None
    kept_until: datetime | None
    watch_state: str
    evidence: tuple[ImportEvidence, ...]
    addable: tuple[LackingFile, ...] = ()
    emergencies: tuple[EmergencyDetail, ...] = ()

    @property
    def proof(self) -> ProofSummary | None:
        """What the newest check of the present attempt proved."""
        checks = [
            report
            for report in self.reports
            if report.kind is ReportKind.CHECK and report.attempt == self.release.attempt
        ]
        return summarise(checks[-1].items) if checks else None

    @property
    def attempts(self) -> tuple[AttemptReports, ...]:
        """What was found, by attempt: the present one first, even before it has found anything."""
        return by_attempt(self.reports, self.release.attempt)

    @property
    def has_replaced_names(self) -> bool:
        """Whether something imported has other names here than when it was signed."""
        return any(unit.rewritten for brought in self.evidence for unit in brought.units)

    @property
    def rows(self) -> list[tuple[ReleaseItem, ItemProgress]]:
        """Items with how far they are; those that failed, which somebody has to mend, come first."""
        rows = zip(self.release.items, self.progress, strict=True)
        return sorted(rows, key=lambda row: row[1].state is not ItemState.FAILED)


@dataclass(frozen=True)
class ReleasePageDetail:
    """
    Everything that the page of a release shows of one tab; what belongs to another one is empty.

    :param event_count: how long its trail is
    :param events: a part of its trail, at most :data:`EVENTS_AT_ONCE`, the newest first
    :param has_older_events: whether there are others before them
    :param archived: where events are that went into the archive
    :param cutover: what it would meet in the target; empty once that is behind it
    :param discussion: what people said, on the tabs that show it
    :param changes: ``None`` also when the actor may not read the code
    :param trials: dev runs of its versions, of those that were made from the source here
    """

    detail: ReleaseDetail
    event_count: int
    events: list[Event]
    has_older_events: bool
    archived: ArchivedEvents | None
    cutover: tuple[DagCutover, ...]
    unsent: UnsentNotifications
    changes: ReleaseChanges | None
    discussion: Discussion | None
    unresolved: UnresolvedThreads
    structure: Structure | None
    trials: tuple[Trial, ...]


def get_release(ctx: Context, *, actor: Actor, release_id: int) -> ReleaseDetail:
    """The release as the actor sees it; a fixed number of queries."""
    # What an act has just changed in this transaction is read back.
    ctx.session.flush()
    return _detail(ctx, releases.get(ctx, actor=actor, release_id=release_id), actor=actor)


def get_release_page(
    ctx: Context, *, actor: Actor, release_id: int, look: PageLook = PageLook()
) -> ReleasePageDetail:
    """One tab of a release, and what stands above all of them; a fixed number of queries."""
    release = releases.get(ctx, actor=actor, release_id=release_id)
    detail = _detail(ctx, release, actor=actor)
    is_overview = look.tab is ReleaseTab.OVERVIEW
    events = _newest_events(ctx, release, look)
    return ReleasePageDetail(
        detail=detail,
        event_count=event_queries.count_events(ctx.session, _subject(release)),
        events=events[:EVENTS_AT_ONCE],
        has_older_events=len(events) > EVENTS_AT_ONCE,
        archived=_archived(ctx, release, look),
        cutover=cutover.of_release(ctx, release) if is_overview and cutover.is_ahead(detail.state) else (),
        unsent=outbox.unsent(ctx, actor=actor, subject=release),
        changes=_changes(ctx, release, look, actor=actor),
        discussion=_discussion(ctx, release, look, actor=actor),
        unresolved=reading.unresolved_of(ctx, release),
        structure=_structure(ctx, release, look),
        trials=_trials(ctx, release) if is_overview else (),
    )


def _changes(ctx: Context, release: Release, look: PageLook, *, actor: Actor) -> ReleaseChanges | None:
    is_wanted = look.tab is ReleaseTab.CHANGES and not look.is_again
    if not is_wanted or not access.may_read_code(ctx, actor, release.dag_ids):
        return None
    return review_of(ctx, release, look.against, look.options, actor=actor, offset=look.offset)


def _discussion(ctx: Context, release: Release, look: PageLook, *, actor: Actor) -> Discussion | None:
    """Words are not fetched again and again: somebody may be writing an answer to them."""
    is_wanted = look.tab in {ReleaseTab.CHANGES, ReleaseTab.ACTIVITY} and not look.is_again
    return reading.discussion_of(ctx, release, actor=actor) if is_wanted else None


def _structure(ctx: Context, release: Release, look: PageLook) -> Structure | None:
    is_wanted = look.tab is ReleaseTab.STRUCTURE and (look.with_structure or not look.is_again)
    return structure.of_release(ctx, release) if is_wanted else None


def _trials(ctx: Context, release: Release) -> tuple[Trial, ...]:
    found = dev_trials.tried(ctx, [item.submission for item in release.items])
    return tuple(sorted((trial for each in found.values() for trial in each), key=lambda trial: trial.dag_id))


def _detail(ctx: Context, release: Release, *, actor: Actor) -> ReleaseDetail:
    approval = approval_queries.latest_approval(ctx.session, "release", release.id)
    shown = approvals.view(ctx, approval, actor=actor) if approval else None
    state = release.effective_state(ctx.clock())
    held = None
    if state is ReleaseState.APPROVED:
        hold = holds.in_force(ctx, release.environment)
        held = execution_block(release, approval, ctx.clock(), hold)
    reports = report_queries.of_release(ctx.session, release.id)
    pipeline = _pipeline(ctx, release, state)
    started = runs.start_status(ctx, release, pipeline.state if pipeline else None)
    may_break_glass = break_glass.may_break_glass(ctx, actor, release, approval)
    if approval is not None and may_break_glass:
        may_break_glass = break_glass.is_not_the_first(ctx, actor, approval)
    broken = emergencies.of_release(ctx, release, approval, actor=actor)
    addable = additions.addable(ctx, release, reports, actor=actor)
    return ReleaseDetail(
        release=release,
        state=state,
        approval=shown,
        reports=reports,
        pipeline=pipeline,
        runs=started,
        progress=progress.items(release, state, reports),
        others=progress.others(release, state, reports),
        actions=[
            *_actions(ctx, actor, release, shown, started, may_break_glass),
            *(["add_files"] if addable else []),
            *(["review_emergency"] if any(each.may_review for each in broken) else []),
        ],
        execution_block=held,
        kept_until=creation.kept_until(ctx, release, approval) if state is ReleaseState.ERRORED else None,
        watch_state=HELD if held else state.value,
        evidence=import_evidence.for_release(ctx, release),
        addable=addable,
        emergencies=broken,
    )


def _actions(
    ctx: Context,
    actor: Actor,
    release: Release,
    approval: approvals.ApprovalDetail | None,
    started: Sequence[StartStatus],
    may_break_glass: bool,
) -> list[str]:
    actions = []
    awaits = release.effective_state(ctx.clock()) is ReleaseState.AWAITING_APPROVAL
    if awaits and approval is not None and approval.may_decide:
        actions += ["approve", "reject"]
    # There is no glass to break where the actor's own approval completes it.
    if may_break_glass and not (awaits and approval is not None and approval.would_complete):
        actions.append("break_glass")
    if releases.may_revoke(ctx, actor, release):
        actions.append("revoke")
    if creation.may_retry(ctx, actor, release):
        actions.append("retry")
    if runs.may_start(ctx, actor, release, started):
        actions.append("start_runs")
    if rollbacks.may_undo(ctx, actor, release):
        actions.append("roll_back")
    return actions


def _pipeline(ctx: Context, release: Release, state: ReleaseState) -> PipelineView | None:
    if release.pipeline_run_id is None:
        return None
    run_state = releases.pipeline_state(ctx, release)
    problem = None
    is_verified = state is ReleaseState.RELEASED and run_state not in AT_WORK
    if state in _WAITS and not is_verified:
        problem = _pipeline_problem(ctx, release, run_state)
    claim = claim_queries.of_role(ctx.session, release.id, release.attempt, TaskRole.CHECK)
    check = claim.task if claim else None
    return PipelineView(release.pipeline_dag_id, release.pipeline_run_id, run_state, problem, check)


def _pipeline_problem(ctx: Context, release: Release, run_state: str) -> str | None:
    name = release.pipeline_dag_id
    if run_state in {"failed", "missing"}:
        if release.state is ReleaseState.AWAITING_APPROVAL:
            return Message(
                "The pipeline run is %(state)s. What people decide counts; once they have "
                "approved it, the release becomes errored, and retrying it does not ask them again.",
                state=run_state,
            )
        return Message(
            "The pipeline run is %(state)s. Within a minute the release becomes errored; then retry it.",
            state=run_state,
        )
    pipeline = ctx.airflow.serving.live_dags([name]).get(name)
    if pipeline is None:
        return Message(
            "Airflow does not know the pipeline %(pipeline)r any more; look at its import errors.",
            pipeline=name,
        )
    waits = _WAITS[release.state]
    if pipeline.is_paused:
        return Message(
            "The pipeline %(pipeline)r is paused. %(waits)s waits until somebody unpauses it in Airflow.",
            pipeline=name,
            waits=waits,
        )
    ages = ctx.airflow.serving.component_ages()
    down = [part for part, age in sorted(ages.items()) if age is None or age > STALE_HEARTBEAT]
    return (
        Message("Not running: %(down)s. %(waits)s waits until they are back.", down=list(down), waits=waits)
        if down
        else None
    )


def get_events(
    ctx: Context, *, actor: Actor, release_id: int, limit: int = 100, offset: int = 0
) -> Page[Event]:
    """The trail of a release, oldest first."""
    release = releases.get(ctx, actor=actor, release_id=release_id)
    return event_queries.events_of(ctx.session, _subject(release), limit=limit, offset=offset)


def get_trials(ctx: Context, *, actor: Actor, release_id: int) -> tuple[Trial, ...]:
    """Which dev runs tried the versions of a release, by DAG id."""
    return _trials(ctx, releases.get(ctx, actor=actor, release_id=release_id))


def _newest_events(ctx: Context, release: Release, look: PageLook) -> list[Event]:
    """What the page shows of the trail, and one more where there is more."""
    if look.tab is not ReleaseTab.ACTIVITY:
        return []
    return event_queries.newest_events(
        ctx.session, _subject(release), before=look.before, limit=EVENTS_AT_ONCE + 1
    )


def _archived(ctx: Context, release: Release, look: PageLook) -> ArchivedEvents | None:
    return archived_events.since(ctx, release.requested_at) if look.tab is ReleaseTab.ACTIVITY else None


def _subject(release: Release) -> str:
    """Whose events its page shows."""
    return f"release:{release.id}"
