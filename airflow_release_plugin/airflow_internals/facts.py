"""What Airflow's dag processor found out about DAGs, in a number of queries that does not grow with them."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from airflow_release_plugin.domain.ports import DagFacts, KnownDag

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_BATCH = 500
"""Most values in one IN list."""

_MOST_SHAPES = 10_000

_Shape = Mapping[str, tuple[str, ...]]
_shapes: dict[str, _Shape] = {}
"""What :func:`_shape` finds, by the hash of the serialized DAG, which says everything about its content."""


def dag_facts(
    session: Session, bundle: str, paths: Collection[str] | None = None
) -> dict[str, tuple[DagFacts, ...]]:
    """
    Facts on the active DAGs of a bundle, by path and then in the order of ids.

    ``bundle_version`` is the newest version that both the code and the stored structure of the DAG are from;
    see :func:`_settled_version`.

    :param paths: POSIX paths relative to the bundle; all of them if left out
    """
    paths = None if paths is None else frozenset(paths)
    rows: list[Any] = _dag_rows(session, bundle, paths)
    tags = _tags(session, bundle, paths)
    shapes = _load_shapes(session, {row.dag_hash: row.serialized_id for row in rows if row.dag_hash})
    found: dict[str, list[DagFacts]] = defaultdict(list)
    for row in rows:
        found[row.path].append(
            DagFacts(
                dag_id=row.dag_id,
                path=row.path,
                bundle=bundle,
                bundle_version=_settled_version(row),
                display_name=row.display_name or row.dag_id,
                schedule=None if row.schedule in (None, "", "None") else row.schedule,
                paused=bool(row.paused),
                tags=tuple(sorted(tags.get(row.dag_id, ()))),
                owners=tuple(part.strip() for part in (row.owners or "").split(",") if part.strip()),
                last_parsed=row.last_parsed,
                **shapes.get(row.dag_hash, {}),
            )
        )
    return {path: tuple(facts) for path, facts in found.items()}


def known_dags(session: Session, bundle: str) -> dict[str, tuple[KnownDag, ...]]:
    """The active DAGs of a bundle, by path and then in the order of ids; one query of one table."""
    from airflow.models.dag import DagModel
    from sqlalchemy import select

    query = (
        select(DagModel.relative_fileloc, DagModel.dag_id, DagModel.last_parsed_time)
        .where(DagModel.bundle_name == bundle, DagModel.is_stale.is_(False))
        .order_by(DagModel.dag_id)
    )
    found: dict[str, list[KnownDag]] = defaultdict(list)
    for path, dag_id, last_parsed in session.execute(query):
        if path:
            found[path].append(KnownDag(dag_id, last_parsed))
    return {path: tuple(dags) for path, dags in found.items()}


def stored_import_errors(
    session: Session, bundle: str, paths: Collection[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Stack traces that Airflow stored for files of a bundle, by path."""
    from airflow.models.errors import ParseImportError
    from sqlalchemy import select

    query = select(ParseImportError.filename, ParseImportError.stacktrace).where(
        ParseImportError.bundle_name == bundle
    )
    if _selective(paths):
        query = query.where(ParseImportError.filename.in_(paths))  # type: ignore[arg-type]
    wanted = None if paths is None else frozenset(paths)
    found: dict[str, tuple[str, ...]] = {}
    for path, trace in session.execute(query.order_by(ParseImportError.id)):
        if path and (wanted is None or path in wanted):
            found[path] = (*found.get(path, ()), trace or "")
    return found


def _selective(paths: Collection[str] | None) -> bool:
    return paths is not None and len(paths) <= _BATCH


def _dag_rows(session: Session, bundle: str, paths: Collection[str] | None) -> list[Any]:
    from airflow.models.dag import DagModel
    from airflow.models.dag_version import DagVersion
    from airflow.models.serialized_dag import SerializedDagModel
    from sqlalchemy import and_, func, select

    wanted = select(DagModel.dag_id).where(DagModel.bundle_name == bundle)
    if _selective(paths):
        wanted = wanted.where(DagModel.relative_fileloc.in_(paths))  # type: ignore[arg-type]
    newest = (
        select(DagVersion.dag_id, func.max(DagVersion.version_number).label("number"))
        .where(DagVersion.dag_id.in_(wanted))  # else the versions of all DAGs are counted for a single file
        .group_by(DagVersion.dag_id)
        .subquery()
    )
    query = (
        select(
            DagModel.dag_id.label("dag_id"),
            DagModel.relative_fileloc.label("path"),
            DagModel.bundle_version.label("code_version"),
            DagModel._dag_display_property_value.label("display_name"),
            DagModel.timetable_summary.label("schedule"),
            DagModel.is_paused.label("paused"),
            DagModel.owners.label("owners"),
            DagModel.last_parsed_time.label("last_parsed"),
            DagVersion.bundle_version.label("structure_version"),
            SerializedDagModel.id.label("serialized_id"),
            SerializedDagModel.dag_hash.label("dag_hash"),
            SerializedDagModel.last_updated.label("structure_updated"),
        )
        .outerjoin(newest, newest.c.dag_id == DagModel.dag_id)
        .outerjoin(
            DagVersion,
            and_(DagVersion.dag_id == DagModel.dag_id, DagVersion.version_number == newest.c.number),
        )
        .outerjoin(SerializedDagModel, SerializedDagModel.dag_version_id == DagVersion.id)
        .where(DagModel.dag_id.in_(wanted), DagModel.is_stale.is_(False))
        .order_by(DagModel.dag_id)
    )
    return [row for row in session.execute(query) if row.path and (paths is None or row.path in paths)]


