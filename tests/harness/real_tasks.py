"""Tasks that run as a worker runs them: supervised, in a process of their own that has no database."""

from __future__ import annotations

import gc
import sys
import uuid
import warnings
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import insert, select
from sqlalchemy.orm import Session, sessionmaker


class Worker:
    """
    Runs tasks of one bundle against Airflow's own execution API.

    :param sessions: on the database that Airflow's own functions use
    :param folder: of the bundle
    :param logs: where logs go
    """

    def __init__(self, sessions: sessionmaker[Session], bundle: str, folder: Path, logs: Path) -> None:
        self._sessions = sessions
        self._bundle = bundle
        self._folder = folder
        self._log = logs / f"{bundle}.log"
        self.version: str | None = None

    @property
    def log(self) -> str:
        """What tasks logged."""
        return self._log.read_text() if self._log.exists() else ""

    def run(self, dag_id: str, task_id: str, run_id: str = "manual") -> str:
        """Parse the bundle as the dag processor does, run one task, and tell its state."""
        with self._sessions() as session:
            self._parse(session)
            instance_id = self._queue(session, dag_id, task_id, run_id)
            session.commit()
        with self._sessions() as session, warnings.catch_warnings():
            # The supervisor leaves it to the end of its process to close some sockets.
            warnings.simplefilter("ignore", ResourceWarning)
            self._supervise(session, instance_id)
            gc.collect()
        with self._sessions() as session:
            return str(_instance(session, instance_id).state)

    def end_run(self, dag_id: str, state: str = "success", run_id: str = "manual") -> None:
        """What the scheduler does when all tasks of a run are through."""
        from airflow.models.dagrun import DagRun

        with self._sessions() as session:
            run = session.scalars(select(DagRun).filter_by(dag_id=dag_id, run_id=run_id)).one()
            run.state, run.end_date = state, datetime.now(timezone.utc)
            session.commit()

    def _parse(self, session: Session) -> None:
        from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
        from airflow.models.dagbundle import DagBundleModel

        if session.get(DagBundleModel, self._bundle) is None:
            session.add(DagBundleModel(name=self._bundle))
            session.flush()
        before = set(sys.modules)
        bag = DagBag(self._folder, bundle_path=self._folder, bundle_name=self._bundle)
        assert not bag.import_errors, bag.import_errors
        # A worker did not parse: its processes import for themselves.
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(self._folder)):
                del sys.modules[name]
        sync_bag_to_db(bag, self._bundle, self.version, session=session)
        session.flush()

    def _queue(self, session: Session, dag_id: str, task_id: str, run_id: str) -> uuid.UUID:
        from airflow.models.dag_version import DagVersion
        from airflow.models.dagrun import DagRun
        from airflow.models.taskinstance import TaskInstance

        now = datetime.now(timezone.utc)
        version = session.scalars(
            select(DagVersion).filter_by(dag_id=dag_id).order_by(DagVersion.version_number.desc())
        ).first()
        assert version is not None, f"{dag_id} was not parsed"
        if session.scalar(select(DagRun.id).filter_by(dag_id=dag_id, run_id=run_id)) is None:
            values = {
                "run_type": "manual",
                "state": "running",
                "run_after": now,
                "start_date": now,
                "logical_date": now,
                "queued_at": now,
                "created_dag_version_id": version.id,
                "triggered_by": "UI",
                "conf": {},
            }
            session.execute(insert(DagRun).values(dag_id=dag_id, run_id=run_id, **values))
        place = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": -1}
        found = session.scalars(select(TaskInstance).filter_by(**place)).first()
        if found is not None:
            found.state = "queued"
            return found.id
        made = uuid.uuid4()
        session.execute(
            insert(TaskInstance).values(
                id=made,
                **place,
                state="queued",
                try_number=1,
                max_tries=0,
                pool="default_pool",
                pool_slots=1,
                queue="default",
                priority_weight=1,
                dag_version_id=version.id,
                queued_dttm=now,
            )
        )
        return made

    def _supervise(self, session: Session, instance_id: uuid.UUID) -> None:
        from airflow.executors.workloads import BundleInfo
        from airflow.executors.workloads.task import TaskInstanceDTO
        from airflow.sdk.execution_time import supervisor

        instance = _instance(session, instance_id)
        path = instance.dag_model.relative_fileloc
        workload = TaskInstanceDTO.model_validate(instance, from_attributes=True)
        session.rollback()
        supervise = getattr(supervisor, "supervise_task", None) or supervisor.supervise
        supervise(
            ti=workload,
            bundle_info=BundleInfo(name=self._bundle, version=self.version),
            dag_rel_path=path,
            token="",
            client=_client(supervisor),
            log_path=str(self._log),
        )


def _client(supervisor: Any) -> Any:
    """Airflow's execution API in this process, as its own ``dag.test()`` uses it."""
    import svcs

    serve = supervisor.in_process_api_server

    def with_registry() -> Any:
        api = serve()
        # 3.2 does not wait until its application has started, which fails here, and takes away at any moment
        # what the start itself had attached. What is there before stays.
        api.app.state.svcs_registry = svcs.Registry()
        return api

    with patch.object(supervisor, "in_process_api_server", with_registry):
        return supervisor.InProcessTestSupervisor._api_client(dag=object())


def _instance(session: Session, instance_id: uuid.UUID) -> Any:
    from airflow.models.taskinstance import TaskInstance

    return session.scalars(select(TaskInstance).filter_by(id=instance_id)).one()
