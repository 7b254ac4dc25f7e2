"""What DAGs look like to Airflow, in the process that has just made them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_release_plugin.analysis.parsed_dag import ParsedDag, ParsedTask

_OF_PLACE = frozenset(
    {"fileloc", "relative_fileloc", "bundle_name", "bundle_version", "last_loaded", "_processor_dags_folder"}
)
"""What a serialised DAG says about where, and when, it was made."""
_MODULE_OF_FILE = re.compile(r"unusual_prefix_[0-9a-f]{40}_")
"""Airflow names the module of a DAG file by the hash of its path; operators defined there carry that name."""


def describe(dag: Any, schedule: str | None) -> ParsedDag:
    """
    Describe a DAG.

    :param dag: as DAG code made it
    :param schedule: summary of its timetable
    """
    tasks = sorted(dag.tasks, key=lambda task: str(task.task_id))
    condition = getattr(dag.timetable, "asset_condition", None)
    return ParsedDag(
        dag_id=dag.dag_id,
        schedule=None if schedule in {None, "None", "Never, external triggers only"} else schedule,
        description=dag.description or "",
        catchup=bool(dag.catchup),
        tasks=tuple(_task(task) for task in tasks),
        edges=tuple(sorted((task.task_id, after) for task in tasks for after in task.downstream_task_ids)),
        tags=tuple(sorted(dag.tags)),
        owners=tuple(sorted({task.owner for task in tasks if task.owner})),
        assets_in=_asset_names([condition] if condition is not None else []),
        assets_out=_asset_names(outlet for task in tasks for outlet in getattr(task, "outlets", None) or ()),
        paused_at_creation=dag.is_paused_upon_creation,
    )


def canonical(serialized: Mapping[str, Any], tree: str) -> str:
    """
    A DAG as Airflow serialises it, as one JSON text that is the same wherever its tree lies.

    :param tree: folder that is left out of texts
    """
    return _placeless(serialized, re.escape(json.dumps(tree)[1:-1]))


def canonical_of_served(serialized: Mapping[str, Any]) -> str:
    """
    The same for a DAG as a dag processor has stored it: its tree is where the stored DAG says that it lay.

    That is a link to the tree of a commit, which code may have followed.
    """
    dag = serialized.get("dag", {})
    path, place = str(dag.get("relative_fileloc") or ""), str(dag.get("fileloc") or "")
    if not path or not place.endswith(f"/{path}"):
        return _placeless(serialized, r"(?!)")
    tree = place.removesuffix(f"/{path}")
    below = json.dumps(tree.rpartition("/")[0])[1:-1]
    return _placeless(
        serialized, rf"{re.escape(json.dumps(tree)[1:-1])}|{re.escape(below)}/\w+/[0-9a-f]{{40}}"
    )


def digest_of(text: str) -> str:
    """SHA-256 (64 hex digits) of what :func:`canonical` says."""
    return hashlib.sha256(text.encode()).hexdigest()


def _placeless(serialized: Mapping[str, Any], places: str) -> str:
    """A serialised DAG as text, without what matches ``places``."""
    text = json.dumps(_without_place(serialized), sort_keys=True, separators=(",", ":"), default=str)
    return _MODULE_OF_FILE.sub("", re.sub(places, ".", text))


def _without_place(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_place(each) for name, each in value.items() if name not in _OF_PLACE}
    if isinstance(value, list | tuple):
        return [_without_place(each) for each in value]
    return value


def _task(task: Any) -> ParsedTask:
    return ParsedTask(
        task_id=task.task_id,
        type=task.task_type,
        pool=task.pool or "",
        queue=task.queue or "",
        owner=task.owner or "",
        trigger_rule=str(getattr(task.trigger_rule, "value", task.trigger_rule) or ""),
        retries=int(task.retries or 0),
        callable=getattr(getattr(task, "python_callable", None), "__qualname__", ""),
        executor=task.executor or "",
        connections=_connections(task),
    )


def _connections(task: Any) -> tuple[str, ...]:
    named = {**getattr(task, "partial_kwargs", {}), **getattr(task, "__dict__", {})}
    ids = (value for name, value in named.items() if name.endswith("conn_id"))
    return tuple(sorted({value for value in ids if isinstance(value, str) and value and "{{" not in value}))


def _asset_names(assets: Iterable[Any]) -> tuple[str, ...]:
    names: set[str] = set()
    pending = list(assets)
    while pending:
        asset = pending.pop()
        pending.extend(getattr(asset, "objects", ()))  # of "all of" and "any of"
        if name := getattr(asset, "name", None) or getattr(asset, "uri", None):
            names.add(name)
    return tuple(sorted(names))
