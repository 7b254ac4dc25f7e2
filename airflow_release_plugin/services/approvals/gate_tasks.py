"""
What a task must be, by Airflow's own record, to ask people for a sign-off.

That is invariant 15 (docs/concepts/invariants.md).
"""

from __future__ import annotations

from typing import NoReturn

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.gate_question import GateQuestion, recorded_question
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.tasks import TaskKey, TaskRecord, TaskRole
from airflow_release_plugin.exceptions import InvalidRequestError, TaskMismatchError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.context import Context

REFUSALS = "gates"
"""Subject of the events about calls that opened none."""


def require_gate_task(ctx: Context, task: TaskKey, *, actor: Actor) -> TaskRecord:
    """The record of a gate's task that runs now. Raises ``TaskMismatchError`` for any other."""
    record = ctx.airflow.tasks.record(task)
    if record is None or not record.is_running:
        state = (
            Message("not known to Airflow in this try")
            if record is None
            else repr(record.state)
            if record.state
            else Message("'not begun'")
        )
        _refuse(
            ctx,
            task,
            actor,
            Message("is %(state)s; a gate is opened by its own task, while it runs", state=state),
        )
    operator = ctx.airflow.tasks.operator(task)
    if operator is None or operator.role is not TaskRole.GATE:
        name = (
            Message("of a structure that Airflow does not have")
            if operator is None
            else Message("a %(operator)s", operator=operator.name)
        )
        _refuse(
            ctx,
            task,
            actor,
            Message(
                "is %(name)s, not an ApprovalGateSensor; use that class or a subclass of it. If it "
                "is mapped, its operator_extra_links must have those of that class, too",
                name=name,
            ),
        )
    return record


def require_question(ctx: Context, task: TaskKey, said: GateQuestion | None, *, actor: Actor) -> GateQuestion:
    """What Airflow recorded that the task asks. Raises ``TaskMismatchError`` if the caller says otherwise."""
    rendered = ctx.airflow.tasks.rendered(task)
    if rendered is None:
        raise InvalidRequestError(
            "Airflow keeps no rendered fields of %(task)s only those of a DAG's newest runs. "
            "Raise [core] num_dag_runs_to_retain_rendered_fields on the API servers and clear "
            "the task.",
            task=_name(task),
        )
    recorded = recorded_question(rendered)
    if said is not None and not recorded.allows(said):
        _refuse(
            ctx,
            task,
            actor,
            Message(
                "asks something else by Airflow's record; title, message, approvers and valid_hours "
                "must be template fields, and stay as they were rendered"
            ),
        )
    return recorded


def _name(task: TaskKey) -> str:
    index = f"[{task.map_index}]" if task.map_index >= 0 else ""
    return Message(
        "task %(dag_id)s.%(task_id)s%(index)s of run %(run_id)r, try %(try_number)s,",
        dag_id=task.dag_id,
        task_id=task.task_id,
        index=index,
        run_id=task.run_id,
        try_number=task.try_number,
    )


def _refuse(ctx: Context, task: TaskKey, actor: Actor, why: str) -> NoReturn:
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.TASK_REFUSED,
        subject=REFUSALS,
        deed=Message("open a gate"),
        reason=why,
        **task.to_dict(),
    )
    raise TaskMismatchError("No gate was opened: %(task)s %(why)s.", task=_name(task), why=why)
