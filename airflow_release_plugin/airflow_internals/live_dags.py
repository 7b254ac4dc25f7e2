"""What the DAGs of the target do at the moment, in a number of queries that does not grow with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_release_plugin.airflow_internals.pipeline_runs import ENDED_RUN_STATES
from airflow_release_plugin.domain.ports import LastRun, LiveDag, RunFacts

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_RECENT = 5
"""Runs of each DAG that a list shows."""
_UNDER_WAY = ("running", "queued")
_ENDED_TASKS = ("success", "failed", "skipped", "upstream_failed", "removed")
_AUTOMATED = ("scheduled", "backfill")


def live_dags(session: Session, dag_ids: Collection[str]) -> dict[str, LiveDag]:
    """Those of ``dag_ids`` that Airflow serves, whatever their bundle, with their runs under way."""
    from airflow.models.dag import DagModel
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    models = select(
        DagModel.dag_id, DagModel.bundle_name, DagModel.relative_fileloc, DagModel.is_paused
    ).where(DagModel.dag_id.in_(dag_ids), DagModel.is_stale.is_(False))
    runs: dict[str, list[RunFacts]] = defaultdict(list)
    query = (
        select(DagRun.dag_id, DagRun.run_id, DagRun.state)
        .where(DagRun.dag_id.in_(dag_ids), DagRun.state.in_(_UNDER_WAY))
        .order_by(DagRun.id)
    )
    for row in session.execute(query):
        state = str(getattr(row.state, "value", row.state))
        runs[row.dag_id].append(RunFacts(dag_id=row.dag_id, run_id=row.run_id, state=state))
    tasks = _open_tasks(session, dag_ids)
    return {
        row.dag_id: LiveDag(
            dag_id=row.dag_id,
            bundle=row.bundle_name or "",
            path=row.relative_fileloc or "",
            is_paused=bool(row.is_paused),
            runs=tuple(runs[row.dag_id]),
            open_tasks=frozenset(tasks[row.dag_id]),
        )
        for row in session.execute(models)
    }


def _open_tasks(session: Session, dag_ids: Collection[str]) -> Mapping[str, set[str]]:
    """Ids of tasks that have not ended in a run that is under way."""
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import and_, or_, select

    query = (
        select(TaskInstance.dag_id, TaskInstance.task_id)
        .join(DagRun, and_(DagRun.dag_id == TaskInstance.dag_id, DagRun.run_id == TaskInstance.run_id))
        .where(
            DagRun.dag_id.in_(dag_ids),
            DagRun.state.in_(_UNDER_WAY),
            or_(TaskInstance.state.is_(None), TaskInstance.state.not_in(_ENDED_TASKS)),
        )
        .distinct()
    )
    found: dict[str, set[str]] = defaultdict(set)
    for dag_id, task_id in session.execute(query):
        found[dag_id].add(task_id)
    return found


def paused(session: Session, bundle: str) -> dict[str, bool]:
    """Whether each DAG that Airflow serves from a bundle is paused."""
    from airflow.models.dag import DagModel
    from sqlalchemy import select

    query = select(DagModel.dag_id, DagModel.is_paused).where(
        DagModel.bundle_name == bundle, DagModel.is_stale.is_(False)
    )
    return {row.dag_id: bool(row.is_paused) for row in session.execute(query)}


def recent_runs(session: Session, dag_ids: Collection[str]) -> dict[str, tuple[RunFacts, ...]]:
    """The newest runs of each of ``dag_ids``, the last one in front, as Airflow's list of DAGs has them."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import func, select

    place = func.row_number().over(
        partition_by=DagRun.dag_id, order_by=(DagRun.run_after.desc(), DagRun.id.desc())
    )
    ranked = (
        select(DagRun.dag_id, DagRun.run_id, DagRun.state, place.label("place"))
        .where(DagRun.dag_id.in_(sorted(dag_ids)))
        .subquery()
    )
    query = select(ranked).where(ranked.c.place <= _RECENT).order_by(ranked.c.dag_id, ranked.c.place)
    found: dict[str, list[RunFacts]] = defaultdict(list)
    for row in session.execute(query):
        state = str(getattr(row.state, "value", row.state))
        facts = RunFacts(row.dag_id, row.run_id, state, ended=state in ENDED_RUN_STATES)
        found[row.dag_id].append(facts)
    return {dag_id: tuple(runs) for dag_id, runs in found.items()}


def last_runs(session: Session, dag_ids: Collection[str]) -> dict[str, LastRun]:
    """The run by schedule or backfill from which the scheduler goes on, of DAGs that have one."""
    from airflow.models.dag import DagModel
    from airflow.models.dagrun import DagRun
    from sqlalchemy import func, select

    def newest(*conditions: Any, order: Any) -> Any:
        return (
            select(DagRun.id)
            .where(DagRun.dag_id == DagModel.dag_id, DagRun.run_type.in_(_AUTOMATED), *conditions)
            .order_by(order)
            .limit(1)
            .correlate(DagModel)
            .scalar_subquery()
        )

    dated = newest(DagRun.logical_date.is_not(None), order=DagRun.logical_date.desc())
    partitioned = newest(DagRun.partition_key.is_not(None), order=DagRun.run_after.desc())
    query = (
        select(
            DagRun.dag_id,
            DagRun.run_after,
            DagRun.data_interval_start,
            DagRun.data_interval_end,
            DagRun.partition_key,
            DagRun.partition_date,
        )
        .join(DagModel, DagModel.dag_id == DagRun.dag_id)
        .where(DagModel.dag_id.in_(dag_ids), DagRun.id == func.coalesce(dated, partitioned))
    )
    return {
        row.dag_id: LastRun(
            run_after=_iso(row.run_after),
            interval_start=_iso(row.data_interval_start),
            interval_end=_iso(row.data_interval_end),
            partition_key=row.partition_key or "",
            partition_date=_iso(row.partition_date),
        )
        for row in session.execute(query)
    }


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
