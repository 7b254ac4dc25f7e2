"""Queries on approvals and gates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, case, false, func, literal, select, update
from sqlalchemy.orm import defer

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.states import ApprovalState, GateState
from airflow_release_plugin.models import Approval, Decision, Gate, Release, ReleaseItem, Submission
from airflow_release_plugin.repositories.id_sets import is_one_of
from airflow_release_plugin.repositories.pages import Page, fetch_page

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def latest_approval(
    session: Session, subject_type: str, subject_id: int, *, lock: bool = False
) -> Approval | None:
    """The newest approval of a subject with its decisions."""
    query = (
        select(Approval)
        .where(Approval.subject_type == subject_type, Approval.subject_id == subject_id)
        .order_by(Approval.id.desc())
        .limit(1)
    )
    if lock:
        query = query.with_for_update(of=Approval).execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def begin_to_write(session: Session) -> None:
    """
    Become the writer before a savepoint is set; changes nothing.

    On SQLite a savepoint begins a transaction that reads. When somebody else commits before it writes, it can
    no longer write, however long it would wait.
    """
    nothing = update(Approval).where(false()).values(id=Approval.id)
    session.execute(nothing, execution_options={"synchronize_session": False})


def with_approvals(session: Session, release_ids: Collection[int]) -> list[tuple[Release, Approval]]:
    """These releases, without their items, each with its newest approval; one query, none for no ids."""
    if not release_ids:
        return []
    newest = (
        select(func.max(Approval.id))
        .where(Approval.subject_type == "release", Approval.subject_id.in_(list(release_ids)))
        .group_by(Approval.subject_id)
    )
    query = (
        select(Release, Approval)
        .join(Approval, Approval.subject_id == Release.id)
        .where(Approval.id.in_(newest))
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def decisions_on(session: Session, release_ids: Collection[int]) -> dict[int, list[Decision]]:
    """Every decision on these releases, whatever the attempt, oldest first; one query."""
    query = (
        select(Approval.subject_id, Decision)
        .join(Decision, Decision.approval_id == Approval.id)
        .where(Approval.subject_type == "release", Approval.subject_id.in_(list(release_ids)))
        .order_by(Decision.id)
    )
    found: dict[int, list[Decision]] = defaultdict(list)
    for row in session.execute(query):
        found[row[0]].append(row[1])
    return found


def open_approvals(session: Session, now: datetime, *, with_flows: bool = True) -> list[Approval]:
    """
    Approvals that people may still decide, soonest to expire first.

    :param with_flows: whether their flows are needed; they are most of each row
    """
    query = (
        select(Approval)
        .where(Approval.state == ApprovalState.OPEN, Approval.expires_at > now)
        .order_by(Approval.expires_at, Approval.id)
    )
    if not with_flows:
        query = query.options(defer(Approval.flow_json))
    return list(session.scalars(query))


def decided_under(session: Session, flow_id: int | None, *, limit: int) -> list[Approval]:
    """
    The newest approvals under a flow on which somebody decided, with their decisions; two queries.

    :param flow_id: ``None`` for the built-in flow
    """
    query = (
        select(Approval)
        .where(Approval.flow_id.is_(None) if flow_id is None else Approval.flow_id == flow_id)
        .where(select(Decision.id).where(Decision.approval_id == Approval.id).exists())
        .order_by(Approval.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def to_remind_of(session: Session, now: datetime) -> list[Approval]:
    """
    Approvals that people are to be reminded of now, locked, the first hundred.

    Of two servers that ask at once, the second one waits, and then finds what the first one left.
    """
    query = (
        select(Approval)
        .where(Approval.remind_at <= now, Approval.state == ApprovalState.OPEN, Approval.expires_at > now)
        .order_by(Approval.remind_at, Approval.id)
        .limit(100)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(query))


def effective_gate_state(now: datetime) -> ColumnElement[GateState]:
    """SQL twin of :meth:`Gate.effective_state`."""
    is_over = and_(Gate.state == GateState.OPEN, Gate.expires_at <= now)
    return case((is_over, literal(GateState.EXPIRED, Gate.state.type)), else_=Gate.state)


def gate(session: Session, gate_id: int, *, lock: bool = False) -> Gate | None:
    """A gate by id."""
    query = select(Gate).where(Gate.id == gate_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def gates_of_task(session: Session, dag_id: str, run_id: str, task_id: str, map_index: int) -> list[Gate]:
    """All gates of one task instance, oldest first."""
    query = (
        select(Gate)
        .where(
            Gate.dag_id == dag_id, Gate.run_id == run_id, Gate.task_id == task_id, Gate.map_index == map_index
        )
        .order_by(Gate.try_number, Gate.repeat)
    )
    return list(session.scalars(query))


def gates_by_id(session: Session, ids: Collection[int]) -> dict[int, Gate]:
    """Gates by id."""
    return {row.id: row for row in session.scalars(select(Gate).where(Gate.id.in_(list(ids))))}


def open_gate_dags(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Those of these gates that are stored as open, each with its DAG; no gate is loaded for it."""
    query = select(Gate.id, Gate.dag_id).where(is_one_of(session, Gate.id, ids), Gate.state == GateState.OPEN)
    return {row[0]: row[1] for row in session.execute(query)}


