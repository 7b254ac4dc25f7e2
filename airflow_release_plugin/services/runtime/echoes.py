"""
What the trail is told, and others hear of in the same transaction: counters, and Airflow's audit log.

So nothing is counted, or told there, that the trail does not have, and no use case has to think of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from airflow_release_plugin.domain.airflow_log import LogLine, name_of
from airflow_release_plugin.domain.event_metrics import counter_of
from airflow_release_plugin.domain.events import EventTag, JsonValue
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.tasks import TaskKey
from airflow_release_plugin.models import Gate
from airflow_release_plugin.models.release import release_number
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.services.runtime.context import Context

Told = tuple[EventTag, str, Mapping[str, JsonValue]]
"""Tag, subject and data of an event."""


class _Subjects(NamedTuple):
    """DAG ids of releases, and gates, by id."""

    dag_ids: Mapping[int, list[str]]
    gates: Mapping[int, Gate]


def echo(ctx: Context, events: Iterable[Told], *, actor: Actor) -> None:
    """Count events, and tell Airflow's log of deeds; at most three statements, however many there are."""
    events = list(events)
    for tag, subject, data in events:
        if (counter := counter_of(tag, subject, data)) is not None:
            metric, tags = counter
            ctx.airflow.metrics.send(metric, 1, **tags)
    deeds = [event for event in events if name_of(event[0], event[2])]
    if deeds:
        subjects = _subjects(ctx, deeds)
        ctx.airflow.log.note([line for deed in deeds for line in _lines(ctx, deed, subjects, actor)])


def _subjects(ctx: Context, deeds: Iterable[Told]) -> _Subjects:
    ids: dict[str, set[int]] = {"release": set(), "gate": set()}
    for _, subject, _ in deeds:
        kind, _, number = subject.partition(":")
        if kind in ids:
            ids[kind].add(int(number))
    return _Subjects(
        release_queries.dag_ids_of(ctx.session, ids["release"]) if ids["release"] else {},
        approval_queries.gates_by_id(ctx.session, ids["gate"]) if ids["gate"] else {},
    )


def _lines(ctx: Context, deed: Told, subjects: _Subjects, actor: Actor) -> list[LogLine]:
    tag, subject, data = deed
    kind, _, name = subject.partition(":")
    line = LogLine(ctx.clock(), name_of(tag, data), actor.name)
    if kind == "release":
        number = int(name)
        line = line.about({"release": release_number(number)})
        return line.for_each(subjects.dag_ids.get(number, ()))
    gate = subjects.gates.get(int(name)) if kind == "gate" else None
    if gate is not None:
        return [line.about({"gate": gate.id}).at_task(_task_of(gate))]
    return [line.about({kind: name})]


def _task_of(gate: Gate) -> TaskKey:
    return TaskKey(gate.dag_id, gate.run_id, gate.task_id, gate.map_index, gate.try_number)
