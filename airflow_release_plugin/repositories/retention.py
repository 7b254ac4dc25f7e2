"""
What of each table may go: conditions on its own rows, and one way to count and to remove by them.

A condition is in the statement that removes as well: what somebody used meanwhile is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Text,
    and_,
    delete,
    exists,
    func,
    inspect,
    or_,
    select,
    tuple_,
)
from sqlalchemy import cast as cast_to
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


_LONGEST_WATCH = timedelta(days=8)
"""A soak takes a week at most, and begins a while after the release."""


def _is_settled(release_id: Any, before: datetime, *also: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a release has not been open since, and no task of its run watches its first runs any more."""
    return exists().where(
        Release.id == release_id,
        Release.state.not_in(OPEN_RELEASE_STATES),
        Release.state_since < before,
        or_(Release.soak_minutes == 0, Release.state_since < before - _LONGEST_WATCH),
        *also,
    )


class Amount(NamedTuple):
    """
    How many rows, and about how many bytes they have, without what the database adds to each.

    :param last: key of the last one; what follows has a higher one
    """

    rows: int = 0
    size: int = 0
    last: tuple[Any, ...] = ()


def amount(session: Session, model: type[Base], may_go: ColumnElement[bool]) -> Amount:
    """How much may go."""
    row = session.execute(select(func.count(), func.sum(_size(model))).where(may_go)).one()
    return Amount(row[0], int(row[1] or 0))


def remove(
    session: Session, model: type[Base], may_go: ColumnElement[bool], limit: int, after: tuple[Any, ...]
) -> Amount:
    """
    Remove up to ``limit`` rows that may go, in the order of their keys; say how much there was.

    So a round reads a table once, by its key. PostgreSQL would go through what it removed each time anew.

    :param after: the key that :class:`Amount` had last; nothing for the first ones
    """
    keys = inspect(model).primary_key
    query = select(*keys, _size(model)).where(may_go).order_by(*keys).limit(limit)
    if after:
        query = query.where(tuple_(*keys) > tuple_(*after))
    rows = session.execute(query).all()
    if not rows:
        return Amount()
    found = [tuple(row[:-1]) for row in rows]
    statement = delete(model).where(may_go, tuple_(*keys).in_(found))
    result = session.execute(statement, execution_options={"synchronize_session": False})
    gone = cast("CursorResult[Any]", result).rowcount
    return Amount(gone, sum(row[-1] for row in rows), found[-1])


def _size(model: type[Base]) -> ColumnElement[int]:
    """About how many bytes a row has: the length of its columns as text."""
    columns = inspect(model).columns
    return reduce(add, (func.coalesce(func.length(cast_to(column, Text)), 0) for column in columns))
