from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from airflow.models.dag import DagModel
from airflow.models.dagbag import DagPriorityParsingRequest
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_release_plugin.airflow_internals.serving import AirflowServing
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.tasks import TaskKey
from airflow_release_plugin.exceptions import InvalidRequestError, NotFoundError
from tests.conftest import BACKENDS
from tests.db.airflow_internals.conftest import Parse

ANN = Actor(id="7", name="ann")
OLD, NEW = "a" * 40, "b" * 40
Write = Callable[..., None]


@pytest.fixture
def serving(session: Session) -> AirflowServing:
    return AirflowServing(session)


def requests(session: Session) -> list[tuple[str, str]]:
    rows = session.scalars(select(DagPriorityParsingRequest))
    return sorted((row.bundle_name, row.relative_fileloc) for row in rows)


class TestAnnounce:
    def test_tells_dag_processors_the_version_and_what_to_parse_first(
        self, serving: AirflowServing, session: Session
    ) -> None:
        session.add(DagBundleModel(name="prod", version=OLD))

        serving.announce("prod", NEW, ["b.py", "a.py"])

        assert session.get_one(DagBundleModel, "prod").version == NEW
        assert requests(session) == [("prod", "a.py"), ("prod", "b.py")]

    def test_may_be_repeated(self, serving: AirflowServing, session: Session) -> None:
        session.add(DagBundleModel(name="prod"))

        for paths in (["a.py"], ["a.py", "b.py"]):
            serving.announce("prod", NEW, paths)

        assert requests(session) == [("prod", "a.py"), ("prod", "b.py")]

    def test_of_a_bundle_that_airflow_has_not_seen_does_nothing(
        self, serving: AirflowServing, session: Session
    ) -> None:
        serving.announce("prod", NEW, ["a.py"])

        assert (session.get(DagBundleModel, "prod"), requests(session)) == (None, [])


@pytest.mark.req("R18")
class TestServed:
    def test_says_what_the_dag_processor_found(
        self, serving: AirflowServing, write: Write, parse: Parse
    ) -> None:
        write("sales/etl.py", "etl", ("extract", "load"), ", dag_display_name='Orders'")
        parse(NEW)

        (dag,) = serving.served("prod", ["sales/etl.py"])["sales/etl.py"].dags

        assert (dag.dag_id, dag.display_name, dag.bundle_version, dag.schedule) == (
            "etl",
            "Orders",
            NEW,
            "0 0 * * *",
        )
        assert (dag.tasks, dag.pools, dag.tags, dag.owners) == (
            ("extract", "load"),
            ("default_pool",),
            ("sales",),
            ("ann",),
        )

    def test_a_file_that_does_not_import_shows_its_error(
        self, serving: AirflowServing, write: Write, parse: Parse, folder: object
    ) -> None:
        write("etl.py", "etl", more=", no_such_argument=1")
        parse(NEW)

        state = serving.served("prod", ["etl.py"])["etl.py"]

        assert state.dags == ()
        assert "no_such_argument" in state.import_errors[0]

    def test_a_dag_that_is_gone_is_not_served(
        self, serving: AirflowServing, session: Session, write: Write, parse: Parse
    ) -> None:
        write("etl.py", "etl")
        parse(NEW)
        session.get_one(DagModel, "etl").is_stale = True

        assert serving.served("prod", ["etl.py"])["etl.py"].dags == ()

    @pytest.mark.parametrize("db_backend", BACKENDS)
    def test_dags_are_told_as_they_were_stored(
        self, serving: AirflowServing, session: Session, write: Write, parse: Parse
    ) -> None:
        for name in ("one", "two", "gone"):
            write(f"{name}.py", name)
        parse(NEW)
        session.get_one(DagModel, "gone").is_stale = True
        session.flush()

        stored = list(serving.serialized("prod"))
        assert [(dag.dag_id, dag.path, dag.version) for dag in stored] == [
            ("one", "one.py", NEW),
            ("two", "two.py", NEW),
        ]
        assert [task["__var"]["task_id"] for task in stored[0].data["dag"]["tasks"]] == ["one"]
        assert [dag.dag_id for dag in serving.serialized("prod", ["two", "gone"])] == ["two"]
        assert list(serving.serialized("dev")) == []

    def test_a_path_nobody_knows_is_empty(self, serving: AirflowServing) -> None:
        state = serving.served("prod", ["no.py"])["no.py"]

        assert (state.dags, state.import_errors) == ((), ())

    @pytest.mark.usefixtures("no_update_interval")
    @pytest.mark.parametrize("tasks", [("one",), ("one", "two")], ids=["same tasks", "other tasks"])
    def test_a_version_is_served_when_airflow_stored_what_it_parsed(
        self, serving: AirflowServing, write: Write, parse: Parse, tasks: tuple[str, ...]
    ) -> None:
        write("etl.py", "etl")
        parse(OLD)
        write("etl.py", "etl", tasks)
        parse(NEW)

        (dag,) = serving.served("prod", ["etl.py"])["etl.py"].dags

        assert (dag.bundle_version, dag.tasks) == (NEW, tasks)

    @pytest.mark.usefixtures("no_update_interval")
    def test_tasks_are_read_anew_when_airflow_rewrote_a_structure_that_is_still_in_memory(
        self, serving: AirflowServing, session: Session, write: Write, parse: Parse
    ) -> None:
        write("etl.py", "etl")
        parse(OLD)
        in_memory = session.scalars(select(SerializedDagModel)).all()
        write("etl.py", "etl", ("one", "two"))
        parse(NEW)

        (dag,) = serving.served("prod", ["etl.py"])["etl.py"].dags

        assert len(in_memory) == 1
        assert dag.tasks == ("one", "two")

    def test_a_version_is_not_served_while_airflow_puts_off_storing_its_tasks(
        self, serving: AirflowServing, write: Write, parse: Parse
    ) -> None:
        write("etl.py", "etl")
        parse(OLD)
        write("etl.py", "etl", ("one", "two"))
        parse(NEW)  # within [core] min_serialized_dag_update_interval

        (dag,) = serving.served("prod", ["etl.py"])["etl.py"].dags

        assert (dag.bundle_version, dag.tasks) == (OLD, ("one",))


