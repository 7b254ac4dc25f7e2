"""What Airflow stores about task instances, stored by Airflow's own code as far as it has any for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from airflow_release_plugin.domain.tasks import TaskKey


def store_dag(session: Session, dag: Any, bundle: str = "prod", version: str | None = None) -> None:
    """Store a DAG as the dag processor does after parsing it from ``bundle`` at ``version``."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization.serialized_objects import LazyDeserializedDAG

    if session.get(DagBundleModel, bundle) is None:
        session.add(DagBundleModel(name=bundle))
        session.flush()
    if session.get(DagModel, dag.dag_id) is None:
        session.add(DagModel(dag_id=dag.dag_id, bundle_name=bundle, relative_fileloc="a.py", fileloc="a.py"))
        session.flush()
    SerializedDagModel.write_dag(
        LazyDeserializedDAG.from_dag(dag), bundle_name=bundle, bundle_version=version, session=session
    )
    session.flush()


def start_task(session: Session, task: TaskKey, state: str = "running", **more: Any) -> None:
    """Let a worker take up the task of a run, which is made where there is none; ``more`` are its columns."""
    from airflow.models.dag_version import DagVersion
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance

    now = datetime.now(timezone.utc)
    run = {"dag_id": task.dag_id, "run_id": task.run_id}
    if session.scalar(select(DagRun.id).filter_by(**run)) is None:
        values = {"run_type": "manual", "state": "running", "run_after": now, "triggering_user_name": "ann"}
        session.execute(insert(DagRun).values(**run, **values))
    newest = (
        select(DagVersion.id)
        .where(DagVersion.dag_id == task.dag_id)
        .order_by(DagVersion.version_number.desc())
        .limit(1)
    )
    columns = {
        "state": state,
        "try_number": task.try_number,
        "pool": "default_pool",
        "hostname": "worker",
        "pid": 7,
        "queued_dttm": now,
        "dag_version_id": session.scalar(newest),
        **more,
    }
    place = {**run, "task_id": task.task_id, "map_index": task.map_index}
    known = session.scalar(select(TaskInstance.id).filter_by(**place))
    if known is None:
        session.execute(insert(TaskInstance).values(**place, **columns))
    else:
        session.execute(update(TaskInstance).where(TaskInstance.id == known).values(**columns))


def start_mapped_tasks(session: Session, task: TaskKey, count: int, state: str) -> None:
    """Let workers take up all of a mapped task, from the index 0 on, in a few statements."""
    from airflow.models.taskinstance import TaskInstance

    start_task(session, replace(task, map_index=0), state, queue="default", priority_weight=1)
    names = (
        "try_number",
        "pool",
        "hostname",
        "pid",
        "queued_dttm",
        "dag_version_id",
        "queue",
        "priority_weight",
    )
    place = {"dag_id": task.dag_id, "run_id": task.run_id, "task_id": task.task_id}
    first = session.scalars(select(TaskInstance).filter_by(**place)).one()
    columns = {**place, "state": state, **{name: getattr(first, name) for name in names}}
    session.execute(insert(TaskInstance), [{**columns, "map_index": number} for number in range(1, count)])


def render(session: Session, task: TaskKey, fields: Mapping[str, Any]) -> None:
    """Store a task's rendered fields as Airflow's execution API does, which forgets those of older runs."""
    from airflow.models.taskinstance import TaskInstance

    place = {name: value for name, value in asdict(task).items() if name != "try_number"}
    instance = session.scalars(select(TaskInstance).filter_by(**place)).one()
    instance.update_rtif(dict(fields), session=session)


def forget_rendered(session: Session, task: TaskKey) -> None:
    """What happens to the rendered fields of older runs."""
    from airflow.models.renderedtifields import RenderedTaskInstanceFields as Rendered

    session.execute(delete(Rendered).where(Rendered.dag_id == task.dag_id, Rendered.run_id == task.run_id))


def make_run(session: Session, dag_id: str, run_id: str, after: timedelta) -> None:
    """A run that is due ``after`` from now."""
    from airflow.models.dagrun import DagRun

    due = datetime.now(timezone.utc) + after
    values = {
        "dag_id": dag_id,
        "run_id": run_id,
        "run_type": "backfill",
        "state": "running",
        "run_after": due,
    }
    session.execute(insert(DagRun).values(**values))
