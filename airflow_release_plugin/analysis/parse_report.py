"""What a parse check found out; plain data that travels as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from airflow_release_plugin.analysis.outlook import Outlook
from airflow_release_plugin.analysis.references import References


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
        values = _known(cls, data)
        values["tasks"] = tuple(ParsedTask(**_known(ParsedTask, task)) for task in data.get("tasks", ()))
        values["edges"] = tuple((up, down) for up, down in data.get("edges", ()))
        values["outlook"] = Outlook(**_known(Outlook, data["outlook"])) if data.get("outlook") else None
        return cls(**values)


@dataclass(frozen=True)
class FileReport:
    """
    What became of one DAG file.

    :param error: why it cannot be used, for people; ``""`` when it can. Paths are relative to the tree
    :param warnings: what Airflow or Python warned about
    :param seconds: time that parsing took
    :param references: what the file itself names literally; empty when it cannot be read
    """

    path: str
    dags: tuple[ParsedDag, ...] = ()
    error: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    references: References = field(default_factory=References)

    @property
    def dag_ids(self) -> tuple[str, ...]:
        """Sorted ids of the DAGs in the file."""
        return tuple(sorted(dag.dag_id for dag in self.dags))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FileReport:
        """Read what :func:`dataclasses.asdict` wrote; unknown keys are ignored."""
        values = _known(cls, data)
        values["dags"] = tuple(ParsedDag.from_dict(dag) for dag in data.get("dags", ()))
        values["references"] = References(**_known(References, data.get("references", {})))
        return cls(**values)


@dataclass(frozen=True)
class ParseReport:
    """
    The result of a parse check.

    :param files: in the order in which they were asked for
    :param seconds: wall time of the whole check
    """

    files: tuple[FileReport, ...]
    seconds: float = 0.0

    @property
    def duplicates(self) -> dict[str, tuple[str, ...]]:
        """DAG ids that several files define, with these files."""
        places: dict[str, list[str]] = {}
        for file in self.files:
            for dag_id in file.dag_ids:
                places.setdefault(dag_id, []).append(file.path)
        return {dag_id: tuple(paths) for dag_id, paths in sorted(places.items()) if len(paths) > 1}

    @property
    def is_ok(self) -> bool:
        """Whether every file can be used and no DAG id is defined twice."""
        return not self.duplicates and not any(file.error for file in self.files)

    @property
    def dag_ids(self) -> tuple[str, ...]:
        """Sorted ids of all DAGs."""
        return tuple(sorted({dag_id for file in self.files for dag_id in file.dag_ids}))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; ``is_ok`` and ``duplicates`` are added for readers."""
        return {**asdict(self), "is_ok": self.is_ok, "duplicates": self.duplicates}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ParseReport:
        """Read what :meth:`to_dict` wrote, also after a trip through JSON."""
        files = tuple(FileReport.from_dict(file) for file in data.get("files", ()))
        return cls(files=files, seconds=float(data.get("seconds", 0.0)))


def _known(cls: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values for the fields of ``cls``, with JSON's lists as tuples."""
    return {item.name: _tuples(data[item.name]) for item in fields(cls) if item.name in data}


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, (str, Mapping)) else value
