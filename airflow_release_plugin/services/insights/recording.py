"""
Noting what insights count, in the transaction of what happens.

Rows of deployments are touched after the first event of a transaction (docs/concepts/architecture.md, locks).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from airflow_release_plugin.domain.insights.histogram import class_of
from airflow_release_plugin.domain.insights.period import day_number, month_number
from airflow_release_plugin.domain.insights.question import LabelKind
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import DagSubject
from airflow_release_plugin.models import (
    Approval,
    Decision,
    DeployedVersion,
    Deployment,
    Release,
    ReleaseItem,
    UnitLabel,
    Wait,
)
from airflow_release_plugin.repositories import deployments
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import risk

_LONGEST_NAME = 250


def note_arrival(ctx: Context, release: Release, approval: Approval | None) -> None:
    """Note that a release reached its target. A rollback is no change: it puts one right."""
    if release.kind is ReleaseKind.ROLLBACK:
        return
    now = ctx.clock()
    deployment = Deployment(
        release_id=release.id,
        flow=approval.requirement.flow if approval else "",
        glass_broken=bool(release.break_glass_reason),
        day=day_number(now),
    )
    versions = [
        DeployedVersion(
            release_id=release.id,
            unit_id=item.unit_id,
            deployed_at=now,
            day=deployment.day,
            month=month_number(now),
            lead_seconds=lead,
            lead_class=class_of(lead),
        )
        for item in release.items
        for lead in [_seconds(item.submission.submitted_at, now)]
    ]
    units = [item.unit_id for item in release.items]
    deployments.mend(ctx.session, release.id, units, now)
    deployments.add(ctx.session, deployment, versions)
    deployments.relabel(ctx.session, units, _labels(ctx, release))


def forget_arrival(ctx: Context, release: Release) -> None:
    """Take back what was noted of a release that changed nothing, as a baseline does."""
    deployments.remove(ctx.session, release.id)


def note_failure(ctx: Context, release: Release) -> None:
    """Note that a release was found to be bad in its target."""
    deployments.fail(ctx.session, release.id, ctx.clock())


def note_rollback(ctx: Context, rollback: Release, release_ids: Collection[int]) -> None:
    """Note that a rollback took all or a part of releases out; to ask for it was to say that they fail."""
    deployments.restore(ctx.session, release_ids, failed_at=rollback.requested_at, moment=ctx.clock())


def note_wait(
    ctx: Context, approval: Approval, decision: Decision, *, reached_at: datetime, completes: bool
) -> None:
    """
    Note how long a step of a release's approval had waited for a decision.

    :param reached_at: when the step was reached
    :param completes: whether the step waits for nobody else
    """
    if approval.subject_type != "release":
        return
    requirement = approval.requirement
    seconds = _seconds(reached_at, decision.decided_at)
    wait = Wait(
        approval_id=approval.id,
        release_id=approval.subject_id,
        step=decision.step,
        step_name=requirement.steps[decision.step].name,
        flow=requirement.flow,
        person_id=decision.actor_id,
        person_name=decision.actor_name,
        completes=completes,
        seconds=seconds,
        duration_class=class_of(seconds),
        day=day_number(decision.decided_at),
    )
    deployments.add_wait(ctx.session, wait, month_number(decision.decided_at))


def _seconds(start: datetime, end: datetime) -> int:
    return max(0, int((end - start).total_seconds()))


def _labels(ctx: Context, release: Release) -> Iterator[UnitLabel]:
    subjects = {dag.dag_id: dag for dag in _subjects(ctx, release)}
    for item in release.items:
        for kind, name in sorted(_names(item, subjects), key=lambda label: (label[0].value, label[1])):
            yield UnitLabel(unit_id=item.unit_id, kind=kind, name=name)


def _subjects(ctx: Context, release: Release) -> tuple[DagSubject, ...]:
    """The DAGs of a release with their tags and owners: as its check saw them, else as Airflow has them."""
    if release.risk_json:
        return risk.recorded_facts(ctx, release).dags
    return risk.subjects(ctx, [item.submission for item in release.items])


def _names(item: ReleaseItem, subjects: dict[str, DagSubject]) -> set[tuple[LabelKind, str]]:
    found = set()
    for dag_id in item.dag_ids:
        dag = subjects.get(dag_id, DagSubject(dag_id))
        found.add((LabelKind.DAG, dag_id[:_LONGEST_NAME]))
        found.update((LabelKind.TAG, tag[:_LONGEST_NAME]) for tag in dag.tags)
        found.update((LabelKind.OWNER, owner[:_LONGEST_NAME]) for owner in dag.owners)
    return found
