"""The history of one DAG, for its page in the records and for its tab in Airflow."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import GateState
from airflow_release_plugin.models import Event, Gate
from airflow_release_plugin.services.approvals import gates
from airflow_release_plugin.services.promotion import records
from airflow_release_plugin.services.promotion.records import History
from airflow_release_plugin.services.read_models import archived_events
from airflow_release_plugin.services.read_models.archived_events import ArchivedEvents
from airflow_release_plugin.services.runtime.context import Context

MOST_GATES = 20
"""Gates that a DAG's tab shows, the newest ones."""


@dataclass(frozen=True)
class HistoryDetail:
    """
    Every version of a DAG, and what happened to those on the page, the newest first.

    :param archived: where events of them are that went into the archive
    """

    history: History
    events: list[Event]
    archived: ArchivedEvents | None


@dataclass(frozen=True)
class DagTabDetail:
    """Every version of a DAG, and its gates with their states at this moment."""

    history: History
    gates: list[tuple[Gate, GateState]]


def get_history(
    ctx: Context, *, actor: Actor, dag_id: str, limit: int = 50, offset: int = 0
) -> HistoryDetail:
    """
    The history with its trail.

    :param dag_id: the id in the target, or that of the source's copy
    :raises NotFoundError: the actor may not read the DAG
    """
    history = records.history(ctx, actor=actor, dag_id=dag_id, limit=limit, offset=offset)
    shown = history.page.items
    oldest = min((record.submission.submitted_at for record in shown), default=None)
    archived = archived_events.since(ctx, oldest) if oldest else None
    return HistoryDetail(history, records.trail(ctx, shown), archived)


def get_dag_tab(ctx: Context, *, actor: Actor, dag_id: str, limit: int = 50, offset: int = 0) -> DagTabDetail:
    """The history with the gates of its runs; the rest as for :func:`get_history`."""
    history = records.history(ctx, actor=actor, dag_id=dag_id, limit=limit, offset=offset)
    opened = gates.list_gates(ctx, actor=actor, dag_id=history.dag_id, limit=MOST_GATES).items
    return DagTabDetail(history, [(gate, gate.effective_state(ctx.clock())) for gate in opened])