@pytest.mark.req("R11")
class TestTrigger:
    @pytest.fixture(autouse=True)
    def _etl(self, write: Write, parse: Parse) -> None:
        write("etl.py", "etl", more=", params={'limit': 3}")
        parse(NEW)

    def test_starts_a_run_of_the_version_in_the_name_of_the_actor(
        self, serving: AirflowServing, session: Session
    ) -> None:
        serving.trigger("etl", run_id="release-1", conf={"limit": 5}, actor=ANN)

        run = session.scalars(select(DagRun)).one()
        assert (run.run_id, run.triggering_user_name, run.conf) == ("release-1", "ann", {"limit": 5})
        assert (run.bundle_version, run.triggered_by) == (NEW, DagRunTriggeredByType.REST_API)
        assert run.logical_date is not None

    def test_a_second_time_returns_the_run_that_is_there(
        self, serving: AirflowServing, session: Session
    ) -> None:
        first = serving.trigger("etl", run_id="release-1", conf=None, actor=ANN)

        again = serving.trigger("etl", run_id="release-1", conf=None, actor=ANN)

        assert (again, len(session.scalars(select(DagRun)).all())) == (first, 1)

    @pytest.mark.parametrize(("unpause", "paused"), [(True, False), (False, True)])
    def test_a_paused_dag_is_unpaused_only_when_asked(
        self, serving: AirflowServing, session: Session, unpause: bool, paused: bool
    ) -> None:
        session.get_one(DagModel, "etl").is_paused = True

        serving.trigger("etl", run_id="release-1", conf=None, actor=ANN, unpause=unpause)

        assert session.get_one(DagModel, "etl").is_paused is paused

    def test_a_paused_dag_that_cannot_be_started_stays_paused(
        self, serving: AirflowServing, session: Session
    ) -> None:
        session.get_one(DagModel, "etl").is_paused = True

        with pytest.raises(InvalidRequestError, match="cannot be started"):
            serving.trigger("etl", run_id="../x", conf=None, actor=ANN, unpause=True)

        assert session.get_one(DagModel, "etl").is_paused

    def test_an_unknown_dag_is_an_error(self, serving: AirflowServing) -> None:
        with pytest.raises(NotFoundError, match="'nope'"):
            serving.trigger("nope", run_id="r", conf=None, actor=ANN)

    def test_a_dag_that_takes_no_manual_runs_is_an_error(
        self, serving: AirflowServing, session: Session
    ) -> None:
        session.get_one(DagModel, "etl").allowed_run_types = ["scheduled"]

        with pytest.raises(InvalidRequestError, match="manual runs"):
            serving.trigger("etl", run_id="r", conf=None, actor=ANN)

    def test_a_run_id_that_airflow_refuses_is_an_error_and_loses_nothing(
        self, serving: AirflowServing, session: Session
    ) -> None:
        serving.trigger("etl", run_id="release-1", conf=None, actor=ANN)

        with pytest.raises(InvalidRequestError, match="cannot be started"):
            serving.trigger("etl", run_id="../x", conf=None, actor=ANN)

        assert len(session.scalars(select(DagRun)).all()) == 1

    def test_runs_are_told_in_the_order_of_the_question(
        self, serving: AirflowServing, session: Session
    ) -> None:
        for run_id in ("r1", "r2"):
            serving.trigger("etl", run_id=run_id, conf=None, actor=ANN)
        session.scalars(select(DagRun).where(DagRun.run_id == "r1")).one().state = "success"
        session.flush()

        found = serving.runs([("etl", "r2"), ("etl", "gone"), ("etl", "r1")])

        assert [(run.run_id, run.state, run.ended) for run in found] == [
            ("r2", "queued", False),
            ("r1", "success", True),
        ]


