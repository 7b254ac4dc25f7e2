"""Gates: sign-offs that running tasks wait for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.gate_question import GateQuestion
from airflow_release_plugin.domain.flow.rules import MAX_HOURS
from airflow_release_plugin.domain.identity import SYSTEM, Actor
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import DagSubject, RiskFacts
from airflow_release_plugin.domain.states import ApprovalState, GateState
from airflow_release_plugin.domain.tasks import TaskKey
from airflow_release_plugin.exceptions import InvalidRequestError, NotFoundError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Gate
from airflow_release_plugin.models.base import stamp
from airflow_release_plugin.repositories import approvals as queries
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services.approvals import approvals, flows, gate_tasks, notifications
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class GateSubject:
    """What is to be signed off: one try of one task, and what Airflow recorded that it asks."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int
    title: str
    message: str = ""
    bundle_name: str | None = None
    bundle_version: str | None = None
    data_interval_start: datetime | None = None
    data_interval_end: datetime | None = None
    run_started_by: str = ""

    def digest(self, approvers: Sequence[str] = ()) -> str:
        """SHA-256 (64 hex digits) over everything that people see when they sign, and who was named."""
        values: dict[str, object] = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in vars(self).items()
        }
        values["approvers"] = list(approvers)
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def open_gate(ctx: Context, *, actor: Actor, task: TaskKey, said: GateQuestion | None = None) -> Gate:
    """
    Open the gate of one try; the same try that asks the same gets the same gate back.

    Older tries lose theirs. So does the same try when it asks something else by now: a task that waits by
    rescheduling renders its templates anew each time.

    :param said: what the caller believes to ask; must be what Airflow recorded. ``None`` for whatever that is
    :raises TaskMismatchError: the task is no gate, does not run in this try, or asks something else
    :raises InvalidRequestError: nobody could sign it off, or Airflow kept only a part of the text
    """
    access.require_executor(ctx, actor, Message("open gates"))
    record = gate_tasks.require_gate_task(ctx, task, actor=actor)
    question = gate_tasks.require_question(ctx, task, said, actor=actor)
    subject = GateSubject(
        **task.to_dict(),
        title=question.title,
        message=question.message,
        bundle_name=record.bundle_name,
        bundle_version=record.bundle_version,
        data_interval_start=record.data_interval_start,
        data_interval_end=record.data_interval_end,
        run_started_by=record.run_started_by,
    )
    earlier = queries.gates_of_task(ctx.session, task.dag_id, task.run_id, task.task_id, task.map_index)
    of_this_try = [gate for gate in earlier if gate.try_number == task.try_number]
    digest = subject.digest(question.approvers)
    if of_this_try and of_this_try[-1].change_digest == digest:
        return of_this_try[-1]
    for gate in earlier:
        if gate.effective_state(ctx.clock()) is GateState.OPEN:
            close(ctx, gate, GateState.WITHDRAWN, actor=actor)
            approvals.withdraw(ctx, "gate", gate.id, actor=actor)
    flow = _flow(ctx, subject, question)
    gate = _new(ctx, subject, digest, repeat=len(of_this_try), actor=actor)
    approval = approvals.open_approval(
        ctx, actor=actor, subject_type="gate", subject_id=gate.id, digest=gate.change_digest, flow=flow
    )
    gate.expires_at = approval.expires_at
    return gate


def _flow(ctx: Context, subject: GateSubject, question: GateQuestion) -> flows.ResolvedFlow:
    flow = flows.resolve(
        ctx,
        subject=Message("gate %(subject)r", subject=subject.title),
        excluded=(),
        kind=ReleaseKind.GATE,
        facts=_facts(ctx, subject.dag_id),
        only=question.approvers,
    )
    if question.valid_hours is None:
        return flow
    if not 0 < question.valid_hours <= MAX_HOURS:
        raise InvalidRequestError("A gate is open more than 0 and at most %(most)s hours.", most=MAX_HOURS)
    validity = replace(flow.spec.validity, approval=question.valid_hours)
    return replace(flow, spec=replace(flow.spec, validity=validity))


def _facts(ctx: Context, dag_id: str) -> RiskFacts:
    dag = ctx.airflow.serving.dag(dag_id)
    if dag is None:
        return RiskFacts(dags=(DagSubject(dag_id),))
    subject = DagSubject(dag_id, frozenset(dag.tags), frozenset(dag.owners), source=dag.bundle)
    return RiskFacts(dags=(subject,))


def _new(ctx: Context, subject: GateSubject, digest: str, *, repeat: int, actor: Actor) -> Gate:
    gate = Gate(
        dag_id=subject.dag_id,
        run_id=subject.run_id,
        task_id=subject.task_id,
        map_index=subject.map_index,
        try_number=subject.try_number,
        title=subject.title,
        message=subject.message,
        bundle_name=subject.bundle_name,
        bundle_version=subject.bundle_version,
        data_interval_start=subject.data_interval_start,
        data_interval_end=subject.data_interval_end,
        run_started_by=subject.run_started_by,
        repeat=repeat,
        state=GateState.OPEN,
        change_digest=digest,
        opened_at=ctx.clock(),
        expires_at=ctx.clock(),
        **stamp(actor, "requested"),
    )
    ctx.session.add(gate)
    # The id names the gate in its approval and in the trail.
    ctx.session.flush()
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.GATE_OPENED,
        subject=f"gate:{gate.id}",
        dag_id=gate.dag_id,
        run_id=gate.run_id,
        task_id=gate.task_id,
        try_number=gate.try_number,
        change_digest=gate.change_digest,
    )
    return gate


