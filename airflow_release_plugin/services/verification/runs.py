"""The runs that a release asked for, and the soak that watches them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus, ReportKind, failed
from airflow_release_plugin.domain.release.runs import AT_WORK, DELETED, NOT_STARTED, WAITING, StartStatus
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import ConflictError, ReleaseError
from airflow_release_plugin.messages import Message, counted
from airflow_release_plugin.models import Release, ReleasedRun
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.repositories import reports as report_queries
from airflow_release_plugin.services.releases import releases, task_claims
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.verification import verification
from airflow_release_plugin.services.verification.verification import Verification


def start_runs(ctx: Context, *, actor: Actor, release_id: int) -> tuple[StartStatus, ...]:
    """
    Run the DAGs of a release that asked for it, unpausing them.

    What is started stays: a second call starts only what could not be started before. One DAG that cannot
    be started does not stand in the way of the others; the answer says why.

    :raises NotAllowedError: the actor is no executor, and has nothing to mend
    :raises ConflictError: the release is not released
    """
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    if not may_start(ctx, actor, release, start_status(ctx, release)):
        task_claims.require_task(
            ctx,
            release,
            TaskRole.RUN,
            actor=actor,
            deed=Message("start the runs of %(release)s now", release=release.subject),
        )
    if not release.run_after_release:
        return ()
    if release.state is not ReleaseState.RELEASED:
        raise ConflictError(
            "%(release)s is %(state)r; its Dags run once it is released.",
            release=release.subject,
            state=release.state.value,
        )
    rows = {row.dag_id: row for row in release_queries.runs(ctx.session, release.id)}
    for dag_id in _wanted(release):
        row = rows.get(dag_id)
        if row is None:
            row = ReleasedRun(release_id=release.id, dag_id=dag_id, run_id="")
            ctx.session.add(row)
        if not row.run_id:
            _start(ctx, release, row, actor=actor)
    return run_states(ctx, release)


def may_start(ctx: Context, actor: Actor, release: Release, runs: Iterable[StartStatus]) -> bool:
    """
    Whether the actor may start now what was not started: the requester and admins.

    :param runs: what :func:`start_status` says
    """
    return (
        release.state is ReleaseState.RELEASED
        and (actor.id == release.requested_by_id or access.is_admin(ctx, actor))
        and any(status.state == NOT_STARTED for status in runs)
    )


def _wanted(release: Release) -> Iterator[str]:
    for item in release.items:
        if item.change is not ChangeKind.DELETED:
            yield from item.dag_ids


def _start(ctx: Context, release: Release, row: ReleasedRun, *, actor: Actor) -> None:
    try:
        run = ctx.airflow.serving.trigger(
            row.dag_id,
            run_id=f"release__{release.number}__{release.attempt}",
            conf=None,
            actor=actor,
            unpause=True,
        )
    except ReleaseError as error:
        row.problem = error.message
    else:
        row.run_id, row.problem = run.run_id, ""
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_RUN_FAILED if row.problem else EventTag.RELEASE_RUN,
        subject=f"release:{release.id}",
        dag_id=row.dag_id,
        run_id=row.run_id,
        reason=row.problem,
    )


def run_states(ctx: Context, release: Release) -> tuple[StartStatus, ...]:
    """What became of the runs that were started, or could not be."""
    rows = release_queries.runs(ctx.session, release.id)
    asked = [(row.dag_id, row.run_id) for row in rows if row.run_id]
    known = {(run.dag_id, run.run_id): run for run in ctx.airflow.serving.runs(asked)}
    found = []
    for row in rows:
        run = known.get((row.dag_id, row.run_id))
        if run is not None:
            found.append(StartStatus(row.dag_id, row.run_id, run.state, run.ended))
        elif row.run_id:
            found.append(StartStatus(row.dag_id, row.run_id, DELETED, ended=True))
        else:
            found.append(StartStatus(row.dag_id, "", NOT_STARTED, ended=True, problem=row.problem))
    return tuple(found)


def start_status(
    ctx: Context, release: Release, pipeline_state: str | None = None
) -> tuple[StartStatus, ...]:
    """
    The same with those whose turn has not come, or never came, in the order of their ids.

    :param pipeline_state: of the run that works on the release, where it is known
    """
    found = run_states(ctx, release)
    if not release.run_after_release or release.state is not ReleaseState.RELEASED:
        return found
    tried = {status.dag_id for status in found}
    rest = [dag_id for dag_id in _wanted(release) if dag_id not in tried]
    if rest:
        state = pipeline_state or releases.pipeline_state(ctx, release)
        found += tuple(_not_tried(dag_id, release, state) for dag_id in rest)
    return tuple(sorted(found, key=lambda status: status.dag_id))


def _not_tried(dag_id: str, release: Release, pipeline_state: str) -> StartStatus:
    if pipeline_state in AT_WORK:
        return StartStatus(dag_id, "", WAITING)
    problem = Message(
        "The run of the pipeline %(pipeline)r is %(state)s; it did not start it.",
        pipeline=release.pipeline_dag_id,
        state=pipeline_state,
    )
    return StartStatus(dag_id, "", NOT_STARTED, ended=True, problem=problem)


def soak(ctx: Context, *, actor: Actor, release_id: int) -> Verification:
    """
    Look at the first runs; one that failed, or has not succeeded in time, makes the release go back.

    A release without a soak passes at once. The verdict is stored as a report, once.

    :raises ConflictError: the release is not released, or its runs were not started
    """
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    task_claims.require_task(
        ctx, release, TaskRole.SOAK, actor=actor, deed=Message("watch the runs of releases")
    )
    if not release.soak_minutes:
        return Verification(CheckStatus.PASSED, [])
    stored = verification.stored_verdict(ctx, release, ReportKind.SOAK)
    if stored is not None:
        return verification.concluded(ctx, release, stored, Message("Soak"))
    if release.state is not ReleaseState.RELEASED:
        raise ConflictError(
            "%(release)s is %(state)r; there are no runs to watch.",
            release=release.subject,
            state=release.state.value,
        )
    runs = run_states(ctx, release)
    if not runs and any(not item.submission.is_removal for item in release.items):
        raise ConflictError(
            "The runs of %(release)s were not started yet; start them first.", release=release.subject
        )
    is_late = ctx.clock() >= _soak_end(ctx, release)
    items = [_item(release, run, is_late=is_late) for run in runs]
    pending = [item.detail for item in items if item.is_pending]
    if pending and not failed(items):
        return Verification(CheckStatus.PENDING, pending)
    answered = [item for item in items if not item.is_pending]
    verdict = verification.store_verdict(ctx, release, ReportKind.SOAK, answered, actor=actor)
    return verification.concluded(ctx, release, verdict, Message("Soak"))


def _soak_end(ctx: Context, release: Release) -> datetime:
    """The minutes count from the verification, after which the runs are started."""
    begun = release.released_at or ctx.clock()
    for report in report_queries.of_release(ctx.session, release.id):
        if report.kind is ReportKind.VERIFICATION and report.attempt == release.attempt:
            begun = max(begun, report.reported_at)
    return begun + timedelta(minutes=release.soak_minutes)


def _unfinished(release: Release, run: StartStatus, *, is_late: bool) -> str:
    if run.ended or not is_late:
        return Message("its first run is %(state)r", state=run.state)
    return counted(
        "its first run is %(state)r after %(num)s minute",
        "its first run is %(state)r after %(num)s minutes",
        release.soak_minutes,
        state=run.state,
    )


def _item(release: Release, run: StartStatus, *, is_late: bool) -> CheckItem:
    problem, status = "", CheckStatus.PASSED
    if run.state != "success":
        is_over = run.ended or is_late
        status = CheckStatus.FAILED if is_over else CheckStatus.PENDING
        told = run.problem or _unfinished(release, run, is_late=is_late)
        problem = Message("%(dag_id)s: %(problem)s", dag_id=run.dag_id, problem=told)
    return CheckItem(Message("First run: %(dag_id)s", dag_id=run.dag_id), status, detail=problem)
