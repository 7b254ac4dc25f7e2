"""The runs that a release asked for, and the soak that watches them."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_release_plugin.domain.checks import CheckStatus, ReportKind
from airflow_release_plugin.domain.digest import ChangeKind
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import RunFacts
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.models import Release, ReleasedRun
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.services import access, audit, releases, verification
from airflow_release_plugin.services.context import Context
from airflow_release_plugin.services.verification import Verification


def start_runs(ctx: Context, *, actor: Actor, release_id: int) -> tuple[RunFacts, ...]:
    """
    Run the DAGs of a release that asked for it, unpausing them; a second call answers the same runs.

    :raises ConflictError: the release is not released
    """
    access.require_executor(ctx, actor, "start the runs of releases")
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    if not release.run_after_release:
        return ()
    if release.state is not ReleaseState.RELEASED:
        raise ConflictError(
            f"{release.subject} is {release.state.value!r}; its Dags run once it is released."
        )
    started = {run.dag_id for run in release_queries.runs(ctx.session, release.id)}
    for item in release.items:
        if item.change is ChangeKind.DELETED:
            continue
        for dag_id in item.dag_ids:
            if dag_id not in started:
                _run(ctx, release, dag_id, actor=actor)
    return run_states(ctx, release)


def _run(ctx: Context, release: Release, dag_id: str, *, actor: Actor) -> None:
    run = ctx.airflow.serving.trigger(
        dag_id, run_id=f"release__{release.number}__{release.attempt}", conf=None, actor=actor, unpause=True
    )
    ctx.session.add(ReleasedRun(release_id=release.id, dag_id=dag_id, run_id=run.run_id))
    # The answer below reads the runs back.
    ctx.session.flush()
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_RUN,
        subject=f"release:{release.id}",
        dag_id=dag_id,
        run_id=run.run_id,
    )


def run_states(ctx: Context, release: Release) -> tuple[RunFacts, ...]:
    """Start status of the runs of a release; one that is gone is ``missing``."""
    asked = [(run.dag_id, run.run_id) for run in release_queries.runs(ctx.session, release.id)]
    known = {(run.dag_id, run.run_id): run for run in ctx.airflow.serving.runs(asked)}
    return tuple(
        known.get(key, RunFacts(dag_id=key[0], run_id=key[1], state="missing", ended=True)) for key in asked
    )


def soak(ctx: Context, *, actor: Actor, release_id: int) -> Verification:
    """
    Look at the first runs; one that failed, or has not succeeded in time, makes the release go back.

    A release without a soak passes at once. The verdict is stored as a report, once.

    :raises ConflictError: the release is not released, or its runs were not started
    """
    access.require_executor(ctx, actor, "watch the runs of releases")
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    if not release.soak_minutes:
        return Verification("passed", [])
    stored = verification.stored_verdict(ctx, release, ReportKind.SOAK)
    if stored is not None:
        return verification.concluded(ctx, release, stored, "Soak")
    if release.state is not ReleaseState.RELEASED:
        raise ConflictError(f"{release.subject} is {release.state.value!r}; there are no runs to watch.")
    runs = run_states(ctx, release)
    if not runs and any(not item.submission.is_removal for item in release.items):
        raise ConflictError(f"The runs of {release.subject} were not started yet; start them first.")
    is_late = ctx.clock() >= _soak_end(ctx, release)
    lines = [_line(release, run, is_late=is_late) for run in runs]
    failed = any(line["status"] == CheckStatus.FAILED.value for line in lines)
    waiting = [line["detail"] for line in lines if line["status"] == "pending"]
    if waiting and not failed:
        return Verification("pending", waiting)
    kept = [line for line in lines if line["status"] != "pending"]
    verdict = verification.store_verdict(ctx, release, ReportKind.SOAK, kept, actor=actor)
    return verification.concluded(ctx, release, verdict, "Soak")


def _soak_end(ctx: Context, release: Release) -> datetime:
    """The minutes count from the verification, after which the runs are started."""
    begun = release.released_at or ctx.clock()
    for report in release_queries.reports(ctx.session, release.id):
        if report.kind is ReportKind.VERIFICATION and report.attempt == release.attempt:
            begun = max(begun, report.reported_at)
    return begun + timedelta(minutes=release.soak_minutes)


def _line(release: Release, run: RunFacts, *, is_late: bool) -> dict[str, str]:
    problem, status = "", CheckStatus.PASSED.value
    if run.state != "success":
        is_over = run.ended or is_late
        status = CheckStatus.FAILED.value if is_over else "pending"
        late = f" after {release.soak_minutes} minutes" if is_late and not run.ended else ""
        problem = f"{run.dag_id}: its first run is {run.state!r}{late}"
    return {"name": f"First run: {run.dag_id}", "path": "", "status": status, "detail": problem}
