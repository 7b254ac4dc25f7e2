"""
Sends what is in the outbox, after the transaction that put it there, beside the work of an API server.

Several servers do this at once. A notification is claimed by its row version before it is sent, so that two
servers never send the same; one whose server died while it sent is tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from threading import Event
from typing import Any

from airflow_release_plugin.airflow_internals.notifiers import DeliveryProblem, deliver
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.domain.states import GateState, NotificationState
from airflow_release_plugin.messages import Message, shortened
from airflow_release_plugin.models import Approval, Notification
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import notifications as queries
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.services.approvals import gates, notifications
from airflow_release_plugin.services.notices import digests
from airflow_release_plugin.services.releases import expiry
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.background import Work, in_transaction, retry_transaction
from airflow_release_plugin.services.runtime.claims import claim_each
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

log = logging.getLogger(__name__)

Deliver = Callable[..., DeliveryProblem | None]

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
"""Between attempts; after the last one the notification has failed."""
MAX_ATTEMPTS = len(PAUSES) + 1
_LONGEST_ERROR = 500


def run_once(*, work: Work = unit_of_work, send: Deliver = deliver, stop: Event | None = None) -> int:
    """
    Write down what expired, remind, gather digests, and send what is due; return how many were sent.

    :param work: opens a transaction; each step has its own
    :param stop: ends it after the notification under way
    """
    settle_expired(work)
    in_transaction(work, remind)
    in_transaction(work, digests.gather)
    return sum(_send(claim, work=work, send=send) for claim in claim_each(work, _claim_next, stop))


def settle_expired(work: Work = unit_of_work) -> None:
    """Write down expiry that nobody has come across yet, so that people are told of it."""
    with work() as (ctx, _):
        release_ids = queries.expired_release_ids(ctx.session, ctx.clock())
        gate_ids = queries.expired_gate_ids(ctx.session, ctx.clock())
    for release_id in release_ids:
        in_transaction(work, lambda ctx, release_id=release_id: _settle_release(ctx, release_id))  # type: ignore[misc]
    for gate_id in gate_ids:
        in_transaction(work, lambda ctx, gate_id=gate_id: gates.settle(ctx, gate_id))  # type: ignore[misc]


def _settle_release(ctx: Context, release_id: int) -> None:
    release = release_queries.release(ctx.session, release_id, lock=True)
    if release is not None:
        expiry.expire_if_due(ctx, release)


def remind(ctx: Context) -> None:
    """Remind of requests whose window is mostly over; once for each, however often this is called."""
    for approval in approval_queries.to_remind_of(ctx.session, ctx.clock()):
        approval.remind_at = None
        if _is_waiting(ctx, approval):
            notifications.reminded(ctx, approval)


def _is_waiting(ctx: Context, approval: Approval) -> bool:
    """Whether what the approval is about still waits; a gate whose task is gone does not."""
    if approval.subject_type != "gate":
        return True
    gate = approval_queries.gate(ctx.session, approval.subject_id, lock=True)
    if gate is None:
        return False
    gates.withdraw_orphans(ctx, [gate])
    return gate.state is GateState.OPEN


@dataclass(frozen=True)
class ClaimedNotification:
    """A notification that this server alone may send now."""

    id: int
    attempt: int
    notifier: Mapping[str, Any]
    notice: Mapping[str, Any]
    timeout: float


def _claim_next(ctx: Context) -> ClaimedNotification | None:
    """Take the next one that is due."""
    row = queries.next_due(ctx.session, ctx.clock())
    if row is None:
        return None
    if row.attempts >= MAX_ATTEMPTS:
        # The server that made the last attempt died over it.
        give_up(ctx, row, DeliveryProblem("Interrupted", Message("The last attempt was interrupted.")))
        return None
    timeout = ctx.settings.notify_timeout
    pause = PAUSES[min(row.attempts, len(PAUSES) - 1)]
    row.attempts += 1
    row.next_attempt_at = ctx.clock() + max(pause, timedelta(seconds=2 * timeout))
    # The same id at each attempt: receivers can tell what they have had before.
    notice = {**row.notice, "id": row.id}
    return ClaimedNotification(row.id, row.attempts, row.notifier_json, notice, timeout)


def _send(claim: ClaimedNotification, *, work: Work, send: Deliver) -> bool:
    problem = send(claim.notifier, claim.notice, timeout=claim.timeout)
    # What is not written down would be sent again.
    retry_transaction(lambda ctx: _record(ctx, claim, problem), work)
    return problem is None


def _record(ctx: Context, claim: ClaimedNotification, problem: DeliveryProblem | None) -> None:
    row = queries.notification(ctx.session, claim.id)
    if row is None or row.attempts != claim.attempt:
        return
    if problem is None:
        row.error = ""
        row.move_to(NotificationState.SENT)
        return
    row.error = _in_words(problem)
    log.warning("%s was not sent with %s: %s", row.subject, claim.notifier["notifier"], problem.kind)
    if row.attempts >= MAX_ATTEMPTS:
        give_up(ctx, row, problem)


def _in_words(problem: DeliveryProblem) -> str:
    return shortened(
        Message("%(kind)s: %(detail)s", kind=problem.kind, detail=problem.detail), _LONGEST_ERROR
    )


def give_up(ctx: Context, row: Notification, problem: DeliveryProblem) -> None:
    """Try no more, and tell the trail the kind of error only: messages of notifiers may hold anything."""
    row.error = _in_words(problem)
    row.move_to(NotificationState.FAILED)
    audit.record(
        ctx,
        actor=SYSTEM,
        tag=EventTag.NOTIFICATION_FAILED,
        subject=row.about,
        notification=row.id,
        event=row.event.value,
        notifier=row.notifier_json["notifier"],
        attempts=row.attempts,
        error=problem.kind,
    )
