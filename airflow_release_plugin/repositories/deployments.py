"""Keeping what insights count: arrivals of changes, how they fared, labels of units, waits for people."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import delete, func, update
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
    """Say that a change failed at a moment; the first time counts."""
    session.execute(
        update(Deployment)
        .where(Deployment.release_id == release_id, Deployment.failed_at.is_(None))
        .values(failed_at=moment)
    )


def restore(session: Session, release_ids: Collection[int], *, failed_at: datetime, moment: datetime) -> None:
    """Say that a rollback put changes right at ``moment``; those not known to have failed did so before."""
    session.execute(
        update(Deployment)
        .where(Deployment.release_id.in_(list(release_ids)), Deployment.restored_at.is_(None))
        .values(failed_at=func.coalesce(Deployment.failed_at, failed_at), restored_at=moment)
    )


def add_wait(session: Session, wait: Wait) -> None:
    """Keep how long somebody was waited for."""
    session.add(wait)
