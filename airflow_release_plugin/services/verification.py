"""After a promotion: what Airflow serves, and the runs that were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from airflow_release_plugin.domain.checks import CheckStatus, ReportKind
from airflow_release_plugin.domain.digest import ChangeKind
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import RunFacts, ServedState
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.models import Release, ReleasedRun, ReleaseItem, Report
from airflow_release_plugin.models.base import stamp
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.services import access, audit, releases
from airflow_release_plugin.services.context import Context

SETTLED = timedelta(seconds=30)
"""An import error that is stored by then is of the new commit; before, it may be of the one that it mends."""


@dataclass(frozen=True)
class Verification:
    """``pending`` until Airflow has parsed the new commit, then ``passed`` or ``failed`` with problems."""

    status: str
    problems: list[str]


def verify(ctx: Context, *, actor: Actor, release_id: int) -> Verification:
    """
    Compare what Airflow serves with what was released. The final verdict is stored as a report, once.

    :raises ConflictError: the release is not released
    """
    access.require_executor(ctx, actor, "verify releases")
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    stored = _stored(ctx, release)
    if stored is not None:
        return stored
    if release.state is not ReleaseState.RELEASED or release.released_at is None:
        raise ConflictError(f"{release.subject} is {release.state.value!r}; there is nothing to verify yet.")
    served = ctx.airflow.serving.served(release.environment, [item.path for item in release.items])
    age = ctx.clock() - release.released_at
    is_late = age > timedelta(seconds=ctx.settings.verify_timeout)
    lines = [
        _line(release, item, served.get(item.path), is_late=is_late, is_settled=age >= SETTLED)
        for item in release.items
    ]
    if any(line["status"] == "pending" for line in lines):
        return Verification("pending", [line["detail"] for line in lines if line["status"] == "pending"])
    return _conclude(ctx, release, lines, actor=actor)


def _stored(ctx: Context, release: Release) -> Verification | None:
    for report in release_queries.reports(ctx.session, release.id):
        if report.kind is ReportKind.VERIFICATION and report.attempt == release.attempt:
            problems = [item["detail"] for item in report.items if item["status"] == CheckStatus.FAILED.value]
            return Verification("passed" if report.passed else "failed", problems)
    return None


def _line(
    release: Release, item: ReleaseItem, state: ServedState | None, *, is_late: bool, is_settled: bool
) -> dict[str, str]:
    """One item: passed, failed, or pending while Airflow may still be parsing."""
    dags = state.dags if state else ()
    if item.change is ChangeKind.DELETED:
        problem = f"{item.path}: still served: {', '.join(d.dag_id for d in dags)}" if dags else ""
    else:
        current = {dag.dag_id for dag in dags if dag.bundle_version == release.target_commit}
        missing = sorted(set(item.dag_ids) - current)
        problem = f"{item.path}: not served at the new version yet: {', '.join(missing)}" if missing else ""
        if state is not None and state.import_errors and missing:
            problem = f"{item.path}: does not import: {state.import_errors[0].strip().splitlines()[-1]}"
            is_late = is_late or is_settled
    status = CheckStatus.PASSED.value if not problem else CheckStatus.FAILED.value if is_late else "pending"
    return {"name": f"Served: {item.path}", "path": item.path, "status": status, "detail": problem}


def _conclude(ctx: Context, release: Release, lines: list[dict[str, str]], *, actor: Actor) -> Verification:
    problems = [line["detail"] for line in lines if line["status"] == CheckStatus.FAILED.value]
    ctx.session.add(
        Report(
            release_id=release.id,
            kind=ReportKind.VERIFICATION,
            attempt=release.attempt,
            passed=not problems,
            base_commit=release.target_commit,
            items=lines,
            reported_at=ctx.clock(),
            **stamp(actor, "reported"),
        )
    )
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_VERIFIED,
        subject=f"release:{release.id}",
        passed=not problems,
        problems=problems,
    )
    return Verification("failed" if problems else "passed", problems)


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
