"""
What of each table may go: conditions on its own rows, and one way to count and to remove by them.

A condition is in the statement that removes as well: what somebody used meanwhile is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, delete, exists, func, inspect, select, tuple_
from sqlalchemy.orm import aliased

from airflow_release_plugin.domain.states import (
    OPEN_RELEASE_STATES,
    ExportState,
    ImportState,
    NotificationState,
)
from airflow_release_plugin.models import (
    Export,
    Import,
    MachineLook,
    Notice,
    Notification,
    Release,
    Report,
    Submission,
    TaskClaim,
    ViewedFile,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from airflow_release_plugin.models.base import Base

MayGo = Callable[[datetime], ColumnElement[bool]]
"""What may go of a table, of what came to be before a moment."""


def sent_notifications(before: datetime) -> ColumnElement[bool]:
    """What the outbox is done with."""
    done = Notification.state.in_([NotificationState.SENT, NotificationState.FAILED])
    return and_(done, Notification.made_at < before)


def told_notices(before: datetime) -> ColumnElement[bool]:
    """What people were told, unless it still waits for their digest."""
    return and_(~Notice.in_next_digest, Notice.made_at < before)


def ended_exports(before: datetime) -> ColumnElement[bool]:
    """Exports whose file is gone, and that no other one builds on."""
    later = aliased(Export)
    return and_(
        Export.state.in_([ExportState.EXPIRED, ExportState.FAILED]),
        Export.requested_at < before,
        ~exists().where(later.base_bundle_id == Export.bundle_id),
    )


def fruitless_imports(before: datetime) -> ColumnElement[bool]:
    """Imports that brought nothing, and whose bundle nobody began to apply."""
    return and_(
        Import.state.in_([ImportState.FAILED, ImportState.DISCARDED]),
        Import.uploaded_at < before,
        Import.applied_bundle_id.is_(None),
        ~exists().where(Submission.import_id == Import.id),
    )


def earlier_reports(before: datetime) -> ColumnElement[bool]:
    """Reports of attempts that a later one replaced, of releases that nobody works on."""
    return and_(
        Report.reported_at < before, _is_settled(Report.release_id, before, Release.attempt > Report.attempt)
    )


def viewed_files(before: datetime) -> ColumnElement[bool]:
    """What reviewers had ticked off in releases that nobody works on."""
    return _is_settled(ViewedFile.release_id, before)


def task_claims(before: datetime) -> ColumnElement[bool]:
    """Which tasks spoke for releases that nobody works on."""
    return and_(TaskClaim.claimed_at < before, _is_settled(TaskClaim.release_id, before))


def quiet_machines(before: datetime) -> ColumnElement[bool]:
    """Machines that have looked no more since, and had found nothing."""
    return and_(MachineLook.looked_at < before, MachineLook.total == 0)


def _is_settled(release_id: Any, before: datetime, *also: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a release has not been open since."""
    return exists().where(
        Release.id == release_id,
        Release.state.not_in(OPEN_RELEASE_STATES),
        Release.state_since < before,
        *also,
    )


def count(session: Session, model: type[Base], may_go: ColumnElement[bool]) -> int:
    """How many rows may go."""
    return session.scalar(select(func.count()).select_from(model).where(may_go)) or 0


def remove(session: Session, model: type[Base], may_go: ColumnElement[bool], limit: int) -> int:
    """Remove up to ``limit`` rows that may go; return how many there were."""
    keys = inspect(model).primary_key
    some = select(*keys).where(may_go).limit(limit).correlate(None)
    statement = delete(model).where(may_go, tuple_(*keys).in_(some))
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount
