"""
The look for work that nobody does any more: it is ended within a minute, and nobody has to ask for it.

One process at a time looks, by a lease. A release that only its pipeline can move (``checking``,
``approved``) becomes ``errored`` when the run is lost (:mod:`airflow_release_plugin.domain.release.lost_runs`
says when that is); a gate whose task waits no more is withdrawn. Exports and imports have leases of their
own: see their jobs.

A loss counts when two looks find it with the same witness. What the first one saw is kept with the lease, so
that a server that takes over goes on from there.

``awaiting_approval`` is left alone on purpose: people leave it, not a task. What they say counts even if the
run died meanwhile; the release is approved then, which is looked at, and its *Retry* goes on without asking
them again.

A look costs a fixed number of queries for each few hundred releases or gates, and nothing else while nothing
is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Event

from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.domain.release.lost_runs import Loss, PipelineRun, find_loss
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Gate
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.repositories.releases import WorkedOn
from airflow_release_plugin.services.approvals import gates
from airflow_release_plugin.services.releases import lifecycle, releases, schedule
from airflow_release_plugin.services.runtime import leases
from airflow_release_plugin.services.runtime.background import Work, in_transaction
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

log = logging.getLogger(__name__)

PAUSE = 15.0
"""Seconds between two looks."""
LEASE_NAME = "lost work"
_LEASE = timedelta(seconds=2 * PAUSE)
_BATCH = 300


@dataclass(frozen=True)
class LostRelease:
    """A release whose run is lost, as it stood when that was seen."""

    release: WorkedOn
    loss: Loss

    @property
    def key(self) -> str:
        """What names the finding among those of a look."""
        release = self.release
        return f"{release.id} {release.attempt} {release.state.value} {release.pipeline_run_id}"


def run_once(*, work: Work = unit_of_work, stop: Event | None = None, by: str = "") -> int:
    """
    Look once; return how many releases and gates were ended.

    :param by: who looks; this process if empty
    """
    lost: list[LostRelease] = []
    if not in_transaction(work, lambda ctx: lost.extend(_look(ctx, by))):
        return 0
    ended = 0
    for finding in lost:
        if stop is not None and stop.is_set():
            break
        ended += _in_own_transaction(work, finding)
    return ended + _withdraw_gates(work, stop, by)


def _look(ctx: Context, by: str) -> list[LostRelease]:
    """What is lost, and was so at the look before; what is new is kept for the next look."""
    lease = leases.take(ctx, LEASE_NAME, _LEASE, by=by)
    if lease is None:
        return []
    before = lease.notes
    seen = {finding.key: finding for finding in _lost_releases(ctx)}
    lease.notes = {key: finding.loss.witness for key, finding in seen.items()}
    return [finding for key, finding in seen.items() if before.get(key) == finding.loss.witness]


def _lost_releases(ctx: Context) -> list[LostRelease]:
    beats, now = ctx.airflow.serving.beats(), ctx.clock()
    patience = timedelta(seconds=ctx.settings.pipeline_patience)
    lost: list[LostRelease] = []
    batch = release_queries.worked_on(ctx.session, after=0, limit=_BATCH)
    while batch:
        runs = ctx.airflow.serving.pipeline_runs(_runs(batch))
        for release in batch:
            nothing = PipelineRun(release.pipeline_dag_id, release.pipeline_run_id or "")
            run = runs.get((release.pipeline_dag_id, release.pipeline_run_id or ""), nothing)
            if (loss := find_loss(run, beats, now=now, patience=patience)) is not None:
                lost.append(LostRelease(release, loss))
        batch = release_queries.worked_on(ctx.session, after=batch[-1].id, limit=_BATCH)
    return _without_held(ctx, lost)


def _runs(batch: Sequence[WorkedOn]) -> list[tuple[str, str]]:
    return [(row.pipeline_dag_id, row.pipeline_run_id) for row in batch if row.pipeline_run_id]


def _without_held(ctx: Context, lost: list[LostRelease]) -> list[LostRelease]:
    """Leave out what its time, a freeze or a hold holds back anyway, where the run may yet mend."""
    waiting = {
        finding.release.id
        for finding in lost
        if finding.loss.cause.may_mend and finding.release.state is ReleaseState.APPROVED
    }
    on_hold = schedule.waiting(ctx, waiting)
    return [finding for finding in lost if finding.release.id not in on_hold]


def _in_own_transaction(work: Work, finding: LostRelease) -> bool:
    """One release that cannot be ended must not keep the others from it."""
    try:
        return in_transaction(work, lambda ctx: _end(ctx, finding))
    except ReleaseError as error:
        log.warning("Release %s stays as it is: %s", finding.release.id, error.message)
        return False


def _end(ctx: Context, finding: LostRelease) -> None:
    """Make a release errored, if it still stands as it was seen. Its approval stays what it is."""
    seen = finding.release
    release = releases.get_locked(ctx, actor=SYSTEM, release_id=seen.id)
    now = (release.state, release.attempt, release.pipeline_run_id)
    if now != (seen.state, seen.attempt, seen.pipeline_run_id):
        return
    reason = Message("%(loss)s Then retry the release.", loss=finding.loss.text)
    lifecycle.move(ctx, release, ReleaseState.ERRORED, actor=SYSTEM, reason=reason)
    log.warning("%s is errored: %s", release.subject, reason)


def _withdraw_gates(work: Work, stop: Event | None, by: str) -> int:
    """Withdraw the gates at which no task waits any more, batch after batch, each in its own transaction."""
    batches: list[tuple[int, int]] = [(0, 0)]
    while not (stop is not None and stop.is_set()):
        _, after = batches[-1]
        step = partial(_next_batch, batches, after, by)
        if not in_transaction(work, step) or batches[-1] == (0, after):
            break
    return sum(count for count, _ in batches)


def _next_batch(batches: list[tuple[int, int]], after: int, by: str, ctx: Context) -> None:
    """Note how many gates of a batch were withdrawn, and its last id; the same id where none is left."""
    batch: list[Gate] = []
    if leases.take(ctx, LEASE_NAME, _LEASE, by=by) is not None:
        batch = approval_queries.open_gates(ctx.session, after=after, limit=_BATCH)
    batches.append((gates.withdraw_orphans(ctx, batch), batch[-1].id if batch else after))
