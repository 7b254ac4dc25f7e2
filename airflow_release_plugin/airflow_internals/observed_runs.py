"""Runs of dev copies with what their tasks told of what they read: one query for any number of DAGs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from airflow_release_plugin.domain.release.dev_runs import READS_KEY, DevRun, TaskReads

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

_NEWEST = 10
"""Runs of each DAG that are looked at."""
_MOST_ROWS = 10_000
"""Task instances in all, those of the newest run of each DAG first; a run that is cut off is left out."""


def observed_runs(session: Session, dag_ids: Collection[str]) -> tuple[DevRun, ...]:
    """The newest runs of these DAGs of which a task told something, the newest first."""
    if not dag_ids:
        return ()
    rows = session.execute(_query(dag_ids)).all()
    if len(rows) > _MOST_ROWS:
        rows = [row for row in rows if row.id != rows[-1].id]
    runs = (_run(list(tasks)) for _, tasks in groupby(rows, key=lambda row: row.id))
    return tuple(sorted((run for run in runs if run.tasks), key=lambda run: run.began, reverse=True))


def _query(dag_ids: Collection[str]) -> Select[Any]:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel
    from sqlalchemy import and_, func, select

    place = func.row_number().over(
        partition_by=DagRun.dag_id, order_by=(DagRun.run_after.desc(), DagRun.id.desc())
    )
    newest = select(DagRun.id, place.label("place")).where(DagRun.dag_id.in_(sorted(dag_ids))).subquery()
    return (
        select(
            DagRun.id,
            DagRun.dag_id,
            DagRun.run_id,
            DagRun.state,
            DagRun.run_after,
            DagRun.start_date,
            DagRun.end_date,
            TaskInstance.task_id,
            XComModel.value,
        )
        .join(newest, and_(newest.c.id == DagRun.id, newest.c.place <= _NEWEST))
        .join(
            TaskInstance,
            and_(
                TaskInstance.dag_id == DagRun.dag_id,
                TaskInstance.run_id == DagRun.run_id,
                # What the scheduler passes over, as it does with empty tasks, has no process that could tell.
                TaskInstance.pid.is_not(None),
            ),
        )
        .outerjoin(
            XComModel,
            and_(
                XComModel.dag_run_id == DagRun.id,
                XComModel.task_id == TaskInstance.task_id,
                XComModel.map_index == TaskInstance.map_index,
                XComModel.key == READS_KEY,
            ),
        )
        .order_by(newest.c.place, DagRun.id.desc(), TaskInstance.task_id, TaskInstance.map_index)
        .limit(_MOST_ROWS + 1)
    )


def _run(rows: Sequence[Any]) -> DevRun:
    first = rows[0]
    told = [TaskReads.from_value(row.task_id, row.value) for row in rows]
    return DevRun(
        dag_id=first.dag_id,
        run_id=first.run_id,
        state=str(getattr(first.state, "value", first.state)),
        began=first.start_date or first.run_after,
        ended=first.end_date,
        tasks=tuple(reads for reads in told if reads is not None),
        silent=sum(reads is None for reads in told),
    )
