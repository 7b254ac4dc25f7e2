"""The bundles that this Airflow is configured with, and the history of the DAGs that they serve."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from airflow_release_plugin.airflow_internals.source import bundle_list, open_bundle
from airflow_release_plugin.airflow_internals.source_location import bundle_location
from airflow_release_plugin.domain.bundle_folders import BundleFolder, ServingFolders
from airflow_release_plugin.domain.ports import DagStanding
from airflow_release_plugin.exceptions import InvalidRequestError, NotFoundError
from airflow_release_plugin.messages import Message

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_OWN = "airflow_release_plugin."
_BATCH = 500


class AirflowBundles:
    """
    Bundles as configured, DAGs and runs as stored.

    :param session: only read
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def folder(self, wanted: str) -> BundleFolder:
        """A bundle by its name or its folder, refreshed."""
        classes = _classes()
        name = wanted if wanted in classes else _at(wanted, classes)
        if name is None:
            raise NotFoundError(
                "No bundle of this Airflow is named %(wanted)r or reads that folder. Configured: "
                "%(names)s ([dag_processor] dag_bundle_config_list).",
                wanted=wanted,
                names=sorted(classes) or Message("none"),
            )
        if classes[name].startswith(_OWN):
            raise InvalidRequestError(
                "Bundle %(name)r is one of Airflow Release itself; name the one that holds your Dags today.",
                name=name,
            )
        snapshot = open_bundle(name)
        return BundleFolder(name, snapshot.root, snapshot.dag_files)

    def plain(self) -> tuple[str, ...]:
        """Names of the configured bundles that serve no releases."""
        return tuple(sorted(name for name, path in _classes().items() if not path.startswith(_OWN)))

    def serving_folders(self, environment: str) -> ServingFolders | None:
        """Where this machine keeps what it serves for an environment."""
        from airflow.dag_processing.bundles.manager import DagBundlesManager

        for name, classpath in _classes().items():
            if classpath.startswith(_OWN):
                bundle: Any = DagBundlesManager().get_bundle(name)
                if getattr(bundle, "environment", None) == environment:
                    return cast("ServingFolders", bundle.folders)
        return None

    def newest_run(self) -> int:
        """Id of the newest DAG run."""
        from airflow.models.dagrun import DagRun
        from sqlalchemy import func, select

        return self._session.scalar(select(func.max(DagRun.id))) or 0

    def standings(self, dag_ids: Iterable[str], *, up_to_run: int) -> Mapping[str, DagStanding]:
        """DAGs and their runs; three queries for each 500."""
        from airflow.models.dag import DagModel
        from airflow.models.dagrun import DagRun
        from airflow.utils.types import DagRunType
        from sqlalchemy import func, select

        found: dict[str, DagStanding] = {}
        for ids in _batches(sorted(set(dag_ids))):
            kept: dict[str, int] = dict(
                self._rows(
                    select(DagRun.dag_id, func.count())
                    .where(DagRun.dag_id.in_(ids), DagRun.id <= up_to_run)
                    .group_by(DagRun.dag_id)
                )
            )
            new: dict[str, datetime] = dict(
                self._rows(
                    select(DagRun.dag_id, func.min(DagRun.logical_date))
                    .where(DagRun.dag_id.in_(ids), DagRun.id > up_to_run)
                    .where(DagRun.run_type == DagRunType.SCHEDULED)
                    .group_by(DagRun.dag_id)
                )
            )
            dags = select(
                DagModel.dag_id,
                DagModel.bundle_name,
                DagModel.is_stale,
                DagModel.is_paused,
                DagModel.timetable_summary,
                DagModel.next_dagrun,
            ).where(DagModel.dag_id.in_(ids))
            for dag_id, bundle, stale, paused, schedule, next_run in self._rows(dags):
                found[dag_id] = DagStanding(
                    dag_id=dag_id,
                    bundle=bundle or "",
                    active=not stale,
                    paused=bool(paused),
                    schedule=schedule or "",
                    next_run=next_run,
                    runs=kept.get(dag_id, 0),
                    first_new_run=new.get(dag_id),
                )
        return found

    def _rows(self, query: Any) -> Iterator[tuple[Any, ...]]:
        return (tuple(row) for row in self._session.execute(query))


def _batches(names: list[str]) -> Iterator[list[str]]:
    return (names[start : start + _BATCH] for start in range(0, len(names), _BATCH))


def _classes() -> dict[str, str]:
    """Class path by bundle name."""
    return {str(item["name"]): str(item["classpath"]) for item in json.loads(bundle_list() or "[]")}


def _at(folder: str, names: Iterable[str]) -> str | None:
    """The bundle that reads exactly this folder."""
    real = os.path.realpath(Path(folder).expanduser())
    for name in names:
        location = bundle_location(name)
        if location and location.path and os.path.realpath(location.path) == real:
            return name
    return None
