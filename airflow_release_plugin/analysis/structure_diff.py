"""What changed in the structure of DAGs: attributes, tasks, edges. Read from parse reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from airflow_release_plugin.analysis.parsed_dag import ParsedDag, ParsedTask
from airflow_release_plugin.domain.release.risk import ChangeFact


class PartState(str, Enum):
    """What became of a task or an edge."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True)
class AttributeChange:
    """
    One attribute with another value.

    :param task_id: empty for an attribute of the DAG itself
    """

    dag_id: str
    task_id: str
    attribute: str
    old: str
    new: str
    fact: ChangeFact | None

    def __str__(self) -> str:
        where = f"{self.dag_id}.{self.task_id}" if self.task_id else self.dag_id
        return f"{where}: {self.attribute} {self.old or 'none'} → {self.new or 'none'}"


@dataclass(frozen=True)
class DagDiff:
    """
    One DAG, before and after.

    :param tasks: state by task id, old and new tasks together
    :param edges: state by ``(upstream, downstream)``
    """

    dag_id: str
    state: PartState
    tasks: Mapping[str, PartState]
    edges: Mapping[tuple[str, str], PartState]
    attributes: tuple[AttributeChange, ...]

    def facts(self) -> Iterator[tuple[ChangeFact, str]]:
        """The facts that levels of a flow look at, each with what it was found on."""
        if self.state is PartState.ADDED:
            yield ChangeFact.NEW, self.dag_id
            return
        if self.state is PartState.REMOVED:
            yield ChangeFact.REMOVED, self.dag_id
            return
        for task_id, state in self.tasks.items():
            if state is PartState.ADDED:
                yield ChangeFact.TASK_ADDED, f"{self.dag_id}.{task_id}"
            if state is PartState.REMOVED:
                yield ChangeFact.TASK_REMOVED, f"{self.dag_id}.{task_id}"
        kept = {
            task_id for task_id, state in self.tasks.items() if state in {PartState.SAME, PartState.CHANGED}
        }
        for edge, state in self.edges.items():
            if state is not PartState.SAME and kept.issuperset(edge):
                yield ChangeFact.DEPENDENCIES, f"{self.dag_id}: {edge[0]} → {edge[1]} {state.value}"
        for change in self.attributes:
            if change.fact is not None:
                yield change.fact, str(change)


_DAG_FACTS: Mapping[str, ChangeFact | None] = {
    "schedule": ChangeFact.SCHEDULE,
    "catchup": ChangeFact.CATCHUP,
    "assets_in": ChangeFact.SCHEDULE,
    "assets_out": None,
    "tags": ChangeFact.TAGS,
    "owners": ChangeFact.OWNER,
    "description": None,
}
_TASK_FACTS: Mapping[str, ChangeFact | None] = {
    "type": ChangeFact.OPERATOR,
    "callable": ChangeFact.OPERATOR,
    "pool": ChangeFact.POOL,
    "queue": ChangeFact.QUEUE,
    "retries": ChangeFact.RETRIES,
    "owner": ChangeFact.OWNER,
    "trigger_rule": ChangeFact.DEPENDENCIES,
}


def diff_dags(old: Sequence[ParsedDag], new: Sequence[ParsedDag]) -> tuple[DagDiff, ...]:
    """Every DAG of ``old`` and ``new``, matched by id, sorted by it."""
    before = {dag.dag_id: dag for dag in old}
    after = {dag.dag_id: dag for dag in new}
    return tuple(_diff(before.get(dag_id), after.get(dag_id)) for dag_id in sorted({*before, *after}))


def _diff(old: ParsedDag | None, new: ParsedDag | None) -> DagDiff:
    before, after = old or ParsedDag(""), new or ParsedDag("")
    dag_id = after.dag_id or before.dag_id
    attributes = () if old is None or new is None else tuple(_attribute_changes(dag_id, before, after))
    changed = {change.task_id for change in attributes if change.task_id}
    tasks = _states({t.task_id for t in before.tasks}, {t.task_id for t in after.tasks}, changed)
    edges = _states(set(before.edges), set(after.edges), set())
    moved = bool(attributes) or any(s is not PartState.SAME for s in (*tasks.values(), *edges.values()))
    state = PartState.CHANGED if moved else PartState.SAME
    if old is None:
        state = PartState.ADDED
    if new is None:
        state = PartState.REMOVED
    return DagDiff(dag_id, state, tasks, edges, attributes)


def _states(old: set, new: set, changed: set) -> dict:  # type: ignore[type-arg]
    """State by key, sorted; the keys are task ids or edges."""
    return {
        key: PartState.ADDED
        if key not in old
        else PartState.REMOVED
        if key not in new
        else PartState.CHANGED
        if key in changed
        else PartState.SAME
        for key in sorted(old | new)
    }


def _attribute_changes(dag_id: str, old: ParsedDag, new: ParsedDag) -> Iterator[AttributeChange]:
    for name, fact in _DAG_FACTS.items():
        before, after = _text(getattr(old, name)), _text(getattr(new, name))
        if before != after:
            yield AttributeChange(dag_id, "", name, before, after, fact)
    known: dict[str, ParsedTask] = {task.task_id: task for task in old.tasks}
    for task in new.tasks:
        if task.task_id not in known:
            continue
        for name, fact in _TASK_FACTS.items():
            before, after = _text(getattr(known[task.task_id], name)), _text(getattr(task, name))
            if before != after:
                yield AttributeChange(dag_id, task.task_id, name, before, after, fact)


def _text(value: object) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
