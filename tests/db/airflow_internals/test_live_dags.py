from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_release_plugin.airflow_internals.serving import AirflowServing
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import LastRun
from tests.db.airflow_internals.conftest import Parse

pytestmark = pytest.mark.req("R20")
ANN = Actor(id="7", name="ann")
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def serving(session: Session, write: Callable[..., None], parse: Parse) -> AirflowServing:
    """Two served DAGs with two tasks each."""
    for dag_id in ("etl", "quiet"):
        write(f"{dag_id}.py", dag_id, ("extract", "load"))
    parse("a" * 40)
    return AirflowServing(session)


def add_run(session: Session, run_id: str, **values: Any) -> DagRun:
    run = DagRun(dag_id="etl", run_id=run_id, run_after=values.pop("run_after", START), **values)
    session.add(run)
    session.flush()
    return run


def scheduled(session: Session, day: int, **values: Any) -> DagRun:
    end = START + timedelta(days=day)
    return add_run(
        session,
        f"scheduled__{day}",
        run_type="scheduled",
        state="success",
        logical_date=end - timedelta(days=1),
        data_interval=(end - timedelta(days=1), end),
        run_after=end,
        **values,
    )


class TestLiveDags:
    def test_runs_under_way_are_told_with_their_tasks_that_have_not_ended(
        self, serving: AirflowServing, session: Session
    ) -> None:
        serving.trigger("etl", run_id="r1", conf=None, actor=ANN)
        session.scalars(select(TaskInstance).where(TaskInstance.task_id == "extract")).one().state = "success"
        session.flush()

        found = serving.live_dags(["etl", "quiet", "unknown"])

        assert sorted(found) == ["etl", "quiet"]
        assert [(run.run_id, run.state) for run in found["etl"].runs] == [("r1", "queued")]
        assert found["etl"].open_tasks == {"load"}
        assert (found["quiet"].runs, found["quiet"].open_tasks) == ((), frozenset())

    def test_runs_that_ended_are_not(self, serving: AirflowServing, session: Session) -> None:
        serving.trigger("etl", run_id="r1", conf=None, actor=ANN)
        session.scalars(select(DagRun)).one().state = "failed"
        session.flush()

        found = serving.live_dags(["etl"])["etl"]

        assert (found.runs, found.open_tasks) == ((), frozenset())

    def test_where_it_comes_from_and_whether_it_is_paused_are_told(
        self, serving: AirflowServing, session: Session
    ) -> None:
        session.get_one(DagModel, "etl").is_paused = True
        session.flush()

        found = serving.live_dags(["etl"])["etl"]

        assert (found.bundle, found.path, found.is_paused) == ("prod", "etl.py", True)

    def test_a_dag_that_is_gone_is_not_live(self, serving: AirflowServing, session: Session) -> None:
        session.get_one(DagModel, "etl").is_stale = True
        session.flush()

        assert serving.live_dags(["etl"]) == {}


class TestLastRuns:
    def test_the_newest_automated_run_counts_and_runs_by_hand_do_not(
        self, serving: AirflowServing, session: Session
    ) -> None:
        for day in (1, 3, 2):
            scheduled(session, day)
        serving.trigger("etl", run_id="by_hand", conf=None, actor=ANN)

        assert serving.last_runs(["etl", "quiet"]) == {
            "etl": LastRun(
                run_after="2026-01-04T00:00:00+00:00",
                interval_start="2026-01-03T00:00:00+00:00",
                interval_end="2026-01-04T00:00:00+00:00",
            )
        }

    def test_a_partitioned_dag_goes_on_from_its_newest_partition(
        self, serving: AirflowServing, session: Session
    ) -> None:
        for day in (1, 2):
            add_run(
                session,
                f"partition__{day}",
                run_type="scheduled",
                state="success",
                logical_date=None,
                partition_key=f"day {day}",
                run_after=START + timedelta(days=day),
            )

        assert serving.last_runs(["etl"])["etl"].partition_key == "day 2"


@pytest.mark.req("R92")
class TestListedDags:
    def test_which_dags_of_a_bundle_are_paused_and_none_that_is_gone(
        self, serving: AirflowServing, session: Session
    ) -> None:
        session.get_one(DagModel, "quiet").is_paused = True
        session.flush()
        known = serving.paused("prod")
        assert known == {"etl": session.get_one(DagModel, "etl").is_paused, "quiet": True}

        session.get_one(DagModel, "quiet").is_stale = True
        session.flush()
        assert "quiet" not in serving.paused("prod")
        assert serving.paused("elsewhere") == {}

    def test_the_newest_runs_of_each_dag_whatever_their_kind_the_last_one_in_front(
        self, serving: AirflowServing, session: Session
    ) -> None:
        for day in (1, 7, 3, 2, 6, 5):
            scheduled(session, day)
        session.scalars(select(DagRun).where(DagRun.run_id == "scheduled__7")).one().state = "failed"
        serving.trigger("quiet", run_id="by_hand", conf=None, actor=ANN)

        found = serving.recent_runs(["etl", "quiet", "unknown"])

        assert [(run.run_id, run.state, run.ended) for run in found["etl"]] == [
            ("scheduled__7", "failed", True),
            *((f"scheduled__{day}", "success", True) for day in (6, 5, 3, 2)),
        ]
        assert [(run.run_id, run.ended) for run in found["quiet"]] == [("by_hand", False)]
        assert "unknown" not in found
        assert serving.recent_runs([]) == {}
