"""What people come for each morning: what waits for them, what moves, what went out, what stopped."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_release_plugin.domain.flow.approval import evaluate
from airflow_release_plugin.domain.flow.flow import FlowSpec
from airflow_release_plugin.domain.flow.next_freeze import Freeze, next_freezes
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.progress import ItemProgress, ItemState
from airflow_release_plugin.domain.release.runs import AT_WORK
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.text.phrasing import lines_of
from airflow_release_plugin.models import Approval, Hold, MachineLook, Release
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import flows as flow_queries
from airflow_release_plugin.repositories import release_lists as queries
from airflow_release_plugin.services.drift import drift
from airflow_release_plugin.services.promotion import environments
from airflow_release_plugin.services.read_models import inbox
from airflow_release_plugin.services.read_models.inbox import InboxDetail
from airflow_release_plugin.services.releases import expiry, holds, progress
from airflow_release_plugin.services.releases.schedule import ExecutionBlock, execution_block
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions import submissions

MOST = 10
"""Rows of each part of the page; whoever wants more follows its link to the whole list."""
MOST_FREEZES = 3
_MOST_LANDED = 3 * MOST
_TODAY = timedelta(hours=24)
"""The server does not know where the reader's day begins."""
_LATELY = timedelta(days=7)
_LONGEST_SOAK = timedelta(days=8)
_ON_THE_WAY = (ReleaseState.CHECKING, ReleaseState.AWAITING_APPROVAL, ReleaseState.APPROVED)
VERIFYING = "verifying"
"""Shown for a release that is in the target while its pipeline still looks after it."""


@dataclass(frozen=True)
class MovingRelease:
    """
    A release on its way, as it is now.

    :param state: of the release, or ``verifying``
    :param items: how far each of its DAG files is
    :param waits_for: the step that people decide on
    :param block: what holds it back although it is approved
    """

    release: Release
    state: str
    items: tuple[ItemProgress, ...] = ()
    waits_for: str = ""
    block: ExecutionBlock | None = None

    @property
    def done(self) -> int:
        """Number of its DAG files that the step under way is through with."""
        return sum(item.is_done for item in self.items)

    @property
    def served(self) -> int:
        """Number of its DAG files that Airflow serves as they were approved."""
        return sum(item.state is ItemState.SERVED for item in self.items)


@dataclass(frozen=True)
class StoppedRelease:
    """A release that did not go out, or does not stay: since when, and why in one sentence."""

    release: Release
    state: ReleaseState
    since: datetime | None
    reason: str


@dataclass(frozen=True)
class EnvironmentCondition:
    """
    Whether the environment runs what was approved.

    :param is_moved: its branch is not where the last promotion left it
    :param looks: what each machine found last
    """

    is_moved: bool
    looks: tuple[MachineLook, ...]

    @property
    def differences(self) -> int:
        """Number of differences that machines found."""
        return sum(look.total for look in self.looks)

    @property
    def looked_at(self) -> datetime | None:
        """When a machine looked last."""
        return max((look.looked_at for look in self.looks), default=None)


@dataclass(frozen=True)
class HomeDetail:
    """
    Everything that the first page of the section shows. Lists have at most :data:`MOST` rows.

    :param inbox: all that waits for the actor
    :param moving: what is checked, waits for others, is approved or verified
    :param landed: what came to the target within a day
    :param stopped: what failed, was turned down or expired within a week
    :param condition: ``None`` where releases have no target
    :param is_first_use: whether nothing was ever submitted here
    :param now: when this was so
    """

    inbox: InboxDetail
    moving: tuple[MovingRelease, ...]
    has_more_moving: bool
    landed: tuple[Release, ...]
    has_more_landed: bool
    stopped: tuple[StoppedRelease, ...]
    has_more_stopped: bool
    freezes: tuple[Freeze, ...]
    condition: EnvironmentCondition | None
    is_first_use: bool
    now: datetime


