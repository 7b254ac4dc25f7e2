"""After a promotion: what Airflow serves. What is not as approved is taken out of the target again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.metrics import VERIFICATION_DURATION
from airflow_release_plugin.domain.ports import ServedState
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus, ReportKind, failed
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.domain.text.phrasing import as_sentence, reason_of
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release, Report
from airflow_release_plugin.models.base import stamp
from airflow_release_plugin.repositories import reports as report_queries
from airflow_release_plugin.services.insights import recording
from airflow_release_plugin.services.promotion import history
from airflow_release_plugin.services.releases import progress, releases, task_claims
from airflow_release_plugin.services.rollbacks import automatic
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import target_index
from airflow_release_plugin.services.versions.parsed_units import checked_units

SETTLED = timedelta(seconds=30)
"""An import error that is stored by then is of the new commit; before, it may be of the one that it mends."""


@dataclass(frozen=True)
class Verification:
    """
    ``pending`` until there is an answer, then ``passed`` or ``failed`` with problems.

    :param outcome: what became of a release that failed, for people
    """

    status: CheckStatus
    problems: list[str]
    outcome: str = ""


def verify(ctx: Context, *, actor: Actor, release_id: int) -> Verification:
    """
    Compare what Airflow serves with what was released. The final verdict is stored as a report, once.

    A release that fails is rolled back before this answers; calling again after a crash finishes that.

    :raises ConflictError: the release is not released
    """
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    task_claims.require_task(ctx, release, TaskRole.VERIFY, actor=actor, deed=Message("verify releases"))
    stored = stored_verdict(ctx, release, ReportKind.VERIFICATION)
    if stored is not None:
        return concluded(ctx, release, stored)
    if release.state is not ReleaseState.RELEASED or release.released_at is None:
        raise ConflictError(
            "%(release)s is %(state)r; there is nothing to verify yet.",
            release=release.subject,
            state=release.state.value,
        )
    items = _items(ctx, release)
    pending = [item.detail for item in items if item.is_pending]
    if pending:
        served = (item.path for item in items if item.status is CheckStatus.PASSED)
        progress.note_served(release, served, now=ctx.clock())
        return Verification(CheckStatus.PENDING, pending)
    release.progress_json = None
    verdict = store_verdict(ctx, release, ReportKind.VERIFICATION, items, actor=actor)
    return concluded(ctx, release, verdict)


def stored_verdict(ctx: Context, release: Release, kind: ReportKind) -> Verification | None:
    """The verdict of this attempt, if there is one."""
    for report in report_queries.of_release(ctx.session, release.id):
        if report.kind is kind and report.attempt == release.attempt:
            return _verdict(report)
    return None


def store_verdict(
    ctx: Context, release: Release, kind: ReportKind, items: Iterable[CheckItem], *, actor: Actor
) -> Verification:
    """Keep what was found, and say it in the trail."""
    report = Report(
        release_id=release.id,
        kind=kind,
        attempt=release.attempt,
        base_commit=release.target_commit,
        items=tuple(items),
        reported_at=ctx.clock(),
        **stamp(actor, "reported"),
    )
    report.passed = not failed(report.items)
    ctx.session.add(report)
    verdict = _verdict(report)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_VERIFIED,
        subject=f"release:{release.id}",
        kind=kind.value,
        passed=report.passed,
        problems=verdict.problems,
    )
    if release.released_at is not None:
        seconds = (report.reported_at - release.released_at).total_seconds()
        result = "passed" if report.passed else "failed"
        ctx.airflow.metrics.send(VERIFICATION_DURATION, seconds, kind=kind.value, result=result)
    if not report.passed:
        recording.note_failure(ctx, release)
    return verdict


def _verdict(report: Report) -> Verification:
    status = CheckStatus.PASSED if report.passed else CheckStatus.FAILED
    return Verification(status, [item.detail for item in failed(report.items)])


def concluded(
    ctx: Context, release: Release, verdict: Verification, what: str = Message("Verification")
) -> Verification:
    """Act on a verdict: what failed and is still released is rolled back now."""
    if verdict.status is not CheckStatus.FAILED:
        return verdict
    if release.state is ReleaseState.RELEASED:
        reason = Message(
            "%(what)s of %(release)s failed: %(problems)s",
            what=what,
            release=release.number,
            problems=_in_short(verdict.problems),
        )
        release = automatic.undo(ctx, release.id, reason)
    return Verification(verdict.status, verdict.problems, release.state_reason)


def _in_short(problems: Sequence[str]) -> str:
    first = problems[0]
    if len(problems) == 1:
        return as_sentence(first)
    return Message("%(problem)s (and %(left)s more).", problem=first, left=len(problems) - 1)


@dataclass(frozen=True)
class _Expected:
    """
    A DAG file and the ids that it has to serve; none if it has to be gone.

    :param is_named: whether the release names it; the others it has changed, or might have
    """

    path: str
    dag_ids: frozenset[str]
    is_named: bool = True

    def sentence(self, problem: str) -> str:
        """What is said of it."""
        if self.is_named:
            return Message("%(path)s: %(problem)s", path=self.path, problem=problem)
        return Message("%(path)s, not in this release: %(problem)s", path=self.path, problem=problem)


def _items(ctx: Context, release: Release) -> list[CheckItem]:
    later = history.history_point(ctx, release.target_commit)
    expected = _expected(ctx, release, {each.id for each in later.landed})
    served = ctx.airflow.serving.served(release.environment, [file.path for file in expected])
    # What came after it contains it: a dag processor may go straight to that.
    versions = {release.target_commit, *later.commits}
    age = ctx.clock() - (release.released_at or ctx.clock())
    # A dag processor that serves one after another is at work, however long a large release takes it.
    quiet = ctx.clock() - (progress.last_served(release) or ctx.clock())
    is_late = quiet > timedelta(seconds=ctx.settings.verify_timeout)
    return [
        _item(file, served.get(file.path), versions, is_late=is_late, is_settled=age >= SETTLED)
        for file in expected
    ]


def _expected(ctx: Context, release: Release, later: Collection[int]) -> list[_Expected]:
    """
    The files of the release that nothing has replaced since, and those that it changes without naming them.

    These are the files that its check ran for that reason, and whoever shares a changed file by now.

    :param later: ids of the releases that came after it
    """
    own = {item.submission.unit_id: item.submission for item in release.items}
    checked = {path: unit.dag_ids for path, unit in checked_units(ctx, release).items()}
    removed = {row.path for row in own.values() if row.is_removal}
    others = target_index.depending_on(ctx, {change.path for change in release.changes} | removed)
    seen_too = target_index.depending_on(ctx, checked.keys() - {row.path for row in own.values()})
    live = {row.unit_id: row for row in (*others, *(row for row in seen_too if row.path in checked))}
    held = {row.path for row in live.values()}
    found = [
        _Expected(row.path, frozenset() if row.is_removal else frozenset(row.dag_ids))
        for row in own.values()
        if (row.path not in held if row.is_removal else row.state is SubmissionState.RELEASED)
    ]
    for unit, row in sorted(live.items()):
        if unit not in own:
            # With the release it may make other DAGs than when it was released itself: the check saw them.
            seen = checked.get(row.path) if row.release_id not in later else None
            found.append(_Expected(row.path, frozenset(seen or row.dag_ids), is_named=False))
    return found


def _item(
    file: _Expected,
    state: ServedState | None,
    versions: Iterable[str | None],
    *,
    is_late: bool,
    is_settled: bool,
) -> CheckItem:
    """One file: passed, failed, or pending while Airflow may still be parsing."""
    state = state or ServedState(file.path)
    current = {dag.dag_id for dag in state.dags if dag.bundle_version in versions}
    missing, extra = sorted(file.dag_ids - current), sorted(current - file.dag_ids)
    problem = ""
    if not file.dag_ids:
        served = [dag.dag_id for dag in state.dags]
        problem = Message("still served: %(served)s", served=served) if served else ""
    elif state.import_errors:
        problem = Message("does not import: %(error)s", error=reason_of(state.import_errors[0]))
        # Together with the DAGs of the new version, the error is of that version too.
        is_late = is_late or is_settled or not missing
    elif missing:
        problem = _missing(missing, state, is_late=is_late)
    elif extra:
        problem = Message("serves Dags that nobody announced: %(extra)s", extra=list(extra))
        is_late = True
    name = "served" if file.dag_ids else "gone"
    status = CheckStatus.PASSED
    if problem:
        status = CheckStatus.FAILED if is_late else CheckStatus.PENDING
        problem = file.sentence(problem)
    return CheckItem(name, status, file.path, problem)


def _missing(missing: Sequence[str], state: ServedState, *, is_late: bool) -> str:
    """DAGs that are not served as they should be: not yet, or not at all where there was time enough."""
    gone = sorted(set(missing) - {dag.dag_id for dag in state.dags})
    if is_late and gone:
        return Message("not served at all: %(gone)s", gone=list(gone))
    return Message("not served at the new version yet: %(missing)s", missing=list(missing))
