"""Queries on what tasks reported about releases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_release_plugin.domain.release.checks import ReportKind
from airflow_release_plugin.models import Report

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def of_release(session: Session, release_id: int) -> list[Report]:
    """Reports of a release, oldest first."""
    return list(session.scalars(select(Report).where(Report.release_id == release_id).order_by(Report.id)))


def passed_checks(session: Session, ids: Iterable[int]) -> list[Report]:
    """Passed check reports of these releases, oldest first."""
    query = (
        select(Report)
        .where(Report.release_id.in_(list(ids)), Report.kind == ReportKind.CHECK, Report.passed.is_(True))
        .order_by(Report.id)
    )
    return list(session.scalars(query))


def last_check(session: Session, release_id: int, attempt: int) -> Report | None:
    """The newest check of an attempt."""
    query = (
        select(Report)
        .where(Report.release_id == release_id, Report.attempt == attempt, Report.kind == ReportKind.CHECK)
        .order_by(Report.id.desc())
        .limit(1)
    )
    return session.scalars(query).one_or_none()
