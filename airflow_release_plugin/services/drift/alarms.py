"""Telling administrators that something drifted, and that it is over: rows of the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_release_plugin.domain.flow.notification import (
    DRIFT_EVENTS,
    NotificationEvent,
)
from airflow_release_plugin.domain.release.drift import Finding
from airflow_release_plugin.domain.release.mirror import MovedRef
from airflow_release_plugin.domain.text.phrasing import clauses
from airflow_release_plugin.messages import Message, shortened, together
from airflow_release_plugin.services.notices import messages
from airflow_release_plugin.services.runtime.context import Context

SUBJECT = "environment"
"""``subject_type`` of these notifications; there is one environment, so they have no id."""
_MOST_NAMED = 5
_LONGEST_TEXT = 500


def drifted(ctx: Context, environment: str, host: str, fresh: Sequence[Finding]) -> None:
    """A machine found what no machine had found before."""
    findings = [
        Message("%(place)s: %(detail)s", place=finding.place, detail=finding.detail) for finding in fresh
    ]
    summary = Message(
        "%(environment)s runs what was not approved, found on %(host)s", environment=environment, host=host
    )
    _tell(ctx, NotificationEvent.DRIFTED, environment, summary, clauses(findings, _MOST_NAMED))


def ended(ctx: Context, environment: str, host: str) -> None:
    """The last machine that had found something finds nothing any more."""
    summary = Message(
        "%(environment)s runs what was approved again, seen from %(host)s", environment=environment, host=host
    )
    _tell(ctx, NotificationEvent.DRIFT_ENDED, environment, summary, "")


def mirror_moved(
    ctx: Context, environment: str, url: str, moved: Sequence[MovedRef], *, is_put_back: bool
) -> None:
    """Somebody else moved something in the mirror, and what became of it."""
    reason = together(moved[:_MOST_NAMED], "; ")
    outcome = (
        Message("It was put back")
        if is_put_back
        else Message("Nothing is pushed there until an admin says what counts")
    )
    summary = Message(
        "Somebody else moved the mirror %(url)s of %(environment)s. %(outcome)s",
        url=url,
        environment=environment,
        outcome=outcome,
    )
    _tell(ctx, NotificationEvent.DRIFTED, environment, summary, reason)


def mirror_settled(ctx: Context, environment: str, url: str) -> None:
    """The mirror is what the installation says again."""
    _tell(
        ctx,
        NotificationEvent.DRIFT_ENDED,
        environment,
        Message("The mirror %(url)s of %(environment)s is as it should be", url=url, environment=environment),
        "",
    )


def _tell(ctx: Context, event: NotificationEvent, environment: str, summary: str, reason: str) -> None:
    messages.put(
        ctx,
        messages.configured(ctx, "drift_notifiers", DRIFT_EVENTS),
        event,
        subject_type=SUBJECT,
        subject_id=0,
        notice=_notice(ctx, event, environment, summary, shortened(reason, _LONGEST_TEXT)),
    )


def _notice(
    ctx: Context, event: NotificationEvent, environment: str, summary: str, reason: str
) -> dict[str, Any]:
    """The names that notices of releases have as well, so that templates can be shared."""
    return {
        "event": event.value,
        "state": event.value,
        "reason": reason,
        "actor": "",
        "verdict": "",
        "requester": "",
        "flow": "",
        "level": None,
        "expires_at": None,
        "kind": "drift",
        "number": "",
        "title": environment,
        "environment": environment,
        "dag_ids": [],
        "reviewers": [],
        "gate": None,
        "url": f"{ctx.settings.base_url}/release/ui/environment/",
        "summary": summary,
    }