def close(ctx: Context, gate: Gate, state: GateState, *, actor: Actor) -> None:
    """Move the gate to its end and tell the trail."""
    audit.record_all(ctx, [_closing(ctx, gate, state)], actor=actor)
    if state is GateState.EXPIRED:
        notifications.gate_expired(ctx, gate)


def _closing(ctx: Context, gate: Gate, state: GateState, reason: str = "") -> audit.Entry:
    """Move the gate to its end; the caller tells the trail what is returned."""
    gate.move_to(state)
    gate.state_reason = reason
    gate.closed_at = ctx.clock()
    data = {"state": state.value, **({"reason": reason} if reason else {})}
    return audit.Entry(EventTag.GATE_CLOSED, f"gate:{gate.id}", data)


def get(ctx: Context, *, actor: Actor, gate_id: int) -> Gate:
    """A gate whose DAG the actor may read."""
    return access.require_gate(ctx, actor, queries.gate(ctx.session, gate_id), gate_id)


def get_locked(ctx: Context, *, actor: Actor, gate_id: int) -> Gate:
    """The same, locked for a change and with its expiry written down."""
    gate = access.require_gate(ctx, actor, queries.gate(ctx.session, gate_id, lock=True), gate_id)
    _settle(ctx, gate)
    return gate


def settle(ctx: Context, gate_id: int) -> None:
    """Write down that a gate's window is over, or that nothing waits at it any more, where that is so."""
    gate = queries.gate(ctx.session, gate_id, lock=True)
    if gate is not None:
        _settle(ctx, gate)


def _settle(ctx: Context, gate: Gate) -> None:
    withdraw_orphans(ctx, [gate])
    if gate.effective_state(ctx.clock()) is not gate.state:
        close(ctx, gate, GateState.EXPIRED, actor=SYSTEM)
        approvals.settle_expiry(ctx, queries.latest_approval(ctx.session, "gate", gate.id, lock=True))


def withdraw_orphans(ctx: Context, found: Sequence[Gate]) -> int:
    """
    Withdraw open gates whose task waits no more: it was cleared, marked, or its run was deleted.

    A fixed number of queries, whatever the number of gates; say a few hundred at once.

    :return: how many were withdrawn
    """
    keys = {_key(gate): gate.id for gate in found if gate.state is GateState.OPEN}
    lost = ctx.airflow.serving.lost_tasks(keys) if keys else {}
    reasons = {keys[key]: _reason(key, state) for key, state in lost.items()}
    if not reasons:
        return 0
    # All are locked before the first event is written, and somebody else may have been first.
    gates = queries.lock_gates(ctx.session, reasons)
    asked = queries.lock_newest(ctx.session, "gate", [gate.id for gate in gates])
    closings = [_closing(ctx, gate, GateState.WITHDRAWN, reasons[gate.id]) for gate in gates]
    audit.record_all(ctx, closings, actor=SYSTEM)
    still_open = [approval for approval in asked.values() if approval.state is ApprovalState.OPEN]
    approvals.close_all(ctx, still_open, ApprovalState.WITHDRAWN, actor=SYSTEM)
    return len(gates)


def _reason(task: TaskKey, state: str) -> str:
    """What became of the task that waited, and what to do."""
    what = Message(
        "Try %(try_number)s of task %(task_id)r in the run %(run_id)r",
        try_number=task.try_number,
        task_id=task.task_id,
        run_id=task.run_id,
    )
    if not state:
        return Message(
            "%(what)s is not in Airflow any more: it was deleted. A new run of the Dag asks anew.", what=what
        )
    return Message(
        "%(what)s waits no more: %(state)s. Clear the task in Airflow to ask anew.", what=what, state=state
    )


def _key(gate: Gate) -> TaskKey:
    return TaskKey(gate.dag_id, gate.run_id, gate.task_id, gate.map_index, gate.try_number)


def withdraw(ctx: Context, *, actor: Actor, gate_id: int) -> Gate:
    """Take the question back; the waiting task fails or skips."""
    access.require_executor(ctx, actor, Message("withdraw gates"))
    gate = get_locked(ctx, actor=actor, gate_id=gate_id)
    close(ctx, gate, GateState.WITHDRAWN, actor=actor)
    approvals.withdraw(ctx, "gate", gate.id, actor=actor)
    return gate


def approval_view(ctx: Context, gate: Gate, *, actor: Actor) -> approvals.ApprovalDetail:
    """The gate's approval as the actor sees it."""
    approval = queries.latest_approval(ctx.session, "gate", gate.id)
    if approval is None:
        raise NotFoundError("%(gate)s has no approval; clear the task to open a new one.", gate=gate.subject)
    return approvals.view(ctx, approval, actor=actor)


def list_gates(
    ctx: Context,
    *,
    actor: Actor,
    state: GateState | None = None,
    dag_id: str = "",
    limit: int = 50,
    offset: int = 0,
) -> Page[Gate]:
    """Gates of DAGs that the actor may read, newest first."""
    names = None
    if not access.is_executor(ctx, actor):
        names = ctx.airflow.access.readable(actor, queries.gated_dag_ids(ctx.session))
    return queries.list_gates(
        ctx.session, state=state, dag_id=dag_id, dag_ids=names, now=ctx.clock(), limit=limit, offset=offset
    )
