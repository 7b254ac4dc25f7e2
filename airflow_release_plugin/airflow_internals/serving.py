"""Makes Airflow serve what was promoted, starts runs, and says what is served."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from airflow_release_plugin.airflow_internals.facts import dag_facts, stored_import_errors
from airflow_release_plugin.airflow_internals.live_dags import last_runs, live_dags, paused, recent_runs
from airflow_release_plugin.airflow_internals.machines import machines_at_work
from airflow_release_plugin.airflow_internals.pipeline_runs import ENDED_RUN_STATES, pipeline_runs
from airflow_release_plugin.airflow_internals.serialized_dags import serialized_dags
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import DagFacts, LastRun, LiveDag, RunFacts, ServedState
from airflow_release_plugin.domain.release.environment_proof import SerializedDag
from airflow_release_plugin.domain.release.lost_runs import Beats, PipelineRun
from airflow_release_plugin.domain.tasks import TaskKey
from airflow_release_plugin.exceptions import InvalidRequestError, NotFoundError
from airflow_release_plugin.messages import Message

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

_JOBS = {
    "SchedulerJob": "scheduler",
    "DagProcessorJob": "dag_processor",
    "TriggererJob": "triggerer",
}
_WAITING = frozenset({"deferred", "running", "queued", "scheduled", "up_for_reschedule", "awaiting_input"})
_BATCH = 200


class AirflowServing:
    """
    Airflow's own tables, as far as releases touch them.

    :param session: everything happens in it; the caller commits
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def announce(self, bundle: str, commit: str, paths: Iterable[str]) -> None:
        """
        Tell every dag processor that ``bundle`` is now at ``commit``; parse ``paths`` first.

        Takes effect when the caller commits, so commit after the files can be read. May be repeated. A bundle
        that no dag processor has seen yet needs no telling: it is refreshed when it is first seen.
        """
        from airflow.models.dagbundle import DagBundleModel

        stored = self._session.get(DagBundleModel, bundle)
        if stored is None:
            log.info("Bundle %r is not known to Airflow yet; nothing to announce", bundle)
            return
        stored.version = commit
        self._ask_to_parse(bundle, sorted(set(paths)))

    def served(self, bundle: str, paths: Collection[str]) -> Mapping[str, ServedState]:
        """What is served for each of ``paths``; a path that is not served has neither DAGs nor errors."""
        facts = dag_facts(self._session, bundle, paths)
        errors = stored_import_errors(self._session, bundle, paths)
        return {
            path: ServedState(path=path, dags=facts.get(path, ()), import_errors=errors.get(path, ()))
            for path in paths
        }

    def serialized(self, bundle: str, dag_ids: Collection[str] | None = None) -> Iterator[SerializedDag]:
        """The DAGs of a bundle that are served, by their ids; all of them if ``dag_ids`` is left out."""
        return serialized_dags(self._session, bundle, dag_ids)

    def trigger(
        self, dag_id: str, *, run_id: str, conf: Mapping[str, Any] | None, actor: Actor, unpause: bool = False
    ) -> RunFacts:
        """
        Start a run for now, as Airflow's own form does; a run with that id that exists already is returned.

        :param unpause: also let the scheduler run the DAG if it is paused
        :raises NotFoundError: Airflow does not know the DAG, or not any more
        :raises InvalidRequestError: the DAG wants parameters, or takes no manual runs; it stays paused
        """
        from airflow.models.dag import DagModel
        from sqlalchemy import select

        model = self._session.scalar(
            select(DagModel).where(DagModel.dag_id == dag_id, DagModel.is_stale.is_(False))
        )
        if model is None:
            raise NotFoundError(
                "Airflow does not know the DAG %(dag_id)r; wait until its file has been parsed.",
                dag_id=dag_id,
            )
        run = self._find_run(dag_id, run_id) or self._create_run(model, run_id, conf, actor)
        # Only now: a DAG that cannot be started stays as it was.
        if unpause and model.is_paused:
            model.is_paused = False
        return _run_facts(run)

    def runs(self, runs: Iterable[tuple[str, str]]) -> tuple[RunFacts, ...]:
        """States of the runs named by (dag_id, run_id), in that order, without those that do not exist."""
        from airflow.models.dagrun import DagRun
        from sqlalchemy import and_, or_, select

        wanted = list(dict.fromkeys(runs))
        found: dict[tuple[str, str], RunFacts] = {}
        for start in range(0, len(wanted), _BATCH):
            named = [
                and_(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
                for dag_id, run_id in wanted[start : start + _BATCH]
            ]
            for run in self._session.scalars(select(DagRun).where(or_(*named))):
                found[(run.dag_id, run.run_id)] = _run_facts(run)
        return tuple(found[key] for key in wanted if key in found)

    def dag(self, dag_id: str) -> DagFacts | None:
        """Tags and owners of an active DAG, whatever its bundle."""
        from airflow.models.dag import DagModel, DagTag
        from sqlalchemy import select

        model = self._session.scalar(
            select(DagModel).where(DagModel.dag_id == dag_id, DagModel.is_stale.is_(False))
        )
        if model is None:
            return None
        tags = self._session.scalars(select(DagTag.name).where(DagTag.dag_id == dag_id))
        owners = (part.strip() for part in (model.owners or "").split(","))
        return DagFacts(
            dag_id=dag_id,
            path=model.relative_fileloc or "",
            bundle=model.bundle_name or "",
            tags=tuple(sorted(tags)),
            owners=tuple(owner for owner in owners if owner),
        )

    def live_dags(self, dag_ids: Collection[str]) -> Mapping[str, LiveDag]:
        """Those of ``dag_ids`` that are served, whatever their bundle, with their runs under way."""
        return live_dags(self._session, dag_ids)

    def paused(self, bundle: str) -> Mapping[str, bool]:
        """Whether each DAG that is served from ``bundle`` is paused, by its id."""
        return paused(self._session, bundle)

    def recent_runs(self, dag_ids: Collection[str]) -> Mapping[str, tuple[RunFacts, ...]]:
        """The newest runs of those of ``dag_ids`` that had any, the last one in front."""
        return recent_runs(self._session, dag_ids)

    def last_runs(self, dag_ids: Collection[str]) -> Mapping[str, LastRun]:
        """The last automated run of those of ``dag_ids`` that had one."""
        return last_runs(self._session, dag_ids)

    def is_paused_at_creation(self) -> bool:
        """Whether Airflow pauses a new DAG that does not say it itself."""
        from airflow.configuration import conf

        return conf.getboolean("core", "dags_are_paused_at_creation")

    def lost_tasks(self, tasks: Iterable[TaskKey]) -> Mapping[TaskKey, str]:
        """Those of ``tasks`` whose try ended: what they are now, for people; empty for one that is gone."""
        from airflow.models.taskinstance import TaskInstance
        from sqlalchemy import select

        wanted = frozenset(tasks)
        found: dict[TaskKey, str] = {}
        tries: dict[TaskKey, tuple[int, str]] = {}
        run_ids = sorted({task.run_id for task in wanted})
        for start in range(0, len(run_ids), _BATCH):
            query = select(
                TaskInstance.dag_id,
                TaskInstance.run_id,
                TaskInstance.task_id,
                TaskInstance.map_index,
                TaskInstance.try_number,
                TaskInstance.state,
            ).where(TaskInstance.run_id.in_(run_ids[start : start + _BATCH]))
            for row in self._session.execute(query):
                state = str(getattr(row.state, "value", row.state)).lower()
                task = TaskKey(row.dag_id, row.run_id, row.task_id, row.map_index, 0)
                tries[task] = (row.try_number, state)
        for key in wanted:
            number, state = tries.get(replace(key, try_number=0), (key.try_number, ""))
            if number != key.try_number:
                found[key] = Message("the task is in try %(number)s now", number=number)
            elif state not in _WAITING:
                found[key] = Message("the task is %(state)r", state=state) if state else ""
        return found

    def pipeline_runs(self, runs: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], PipelineRun]:
        """What is known of each of ``runs``, (dag_id, run_id), and of its tasks and its DAG."""
        return pipeline_runs(self._session, runs)

    def beats(self) -> Beats:
        """The newest heartbeat of each component; ``None`` = never."""
        from airflow.jobs.job import Job
        from sqlalchemy import func, select

        newest = (
            select(Job.job_type, func.max(Job.latest_heartbeat))
            .where(Job.job_type.in_(_JOBS))
            .group_by(Job.job_type)
        )
        beats = {row[0]: row[1] for row in self._session.execute(newest)}
        return {component: beats.get(job) for job, component in _JOBS.items()}

    def machines_at_work(self, bundle: str, since: Mapping[str, datetime]) -> Mapping[str, str]:
        """Those of some machines that go on, and how Airflow knows it; two queries."""
        return machines_at_work(self._session, bundle, since)

    def component_ages(self) -> Mapping[str, float | None]:
        """Seconds since the last heartbeat of each component; ``None`` = never."""
        now = datetime.now(timezone.utc)
        return {
            component: None if beat is None else max(0.0, (now - beat).total_seconds())
            for component, beat in self.beats().items()
        }

    def _ask_to_parse(self, bundle: str, paths: list[str]) -> None:
        from airflow.models.dagbag import DagPriorityParsingRequest
        from sqlalchemy import select
        from sqlalchemy.exc import IntegrityError

        asked = set(
            self._session.scalars(
                select(DagPriorityParsingRequest.relative_fileloc).where(
                    DagPriorityParsingRequest.bundle_name == bundle
                )
            )
        )
        for path in paths:
            if path in asked:
                continue
            try:
                with self._session.begin_nested():
                    self._session.add(DagPriorityParsingRequest(bundle_name=bundle, relative_fileloc=path))
            except IntegrityError:
                # Somebody else asked for the same file in the meantime, which is all that we want.
                continue

    def _find_run(self, dag_id: str, run_id: str) -> DagRun | None:
        from airflow.models.dagrun import DagRun
        from sqlalchemy import select

        return self._session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))

    def _create_run(self, model: Any, run_id: str, conf: Mapping[str, Any] | None, actor: Actor) -> DagRun:
        import pendulum
        from airflow.models.dagbag import DBDagBag
        from airflow.sdk.exceptions import AirflowException, ParamValidationError
        from airflow.utils.state import DagRunState
        from airflow.utils.types import DagRunTriggeredByType, DagRunType
        from sqlalchemy.exc import IntegrityError

        dag_id = model.dag_id
        if model.allowed_run_types is not None and DagRunType.MANUAL not in model.allowed_run_types:
            raise InvalidRequestError("The DAG %(dag_id)r does not allow manual runs.", dag_id=dag_id)
        dag = DBDagBag().get_latest_version_of_dag(dag_id, session=self._session)
        if dag is None:
            raise NotFoundError("The DAG %(dag_id)r is not serialized yet; try again soon.", dag_id=dag_id)
        now = pendulum.now("UTC")
        try:
            with self._session.begin_nested():
                return dag.create_dagrun(
                    run_id=run_id,
                    logical_date=now,
                    data_interval=dag.timetable.infer_manual_data_interval(run_after=now),
                    run_after=now,
                    conf=dict(conf or {}),
                    run_type=DagRunType.MANUAL,
                    triggered_by=DagRunTriggeredByType.REST_API,
                    triggering_user_name=actor.name,
                    state=DagRunState.QUEUED,
                    session=self._session,
                )
        except (AirflowException, ParamValidationError, ValueError) as error:
            raise InvalidRequestError(
                "The DAG %(dag_id)r cannot be started: %(error)s", dag_id=dag_id, error=error
            ) from error
        except IntegrityError:
            # Two requests for the same run at the same moment; the other one made it.
            if (run := self._find_run(dag_id, run_id)) is None:
                raise
            return run


def _run_facts(run: DagRun) -> RunFacts:
    state = str(getattr(run.state, "value", run.state))
    return RunFacts(dag_id=run.dag_id, run_id=run.run_id, state=state, ended=state in ENDED_RUN_STATES)
