"""What Airflow recorded about task instances: state and try, operator, rendered templates, what they read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from airflow_release_plugin.airflow_internals.observed_runs import observed_runs
from airflow_release_plugin.domain.release.dev_runs import DevRun
from airflow_release_plugin.domain.tasks import (
    LINK_KEY,
    ROLE_FIELD,
    TaskKey,
    TaskOperator,
    TaskRecord,
    TaskRole,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class AirflowTasks:
    """
    Airflow's tables of task instances.

    A task can change nothing of this but its own rendered fields: Airflow's execution API takes them only
    with the token of that very task instance, and writes the rest itself.

    :param session: everything is read in it
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def record(self, task: TaskKey) -> TaskRecord | None:
        """The instance as it is now; ``None`` if there is none, or it is not in that try."""
        from airflow.models.dag_version import DagVersion
        from airflow.models.dagrun import DagRun
        from airflow.models.taskinstance import TaskInstance as Instance
        from sqlalchemy import and_, select

        query = (
            select(
                Instance.state,
                Instance.hostname,
                Instance.pid,
                Instance.queued_dttm,
                DagVersion.bundle_name,
                DagVersion.bundle_version,
                DagRun.data_interval_start,
                DagRun.data_interval_end,
                DagRun.triggering_user_name,
                DagRun.run_type,
            )
            .join(DagRun, and_(DagRun.dag_id == Instance.dag_id, DagRun.run_id == Instance.run_id))
            .outerjoin(DagVersion, DagVersion.id == Instance.dag_version_id)
            .where(
                Instance.dag_id == task.dag_id,
                Instance.run_id == task.run_id,
                Instance.task_id == task.task_id,
                Instance.map_index == task.map_index,
                Instance.try_number == task.try_number,
            )
        )
        row = self._session.execute(query).one_or_none()
        if row is None:
            return None
        queued = row.queued_dttm.isoformat() if row.queued_dttm else ""
        return TaskRecord(
            key=task,
            state=_value(row.state),
            process=f"{row.hostname or ''}/{row.pid or ''}/{queued}",
            bundle_name=row.bundle_name,
            bundle_version=row.bundle_version,
            data_interval_start=row.data_interval_start,
            data_interval_end=row.data_interval_end,
            run_started_by=row.triggering_user_name or _value(row.run_type),
        )

    def operator(self, task: TaskKey) -> TaskOperator | None:
        """What the instance runs, by the structure of the DAG version that it belongs to."""
        from airflow.models.serialized_dag import SerializedDagModel
        from airflow.models.taskinstance import TaskInstance as Instance
        from sqlalchemy import select

        stored = self._session.scalar(
            select(SerializedDagModel)
            .join(Instance, Instance.dag_version_id == SerializedDagModel.dag_version_id)
            .where(
                Instance.dag_id == task.dag_id,
                Instance.run_id == task.run_id,
                Instance.task_id == task.task_id,
                Instance.map_index == task.map_index,
            )
        )
        return None if stored is None else _operator(stored.data or {}, task.task_id)

    def rendered(self, task: TaskKey) -> Mapping[str, Any] | None:
        """Template fields as rendered. Airflow keeps those of a task's newest runs only."""
        from airflow.models.renderedtifields import RenderedTaskInstanceFields as Rendered
        from sqlalchemy import select

        return self._session.scalar(
            select(Rendered.rendered_fields).where(
                Rendered.dag_id == task.dag_id,
                Rendered.run_id == task.run_id,
                Rendered.task_id == task.task_id,
                Rendered.map_index == task.map_index,
            )
        )

    def observed_runs(self, dag_ids: Collection[str]) -> tuple[DevRun, ...]:
        """The newest runs whose tasks told what they read."""
        return observed_runs(self._session, dag_ids)


def _value(member: Any) -> str:
    return str(getattr(member, "value", member) or "")


def _operator(stored: Mapping[str, Any], task_id: str) -> TaskOperator | None:
    for encoded in stored.get("dag", {}).get("tasks", ()):
        task = encoded.get("__var", encoded)
        if task.get("task_id") == task_id:
            name = f"{task.get('_task_module')}.{task.get('task_type')}"
            said = _linked_role(task) if task.get("_is_mapped") else task.get(ROLE_FIELD)
            return TaskOperator(name, _role(said))
    return None


def _linked_role(task: Mapping[str, Any]) -> str:
    """The role that the operator's link tells."""
    keys = (task.get("_operator_extra_links") or {}).values()
    prefix = f"{LINK_KEY}_"
    return next((key.removeprefix(prefix) for key in map(str, keys) if key.startswith(prefix)), "")


def _role(said: object) -> TaskRole | None:
    return next((role for role in TaskRole if role.value == said), None)
