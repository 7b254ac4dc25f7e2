"""What people decided lately under one flow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.models import Decision, Gate, Release
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context

MOST = 10
_LOOKED_AT = 100
"""Approvals that are looked through for decisions that the actor may see."""


@dataclass(frozen=True)
class FlowDecision:
    """
    A decision and what it was about.

    :param revision: of the flow, under which it was asked for
    :param level: name of the flow's level that applied
    :param release: ``None`` where it was about a gate
    :param gate: ``None`` where it was about a release
    """

    decision: Decision
    revision: int
    level: str
    release: Release | None = None
    gate: Gate | None = None


def decided_lately(ctx: Context, *, actor: Actor, flow_id: int | None) -> list[FlowDecision]:
    """
    At most :data:`MOST` decisions under a flow on what the actor may see, newest first; fixed queries.

    :param flow_id: ``None`` for the built-in one
    """
    rows = approval_queries.decided_under(ctx.session, flow_id, limit=_LOOKED_AT)
    releases = release_queries.with_items(
        ctx.session, {a.subject_id for a in rows if a.subject_type == "release"}
    )
    gates = approval_queries.gates_by_id(
        ctx.session, {a.subject_id for a in rows if a.subject_type == "gate"}
    )
    seen = _seen(ctx, actor, releases.values(), gates.values())
    found = []
    for approval in rows:
        is_release = approval.subject_type == "release"
        release = releases.get(approval.subject_id) if is_release else None
        gate = None if is_release else gates.get(approval.subject_id)
        if (release or gate) in seen:
            asked = approval.requirement
            found += [
                FlowDecision(decision, asked.flow_revision, asked.level_name, release, gate)
                for decision in approval.decisions
            ]
    return sorted(found, key=lambda row: row.decision.id, reverse=True)[:MOST]


def _seen(
    ctx: Context, actor: Actor, releases: Iterable[Release], gates: Iterable[Gate]
) -> set[Release | Gate | None]:
    """Those of them that the actor may see; one question to Airflow."""
    releases, gates = list(releases), list(gates)
    if access.is_executor(ctx, actor):
        return {*releases, *gates}
    names = {name for release in releases for name in release.dag_ids}
    readable = ctx.airflow.access.readable(
        actor, access.both_ids(ctx, names) | {gate.dag_id for gate in gates}
    )
    return {
        *(
            release
            for release in releases
            if access.is_involved(actor, release)
            or not readable.isdisjoint(access.both_ids(ctx, release.dag_ids))
        ),
        *(gate for gate in gates if gate.dag_id in readable),
    }
