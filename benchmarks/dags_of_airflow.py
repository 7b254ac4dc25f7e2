"""Rows of Airflow's tables, as its dag processor leaves them when it has parsed DAG files."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_TASKS = [{"__var": {"task_id": task_id}} for task_id in ("extract", "transform", "load")]


def make_tables(session: Session, bundle: str) -> None:
    """Create Airflow's tables, and say which bundle there is."""
    from airflow.models import import_all_models
    from airflow.models.base import Base
    from airflow.models.dagbundle import DagBundleModel

    import_all_models()
    Base.metadata.create_all(session.get_bind())
    session.add(DagBundleModel(name=bundle))
    session.commit()


def note_parsed(session: Session, bundle: str, paths: Iterable[str], *, tag: str) -> None:
    """Insert one DAG for each file, with one version, its structure and a tag."""
    from airflow.models.dag import DagModel, DagTag
    from airflow.models.dag_version import DagVersion
    from airflow.models.serialized_dag import SerializedDagModel

    tables: tuple[Any, ...] = (DagModel, DagVersion, SerializedDagModel, DagTag)
    parsed = [_rows(bundle, path, tag) for path in paths]
    for table, rows in zip(tables, zip(*parsed, strict=True), strict=True):
        session.execute(insert(table.__table__), rows)
    session.commit()


def _rows(bundle: str, path: str, tag: str) -> tuple[dict[str, Any], ...]:
    """A row for each of the tables."""
    dag_id, version, now = f"{bundle}.{PurePosixPath(path).stem}", uuid.uuid4(), datetime.now(timezone.utc)
    made = {"created_at": now, "last_updated": now}
    return (
        {
            "dag_id": dag_id,
            "bundle_name": bundle,
            "relative_fileloc": path,
            "fileloc": f"/dags/{path}",
            "is_stale": False,
            "last_parsed_time": now,
            "timetable_summary": "@daily",
            "owners": "data-team",
            "max_active_tasks": 16,
            "max_consecutive_failed_dag_runs": 0,
            "has_task_concurrency_limits": False,
        },
        {"id": version, "dag_id": dag_id, "version_number": 1, "bundle_name": bundle, **made},
        {
            "id": uuid.uuid4(),
            "dag_id": dag_id,
            "dag_version_id": version,
            "dag_hash": version.hex,
            "data": {"dag": {"dag_id": dag_id, "tasks": _TASKS}},
            **made,
        },
        {"dag_id": dag_id, "name": tag},
    )
