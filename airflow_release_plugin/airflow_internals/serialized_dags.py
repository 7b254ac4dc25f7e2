"""The DAGs of a bundle as Airflow's dag processor has stored them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from airflow_release_plugin.domain.release.environment_proof import SerializedDag

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_AT_A_TIME = 100
"""Serialised DAGs are large; so many are in memory."""


def serialized_dags(
    session: Session, bundle: str, dag_ids: Collection[str] | None = None
) -> Iterator[SerializedDag]:
    """Those that are served, by their ids; all if ``dag_ids`` is left out. One query, read in parts."""
    from airflow.models.dag import DagModel
    from airflow.models.dag_version import DagVersion
    from airflow.models.serialized_dag import SerializedDagModel
    from sqlalchemy import and_, func, select

    wanted = select(DagModel.dag_id).where(DagModel.bundle_name == bundle, DagModel.is_stale.is_(False))
    if dag_ids is not None:
        wanted = wanted.where(DagModel.dag_id.in_(list(dag_ids)))
    newest = (
        select(DagVersion.dag_id, func.max(DagVersion.version_number).label("number"))
        .where(DagVersion.dag_id.in_(wanted))
        .group_by(DagVersion.dag_id)
        .subquery()
    )
    # Columns, not objects: an object keeps the content that it was made with, and Airflow rewrites rows.
    query = (
        select(
            DagModel.dag_id,
            DagModel.relative_fileloc,
            DagModel.bundle_version,
            SerializedDagModel._data,
            SerializedDagModel._data_compressed,
        )
        .join(newest, newest.c.dag_id == DagModel.dag_id)
        .join(
            DagVersion,
            and_(DagVersion.dag_id == DagModel.dag_id, DagVersion.version_number == newest.c.number),
        )
        .join(SerializedDagModel, SerializedDagModel.dag_version_id == DagVersion.id)
        .order_by(DagModel.dag_id)
        .execution_options(yield_per=_AT_A_TIME)
    )
    for dag_id, path, version, data, compressed in session.execute(query):
        found = json.loads(zlib.decompress(compressed)) if compressed else data or {}
        yield SerializedDag(dag_id, path or "", version or "", found)