def get_home(ctx: Context, *, actor: Actor) -> HomeDetail:
    """The actor's first page; a fixed number of queries, none of which counts or reads a whole table."""
    now = ctx.clock()
    mine = inbox.get_inbox(ctx, actor=actor)
    scope = access.release_scope(ctx, actor)
    own = {item.subject_id for item in mine.items if item.subject == "release"}
    under_way = queries.on_the_way(ctx.session, _ON_THE_WAY, scope, now=now, but_for=own, limit=MOST + 1)
    landed = queries.landed_since(
        ctx.session, scope, since=now - _TODAY, soaked_since=now - _LONGEST_SOAK, limit=_MOST_LANDED
    )
    verifying = _at_work(ctx, landed)
    settled = [
        row
        for row in landed
        if row.id not in verifying and row.released_at and row.released_at >= now - _TODAY
    ]
    stopped = queries.stopped_since(ctx.session, scope, since=now - _LATELY, now=now, limit=MOST + 1)
    moving = (
        *(_verified(row) for row in landed if row.id in verifying),
        *_moving(ctx, under_way, now),
    )
    return HomeDetail(
        inbox=mine,
        moving=moving[:MOST],
        has_more_moving=len(moving) > MOST,
        landed=tuple(settled[:MOST]),
        has_more_landed=len(settled) > MOST,
        stopped=tuple(_stopped(row, now) for row in stopped[:MOST]),
        has_more_stopped=len(stopped) > MOST,
        freezes=tuple(next_freezes(_flows(ctx), now, limit=MOST_FREEZES)) if ctx.settings.has_target else (),
        condition=_condition(ctx, actor) if ctx.settings.has_target else None,
        is_first_use=submissions.is_first_use(ctx),
        now=now,
    )


def _at_work(ctx: Context, landed: Sequence[Release]) -> set[int]:
    """Ids of those whose pipeline has not ended."""
    runs = {
        (row.pipeline_dag_id, row.pipeline_run_id): row.id
        for row in landed
        if row.pipeline_run_id is not None and row.state is ReleaseState.RELEASED
    }
    found = ctx.airflow.serving.runs(runs)
    return {runs[run.dag_id, run.run_id] for run in found if run.state in AT_WORK}


def _verified(release: Release) -> MovingRelease:
    return MovingRelease(release, VERIFYING, progress.items(release, ReleaseState.RELEASED, ()))


def _moving(ctx: Context, rows: Collection[Release], now: datetime) -> list[MovingRelease]:
    found = approval_queries.with_approvals(ctx.session, [row.id for row in rows])
    approvals = {release.id: approval for release, approval in found}
    hold = holds.in_force(ctx, ctx.settings.environment)
    return [_on_the_way(row, approvals.get(row.id), now, hold) for row in rows]


def _on_the_way(
    release: Release, approval: Approval | None, now: datetime, hold: Hold | None
) -> MovingRelease:
    if release.state is ReleaseState.CHECKING:
        return MovingRelease(release, release.state.value, progress.items(release, release.state, ()))
    if release.state is ReleaseState.APPROVED:
        block = execution_block(release, approval, now, hold)
        return MovingRelease(release, release.state.value, block=block)
    step = None
    if approval is not None:
        step = evaluate(approval.requirement, approval.counted).current_step
    waits_for = approval.requirement.steps[step].name if approval is not None and step is not None else ""
    return MovingRelease(release, release.state.value, waits_for=waits_for)


def _stopped(release: Release, now: datetime) -> StoppedRelease:
    state = release.effective_state(now)
    if state is not release.state:
        return StoppedRelease(release, state, release.expires_at, expiry.reason_of(release))
    lines = lines_of(release.state_reason)
    return StoppedRelease(release, state, release.state_since, lines[0] if lines else "")


def _flows(ctx: Context) -> list[FlowSpec]:
    return [row.spec for row in flow_queries.flows(ctx.session)]


def _condition(ctx: Context, actor: Actor) -> EnvironmentCondition:
    name = ctx.settings.environment
    view = environments.get(ctx, actor=actor, name=name)
    return EnvironmentCondition(is_moved=view.moved, looks=drift.looks(ctx, name))
