"""Decisions, told to people in a task's log."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.schemas.approval import DecisionResponse


def rejections(decisions: Iterable[DecisionResponse]) -> str:
    """Return who rejected, with their comments; empty when nobody did."""
    said = [
        f"{decision.actor.name}: {decision.comment}" if decision.comment else decision.actor.name
        for decision in decisions
        if decision.verdict is Verdict.REJECT
    ]
    return f" Rejected by {'; '.join(said)}." if said else ""