def test_components_are_as_old_as_their_last_heartbeat(serving: AirflowServing, session: Session) -> None:
    from airflow.jobs.job import Job

    for seconds in (500, 100):
        beat = datetime.now(timezone.utc) - timedelta(seconds=seconds)
        job = Job(latest_heartbeat=beat)
        job.job_type, job.latest_heartbeat = "SchedulerJob", beat
        session.add(job)
    session.flush()

    ages = serving.component_ages()

    assert 100 <= (ages["scheduler"] or 0) < 160
    assert (ages["dag_processor"], ages["triggerer"]) == (None, None)


def waiting(serving: AirflowServing, tasks: Iterable[TaskKey]) -> set[TaskKey]:
    """Those of ``tasks`` that are not lost."""
    return set(tasks) - serving.lost_tasks(tasks).keys()


@pytest.mark.req("R37")
class TestWaitingTasks:
    KEY = TaskKey("etl", "release-1", "one", -1, 1)

    @pytest.fixture(autouse=True)
    def _run(self, serving: AirflowServing, session: Session, write: Write, parse: Parse) -> None:
        write("etl.py", "etl")
        parse(NEW)
        serving.trigger("etl", run_id="release-1", conf=None, actor=ANN)
        session.flush()

    def put(self, session: Session, state: str | None, try_number: int = 1) -> TaskInstance:
        task = session.scalars(select(TaskInstance).where(TaskInstance.dag_id == "etl")).one()
        task.state, task.try_number = state, try_number
        session.flush()
        return task

    @pytest.mark.parametrize(
        "state", ["running", "deferred", "queued", "scheduled", "up_for_reschedule", "awaiting_input"]
    )
    def test_who_has_not_ended_waits(self, serving: AirflowServing, session: Session, state: str) -> None:
        self.put(session, state)

        assert waiting(serving, [self.KEY]) == {self.KEY}

    @pytest.mark.parametrize(
        "state", ["success", "failed", "skipped", "upstream_failed", "removed", "up_for_retry", "restarting"]
    )
    def test_who_ended_was_marked_or_is_to_run_again_does_not(
        self, serving: AirflowServing, session: Session, state: str
    ) -> None:
        self.put(session, state)

        assert waiting(serving, [self.KEY]) == set()

    def test_who_was_cleared_does_not(self, serving: AirflowServing, session: Session) -> None:
        from airflow.models.taskinstance import clear_task_instances

        clear_task_instances([self.put(session, "deferred")], session)
        session.flush()

        assert waiting(serving, [self.KEY]) == set()

    def test_another_try_is_another_question(self, serving: AirflowServing, session: Session) -> None:
        self.put(session, "running", try_number=2)

        assert waiting(serving, [self.KEY]) == set()
        assert waiting(serving, [replace(self.KEY, try_number=2)]) != set()

    def test_a_task_of_a_deleted_run_does_not(self, serving: AirflowServing, session: Session) -> None:
        session.delete(self.put(session, "running"))
        session.flush()

        assert waiting(serving, [self.KEY]) == set()

    @pytest.mark.parametrize(
        "other", [{"dag_id": "x"}, {"run_id": "x"}, {"task_id": "x"}, {"map_index": 0}], ids=str
    )
    def test_every_part_of_the_key_counts(
        self, serving: AirflowServing, session: Session, other: dict[str, object]
    ) -> None:
        self.put(session, "running")

        assert waiting(serving, [replace(self.KEY, **other)]) == set()  # type: ignore[arg-type]

    def test_nothing_asked_is_nothing_found(self, serving: AirflowServing) -> None:
        assert waiting(serving, []) == set()
