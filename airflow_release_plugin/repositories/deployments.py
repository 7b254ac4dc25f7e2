"""Keeping what insights count: arrivals of changes, how they fared, labels of units, waits for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from airflow_release_plugin.domain.insights.durations import DurationKind
from airflow_release_plugin.domain.insights.histogram import with_one
from airflow_release_plugin.models import DeployedVersion, Deployment, DurationCount, UnitLabel, Wait


def add(session: Session, deployment: Deployment, versions: Collection[DeployedVersion]) -> None:
    """Keep an arrival with its versions."""
    session.add(deployment)
    session.flush()  # versions refer to it, and no relationship would tell the session so
    session.add_all(versions)
    _count_leads(session, deployment.flow, versions, by=1)


def remove(session: Session, release_id: int) -> None:
    """Take an arrival back: it was no change."""
    deployment = session.get(Deployment, release_id)
    if deployment is None:
        return
    versions = select(DeployedVersion).where(DeployedVersion.release_id == release_id)
    _count_leads(session, deployment.flow, list(session.scalars(versions)), by=-1)
    for table in (DeployedVersion, Deployment):
        session.execute(delete(table).where(table.release_id == release_id))


def relabel(session: Session, unit_ids: Collection[int], labels: Iterable[UnitLabel]) -> None:
    """Replace all labels of these units."""
    session.execute(delete(UnitLabel).where(UnitLabel.unit_id.in_(list(unit_ids))))
    session.add_all(labels)


def fail(session: Session, release_id: int, moment: datetime) -> None:
    """Say that a change failed at a moment, the first time counts; what it had put right is open again."""
    session.execute(
        update(Deployment)
        .where(Deployment.release_id == release_id, Deployment.failed_at.is_(None))
        .values(failed_at=moment)
    )
    _reopen(session, [release_id])


def _reopen(session: Session, release_ids: Collection[int]) -> None:
    session.execute(
        update(Deployment)
        .where(Deployment.mended_by_id.in_(list(release_ids)))
        .values(restored_at=None, mended_by_id=None)
    )


def mend(session: Session, release_id: int, unit_ids: Collection[int], moment: datetime) -> None:
    """Say that a release puts right what failed of its units; :func:`fail` takes it back."""
    same = select(DeployedVersion.release_id).where(DeployedVersion.unit_id.in_(list(unit_ids)))
    session.execute(
        update(Deployment)
        .where(
            Deployment.failed_at.is_not(None),
            Deployment.restored_at.is_(None),
            Deployment.release_id.in_(same),
        )
        .values(restored_at=moment, mended_by_id=release_id)
    )


def restore(session: Session, release_ids: Collection[int], *, failed_at: datetime, moment: datetime) -> None:
    """Say that a rollback put changes right at ``moment``; those not known to have failed did so before."""
    session.execute(
        update(Deployment)
        .where(Deployment.release_id.in_(list(release_ids)), Deployment.restored_at.is_(None))
        .values(failed_at=func.coalesce(Deployment.failed_at, failed_at), restored_at=moment)
    )
    _reopen(session, release_ids)


def add_wait(session: Session, wait: Wait, month: int) -> None:
    """Keep how long somebody was waited for, in a UTC month."""
    session.add(wait)
    person = _CountKey(DurationKind.PERSON, month, wait.flow, wait.person_id)
    _count(session, person, [wait.duration_class], by=1, person_name=wait.person_name)
    if wait.completes:
        _count(
            session,
            _CountKey(DurationKind.STEP, month, wait.flow, wait.step_name),
            [wait.duration_class],
            by=1,
        )


class _CountKey(NamedTuple):
    """What one row of :class:`DurationCount` is about."""

    kind: DurationKind
    month: int
    flow: str
    name: str = ""


def _count_leads(session: Session, flow: str, versions: Iterable[DeployedVersion], *, by: int) -> None:
    months: dict[int, list[int]] = defaultdict(list)
    for version in versions:
        months[version.month].append(version.lead_class)
    for month, classes in months.items():
        _count(session, _CountKey(DurationKind.LEAD, month, flow), classes, by=by)


def _count(
    session: Session, key: _CountKey, classes: Iterable[int], *, by: int, person_name: str = ""
) -> None:
    # Read and written back: the trail is locked, so nobody else is between the two.
    query = select(DurationCount).filter_by(**key._asdict()).execution_options(populate_existing=True)
    row = session.scalars(query).one_or_none()
    if row is None:
        row = DurationCount(**key._asdict(), person_name=person_name, counts=b"")
        session.add(row)
    for number in classes:
        row.counts = with_one(row.counts, number, by)
    row.person_name = person_name
    # Another decision of this transaction reads it from the database again.
    session.flush()