def lock_gates(session: Session, ids: Collection[int]) -> list[Gate]:
    """Those of these gates that are open, locked in the order of their ids."""
    query = select(Gate).where(Gate.id.in_(list(ids)), Gate.state == GateState.OPEN).order_by(Gate.id)
    return list(session.scalars(query.with_for_update().execution_options(populate_existing=True)))


def lock_newest(session: Session, subject_type: str, ids: Collection[int]) -> dict[int, Approval]:
    """The newest approval of each subject, locked in the order of their ids."""
    newest = (
        select(func.max(Approval.id))
        .where(Approval.subject_type == subject_type, Approval.subject_id.in_(list(ids)))
        .group_by(Approval.subject_id)
    )
    query = select(Approval).where(Approval.id.in_(newest)).order_by(Approval.id)
    query = query.with_for_update(of=Approval).execution_options(populate_existing=True)
    return {row.subject_id: row for row in session.scalars(query)}


def open_gates(session: Session, *, after: int, limit: int) -> list[Gate]:
    """Gates that are stored as open, in the order of their ids, from the one after ``after`` on."""
    query = select(Gate).where(Gate.state == GateState.OPEN, Gate.id > after).order_by(Gate.id).limit(limit)
    return list(session.scalars(query))


def gate_states(session: Session, ids: Collection[int], now: datetime) -> dict[int, GateState]:
    """Effective states by id."""
    query = select(Gate.id, effective_gate_state(now)).where(Gate.id.in_(list(ids)))
    return {row[0]: row[1] for row in session.execute(query)}


def list_gates(
    session: Session,
    *,
    state: GateState | None,
    dag_id: str,
    dag_ids: Collection[str] | None,
    now: datetime,
    limit: int,
    offset: int,
) -> Page[Gate]:
    """Gates, newest first; ``dag_ids`` narrows to those that the caller may read, ``None`` for all."""
    query = select(Gate).order_by(Gate.id.desc())
    if state is not None:
        query = query.where(effective_gate_state(now) == state)
    if dag_id:
        query = query.where(Gate.dag_id == dag_id)
    if dag_ids is not None:
        query = query.where(Gate.dag_id.in_(list(dag_ids)))
    return fetch_page(session, query, limit=limit, offset=offset)


def gated_dag_ids(session: Session) -> set[str]:
    """Ids of all DAGs that ever opened a gate."""
    return set(session.scalars(select(Gate.dag_id).distinct()))


def last_approved(session: Session, actor_id: str, *, before_release: int) -> dict[int, Submission]:
    """By unit id, the newest submission that somebody approved in a release before the given one."""
    query = (
        select(Submission)
        .join(ReleaseItem, ReleaseItem.submission_id == Submission.id)
        .join(
            Approval,
            and_(Approval.subject_type == "release", Approval.subject_id == ReleaseItem.release_id),
        )
        .join(Decision, Decision.approval_id == Approval.id)
        .where(
            Decision.actor_id == actor_id,
            Decision.verdict == Verdict.APPROVE,
            ReleaseItem.release_id < before_release,
        )
        .order_by(Submission.version)
    )
    return {row.unit_id: row for row in session.scalars(query).unique()}
