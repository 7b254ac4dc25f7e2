"""The runs that work on releases, as Airflow's tables tell of them: three queries for any number of runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from airflow_release_plugin.domain.release.lost_runs import EndedTask, PipelineRun

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ENDED_RUN_STATES = frozenset({"success", "failed"})
_WELL = frozenset({"success", "skipped"})
_TROUBLED = frozenset({"failed", "removed", "upstream_failed"})
_NOT_BEGUN = "none"

RunKey = tuple[str, str]


def pipeline_runs(session: Session, runs: Iterable[RunKey]) -> dict[RunKey, PipelineRun]:
    """What Airflow says of each of ``runs``, (DAG id, run id); pass a few hundred at once."""
    wanted = frozenset(runs)
    if not wanted:
        return {}
    rows = _run_rows(session, wanted)
    tasks = _task_rows(session, wanted)
    dags = _dag_rows(session, {dag_id for dag_id, _ in wanted})
    return {key: _pipeline_run(key, rows.get(key), tasks[key], dags.get(key[0])) for key in wanted}


def _run_rows(session: Session, wanted: Collection[RunKey]) -> dict[RunKey, Any]:
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    query = select(
        DagRun.dag_id,
        DagRun.run_id,
        DagRun.state,
        DagRun.queued_at,
        DagRun.start_date,
        DagRun.run_after,
        DagRun.last_scheduling_decision,
    ).where(DagRun.run_id.in_(sorted({run_id for _, run_id in wanted})))
    return {(row.dag_id, row.run_id): row for row in session.execute(query)}


def _task_rows(session: Session, wanted: Collection[RunKey]) -> dict[RunKey, list[Any]]:
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import select

    query = (
        select(
            TaskInstance.dag_id,
            TaskInstance.run_id,
            TaskInstance.task_id,
            TaskInstance.state,
            TaskInstance.try_number,
            TaskInstance.start_date,
            TaskInstance.end_date,
        )
        .where(TaskInstance.run_id.in_(sorted({run_id for _, run_id in wanted})))
        .order_by(TaskInstance.end_date, TaskInstance.task_id, TaskInstance.map_index)
    )
    found: dict[RunKey, list[Any]] = defaultdict(list)
    for row in session.execute(query):
        found[row.dag_id, row.run_id].append(row)
    return found


def _dag_rows(session: Session, dag_ids: Collection[str]) -> dict[str, Any]:
    from airflow.models.dag import DagModel
    from sqlalchemy import select

    query = select(DagModel.dag_id, DagModel.is_paused).where(
        DagModel.dag_id.in_(sorted(dag_ids)), DagModel.is_stale.is_(False)
    )
    return {row.dag_id: row for row in session.execute(query)}


def _pipeline_run(key: RunKey, row: Any, tasks: Collection[Any], dag: Any) -> PipelineRun:
    if row is None:
        return PipelineRun(*key)
    states = [(task, _text(task.state)) for task in tasks]
    troubled = [
        EndedTask(task.task_id, state, task.try_number) for task, state in states if state in _TROUBLED
    ]
    signs = [row.queued_at, row.start_date, row.run_after, row.last_scheduling_decision]
    signs += [moment for task in tasks for moment in (task.start_date, task.end_date)]
    return PipelineRun(
        *key,
        state=_text(row.state),
        has_ended=_text(row.state) in ENDED_RUN_STATES,
        last_sign=max((_aware(moment) for moment in signs if moment is not None), default=None),
        is_dag_known=dag is not None,
        is_dag_paused=bool(dag is not None and dag.is_paused),
        # What others had to be given up for comes last: it says nothing by itself.
        troubled=tuple(sorted(troubled, key=lambda task: task.state == "upstream_failed")),
        open_states=frozenset(state for _, state in states if state not in _WELL | _TROUBLED),
        tasks=len(states),
    )


def _text(state: Any) -> str:
    return _NOT_BEGUN if state is None else str(getattr(state, "value", state))


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)
