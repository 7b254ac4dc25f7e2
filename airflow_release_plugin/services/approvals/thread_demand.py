"""What a flow may demand of a discussion: that every thread is resolved before approvals count (ADR 30)."""

from __future__ import annotations

from airflow_release_plugin.models import Approval
from airflow_release_plugin.repositories import discussion
from airflow_release_plugin.services.runtime.context import Context


def unresolved(ctx: Context, approval: Approval) -> int:
    """How many threads keep the approval from being complete; 0 where its flow does not mind."""
    if approval.subject_type != "release" or not approval.flow.resolved_only:
        return 0
    # One that was opened in this transaction counts too.
    ctx.session.flush()
    return discussion.unresolved(ctx.session, approval.subject_id)
