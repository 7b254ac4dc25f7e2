"""A world whose releases are worked on by runs in Airflow's tables, and the ways in which such a run dies."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from airflow_release_plugin.airflow_internals.serving import AirflowServing
from airflow_release_plugin.domain.ports import ServedState
from airflow_release_plugin.models import Release
from airflow_release_plugin.pipelines import release_pipeline
from airflow_release_plugin.services.recovery import lost_work
from tests.harness.context import World, steps_of
from tests.harness.fake_airflow import AirflowTwin

LONG_AGO = timedelta(hours=1)
JOBS = ("SchedulerJob", "TriggererJob", "DagProcessorJob")


class _Serving(AirflowServing):
    """Airflow's tables; what its dag processor serves comes from the twin, which parses text."""

    def __init__(self, session: Session, twin: AirflowTwin) -> None:
        super().__init__(session)
        self._twin = twin

    def served(self, bundle: str, paths: Collection[str]) -> Any:
        return {path: self._twin.serving.get(path, ServedState(path)) for path in paths}

    def dag(self, dag_id: str) -> Any:
        return self._twin.dag(dag_id)


@dataclass(frozen=True)
class Pipelines:
    """A world with the shipped pipeline in Airflow's tables, and a scheduler and a triggerer that live."""

    world: World

    @property
    def session(self) -> Session:
        return self.world.ctx.session

    def look(self, by: str = "one") -> int:
        """What a server does every few seconds; say how much was ended."""
        ended = lost_work.run_once(work=steps_of(self.world), by=by)
        self.session.expire_all()
        return ended

    def look_twice(self) -> int:
        """Long enough for anything to be noticed."""
        return self.look() + self.look()

    def run_of(self, release: Release) -> Any:
        from airflow.models.dagrun import DagRun

        query = select(DagRun).where(
            DagRun.dag_id == release.pipeline_dag_id, DagRun.run_id == release.pipeline_run_id
        )
        return self.session.scalars(query).one()

    def tasks(self, release: Release) -> dict[str, Any]:
        """Task instances of the release's run by task id."""
        from airflow.models.taskinstance import TaskInstance

        query = select(TaskInstance).where(TaskInstance.run_id == release.pipeline_run_id)
        return {task.task_id: task for task in self.session.scalars(query)}

    def begin(self, release: Release, **states: str | None) -> None:
        """Let a scheduler have begun with the run; ``states`` of tasks, those not named have not begun."""
        run = self.run_of(release)
        run.state, run.start_date = "running", datetime.now(timezone.utc)
        run.last_scheduling_decision = run.start_date
        self.set_tasks(release, **states)

    def set_tasks(self, release: Release, **states: str | None) -> None:
        for task_id, task in self.tasks(release).items():
            if task_id in states:
                task.state = states[task_id]
                task.try_number = 3 if states[task_id] == "failed" else 1
        self.session.flush()

    def end(self, release: Release, state: str, **states: str | None) -> None:
        """Let the run have ended, as the scheduler writes it down."""
        self.set_tasks(release, **states)
        run = self.run_of(release)
        run.state, run.end_date = state, datetime.now(timezone.utc)
        self.session.flush()

    def ages(self, release: Release, by: timedelta = LONG_AGO) -> None:
        """Let nothing have happened in the run for so long."""
        run = self.run_of(release)
        for name in ("queued_at", "start_date", "run_after", "last_scheduling_decision"):
            moment = getattr(run, name)
            setattr(run, name, None if moment is None else moment - by)
        for task in self.tasks(release).values():
            for name in ("start_date", "end_date"):
                moment = getattr(task, name)
                setattr(task, name, None if moment is None else moment - by)
        self.session.flush()

    def beat(self, ago: timedelta = timedelta(0), *jobs: str) -> None:
        """Let the components have given their last sign so long ago."""
        from airflow.jobs.job import Job

        for job_type in jobs or JOBS:
            job = self.session.scalars(select(Job).where(Job.job_type == job_type)).one_or_none()
            if job is None:
                job = Job()
                job.job_type = job_type
                self.session.add(job)
            job.latest_heartbeat = datetime.now(timezone.utc) - ago
        self.session.flush()

    def mark_dag(self, **values: Any) -> None:
        """Change what Airflow knows of the pipeline: ``is_paused``, ``is_stale``."""
        from airflow.models.dag import DagModel

        if not values:
            return
        self.session.execute(update(DagModel).where(DagModel.dag_id == "release_pipeline").values(**values))

    def delete_run(self, release: Release) -> None:
        self.session.delete(self.run_of(release))
        self.session.flush()


def with_pipelines(world: World, clock: Callable[[], datetime]) -> Pipelines:
    """The same world, with the runs of its releases in Airflow's tables."""
    serving = _Serving(world.ctx.session, world.twin)
    airflow = replace(world.ctx.airflow, serving=serving)
    made = Pipelines(replace(world, ctx=replace(world.ctx, airflow=airflow, clock=clock)))
    _parse_pipeline(world.ctx.session)
    made.beat()
    return made


def _parse_pipeline(session: Session) -> None:
    """Store what the dag processor stores of the bundle that the product ships."""
    from pathlib import Path

    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.models.dagbundle import DagBundleModel

    folder = Path(release_pipeline.__file__).parent
    session.add(DagBundleModel(name="release_pipelines"))
    session.flush()
    bag = DagBag(folder, bundle_path=folder, bundle_name="release_pipelines")
    sync_bag_to_db(bag, "release_pipelines", None, session=session)
    session.flush()