def _tags(session: Session, bundle: str, paths: Collection[str] | None) -> Mapping[str, list[str]]:
    from airflow.models.dag import DagModel, DagTag
    from sqlalchemy import select

    query = (
        select(DagTag.dag_id, DagTag.name)
        .join(DagModel, DagModel.dag_id == DagTag.dag_id)
        .where(DagModel.bundle_name == bundle)
    )
    if _selective(paths):
        query = query.where(DagModel.relative_fileloc.in_(paths))  # type: ignore[arg-type]
    found: dict[str, list[str]] = defaultdict(list)
    for dag_id, name in session.execute(query):
        found[dag_id].append(name)
    return found


def _load_shapes(session: Session, wanted: Mapping[str, UUID]) -> Mapping[str, _Shape]:
    """Shapes by hash. Serialized DAGs are large, so each is read once in a process."""
    from airflow.models.serialized_dag import SerializedDagModel
    from sqlalchemy import select

    if len(_shapes) > _MOST_SHAPES:
        _shapes.clear()
    missing = [serialized_id for dag_hash, serialized_id in wanted.items() if dag_hash not in _shapes]
    for start in range(0, len(missing), _BATCH):
        # Columns, not objects: an object keeps the content that it was made with, and Airflow rewrites rows
        # in place.
        query = select(
            SerializedDagModel.dag_hash, SerializedDagModel._data, SerializedDagModel._data_compressed
        ).where(SerializedDagModel.id.in_(missing[start : start + _BATCH]))
        for dag_hash, data, compressed in session.execute(query):
            _shapes[dag_hash] = _shape(json.loads(zlib.decompress(compressed)) if compressed else data or {})
    return _shapes


def connection_types(session: Session, ids: Collection[str]) -> dict[str, str]:
    """Types of connections that are kept in Airflow's database, by id."""
    from airflow.models.connection import Connection
    from sqlalchemy import select

    query = select(Connection.conn_id, Connection.conn_type).where(Connection.conn_id.in_(list(ids)))
    return {conn_id: conn_type or "" for conn_id, conn_type in session.execute(query)}


def _shape(data: Mapping[str, Any]) -> _Shape:
    """Tasks, pools, and other DAGs and assets, under the names that :class:`DagFacts` has for them."""
    dag = data.get("dag", {})
    return {**_tasks_and_pools(dag), **_dependencies(dag)}


def _dependencies(dag: Mapping[str, Any]) -> _Shape:
    found: dict[str, set[str]] = {"awaits": set(), "triggers": set(), "assets_in": set(), "assets_out": set()}
    for item in dag.get("dag_dependencies", ()):
        comes_in = item.get("target") == dag.get("dag_id")
        kind, other = item.get("dependency_type", ""), item.get("source" if comes_in else "target", "")
        if kind == "sensor" and comes_in:
            found["awaits"].add(str(other))
        elif kind == "trigger" and not comes_in:
            found["triggers"].add(str(other))
        elif kind.startswith("asset") and item.get("label"):
            found["assets_in" if comes_in else "assets_out"].add(str(item["label"]))
    return {name: tuple(sorted(values)) for name, values in found.items()}


def _tasks_and_pools(dag: Mapping[str, Any]) -> _Shape:
    tasks, pools = [], set()
    for item in dag.get("tasks", ()):
        task = item.get("__var", item)
        tasks.append(str(task.get("task_id")))
        pools.add(str(task.get("pool") or task.get("partial_kwargs", {}).get("pool") or "default_pool"))
    return {"tasks": tuple(sorted(tasks)), "pools": tuple(sorted(pools))}


def _settled_version(row: Any) -> str | None:
    """
    The bundle version that new runs will really be of.

    ``DagModel.bundle_version`` changes with every parse and decides which code runs. The stored structure
    (which tasks there are) is left alone when it was written less than
    ``[core] min_serialized_dag_update_interval`` before, so for that time a new run would have old tasks.
    Airflow 3.3 moves ``DagVersion.bundle_version`` along when the structure did not change; 3.2 does not,
    hence the comparison of times.
    """
    from airflow.configuration import conf

    code: str | None = row.code_version
    structure: str | None = row.structure_version
    if code == structure or row.structure_updated is None:
        return code
    interval = timedelta(seconds=conf.getint("core", "min_serialized_dag_update_interval", fallback=30))
    looked_at = row.last_parsed is not None and row.last_parsed - interval >= row.structure_updated
    return code if looked_at else structure
