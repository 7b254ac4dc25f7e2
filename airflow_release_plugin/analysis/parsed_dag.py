"""DAGs as Airflow understood them when their file was run: plain data that travels as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from airflow_release_plugin.analysis.outlook import Outlook


@dataclass(frozen=True)
class ParsedTask:
    """
    One task.

    :param type: the operator's class name
    :param callable: name of a Python task's function
    :param connections: ids that its arguments name, also those that nobody gave: an operator's defaults
    """

    task_id: str
    type: str
    pool: str = ""
    queue: str = ""
    owner: str = ""
    trigger_rule: str = ""
    retries: int = 0
    callable: str = ""
    executor: str = ""
    connections: tuple[str, ...] = ()


@dataclass(frozen=True)
class ParsedDag:
    """
    One DAG, as Airflow understood it.

    :param schedule: the timetable's summary, ``None`` for a DAG that only runs by hand
    :param edges: ``(upstream, downstream)`` task ids, sorted
    :param assets_in: assets that the schedule waits for, by name
    :param assets_out: assets that tasks produce, by name
    :param paused_at_creation: what the file says; ``None`` leaves it to Airflow's configuration
    :param outlook: only of DAGs that it was asked for
    """

    dag_id: str
    schedule: str | None = None
    description: str = ""
    catchup: bool = False
    tasks: tuple[ParsedTask, ...] = ()
    edges: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    assets_in: tuple[str, ...] = ()
    assets_out: tuple[str, ...] = ()
    paused_at_creation: bool | None = None
    outlook: Outlook | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ParsedDag:
        """Read what :func:`dataclasses.asdict` wrote; unknown keys are ignored."""
        values = known_values(cls, data)
        values["tasks"] = tuple(
            ParsedTask(**known_values(ParsedTask, task)) for task in data.get("tasks", ())
        )
        values["edges"] = tuple((up, down) for up, down in data.get("edges", ()))
        values["outlook"] = Outlook(**known_values(Outlook, data["outlook"])) if data.get("outlook") else None
        return cls(**values)


def known_values(cls: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values for the fields of ``cls``, with JSON's lists as tuples."""
    return {item.name: _tuples(data[item.name]) for item in fields(cls) if item.name in data}


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, (str, Mapping)) else value
