"""Keeping what insights count: arrivals of changes, how they fared, labels of units, waits for people."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from airflow_release_plugin.models import DeployedVersion, Deployment, UnitLabel, Wait


def add(session: Session, deployment: Deployment, versions: Iterable[DeployedVersion]) -> None:
    """Keep an arrival with its versions."""
    session.add(deployment)
    session.flush()  # versions refer to it, and no relationship would tell the session so
    session.add_all(versions)


def remove(session: Session, release_id: int) -> None:
    """Take an arrival back: it was no change."""
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


def add_wait(session: Session, wait: Wait) -> None:
    """Keep how long somebody was waited for."""
    session.add(wait)
