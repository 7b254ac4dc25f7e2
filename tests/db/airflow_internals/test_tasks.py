"""What Airflow records about task instances, read from its own tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperatorLink
from airflow.sdk.execution_time.task_runner import _serialize_rendered_fields
from sqlalchemy.orm import Session

from airflow_release_plugin.airflow_internals.tasks import AirflowTasks
from airflow_release_plugin.domain.flow.gate_question import GateQuestion, recorded_question
from airflow_release_plugin.domain.tasks import TaskKey, TaskOperator, TaskRole
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.operators import promote
from airflow_release_plugin.operators.check import CheckReleaseOperator
from airflow_release_plugin.sensors.gate import ApprovalGateSensor
from airflow_release_plugin.sensors.release import ReleaseStateSensor
from airflow_release_plugin.sensors.soak import ReleaseSoakSensor
from tests.harness.airflow_tasks import forget_rendered, make_run, render, start_task, store_dag

pytestmark = pytest.mark.req("R88")
KEY = TaskKey("etl", "run", "sign_off", -1, 1)


class LedgerGate(ApprovalGateSensor):
    """A gate of somebody's own."""


class Elsewhere(BaseOperatorLink):
    """A link of somebody's own."""

    name = "Ledger"

    def get_link(self, *_: Any, **__: Any) -> str:
        return "https://ledger"


class LinkedGate(ApprovalGateSensor):
    """A gate with one more link."""

    operator_extra_links = (*ApprovalGateSensor.operator_extra_links, Elsewhere())


class Unlinked(ApprovalGateSensor):
    """A gate with another link in place of ours."""

    operator_extra_links = (Elsewhere(),)


def public_operators() -> list[type[Any]]:
    """Every operator and sensor of ours that has a role."""
    found: list[type[Any]] = [ApprovalGateSensor, ReleaseSoakSensor, CheckReleaseOperator]
    return [*found, *(each for each in vars(promote).values() if getattr(each, "release_role", ""))]


class BorrowedName(ReleaseStateSensor):
    """No gate, whatever it is called."""


BorrowedName.__name__ = "ApprovalGateSensor"


@pytest.fixture
def tasks(session: Session) -> AirflowTasks:
    return AirflowTasks(session)


def served(session: Session, operator: type[Any] = ApprovalGateSensor, **arguments: Any) -> Any:
    """The only task of a DAG that Airflow has parsed, and that a worker is at."""
    with DAG("etl") as dag:
        task = operator(task_id="sign_off", **({"title": "Go on?"} | arguments))
    store_dag(session, dag, version="c0ffee")
    start_task(session, KEY)
    return task


def asked(session: Session, **arguments: Any) -> GateQuestion:
    """What is on record after Airflow's own task runner and API server have passed it on."""
    task = served(session, **arguments)
    render(session, KEY, _serialize_rendered_fields(task))
    return recorded_question(AirflowTasks(session).rendered(KEY) or {})


class TestRecord:
    def test_has_state_bundle_and_who_started_the_run(self, session: Session, tasks: AirflowTasks) -> None:
        served(session)

        record = tasks.record(KEY)

        assert record is not None
        assert (record.state, record.is_running, record.run_started_by) == ("running", True, "ann")
        assert (record.bundle_name, record.bundle_version) == ("prod", "c0ffee")

    @pytest.mark.parametrize(
        "other", [{"try_number": 2}, {"map_index": 0}, {"run_id": "x"}, {"task_id": "x"}]
    )
    def test_is_of_the_very_try(self, session: Session, tasks: AirflowTasks, other: dict[str, Any]) -> None:
        served(session)

        assert tasks.record(replace(KEY, **other)) is None

    def test_of_an_earlier_try_is_gone_with_the_retry(self, session: Session, tasks: AirflowTasks) -> None:
        served(session)
        start_task(session, replace(KEY, try_number=2))

        assert tasks.record(KEY) is None
        assert tasks.record(replace(KEY, try_number=2)) is not None

    @pytest.mark.parametrize("state", ["queued", "scheduled", "deferred", "success", "failed"])
    def test_says_that_a_task_does_not_run(self, session: Session, tasks: AirflowTasks, state: str) -> None:
        served(session)
        start_task(session, KEY, state)

        record = tasks.record(KEY)

        assert record is not None
        assert not record.is_running

    def test_of_a_task_without_a_state_is_one(self, session: Session, tasks: AirflowTasks) -> None:
        served(session)
        start_task(session, KEY, None)  # type: ignore[arg-type]

        record = tasks.record(KEY)

        assert record is not None
        assert (record.state, record.is_running) == ("", False)

    @pytest.mark.parametrize("more", [{"pid": 8}, {"hostname": "other"}, {"queued_dttm": None}])
    def test_names_another_process_for_every_start(
        self, session: Session, tasks: AirflowTasks, more: dict[str, Any]
    ) -> None:
        served(session)
        first = tasks.record(KEY)
        start_task(session, KEY, **more)
        second = tasks.record(KEY)

        assert first is not None
        assert second is not None
        assert first.process != second.process


class TestOperator:
    @pytest.mark.parametrize("operator", [ApprovalGateSensor, LedgerGate])
    def test_of_a_gate_is_one(self, session: Session, tasks: AirflowTasks, operator: type[Any]) -> None:
        served(session, operator)

        assert tasks.operator(KEY) == TaskOperator(
            f"{operator.__module__}.{operator.__name__}", TaskRole.GATE
        )

    def test_of_another_class_with_its_name_is_none(self, session: Session, tasks: AirflowTasks) -> None:
        with DAG("etl") as dag:
            BorrowedName(task_id="sign_off", release_id=7)
        store_dag(session, dag)
        start_task(session, KEY)

        assert tasks.operator(KEY) == TaskOperator(f"{__name__}.ApprovalGateSensor", None)

    def mapped(self, session: Session, operator: type[Any], **over: list[Any]) -> TaskKey:
        """The second instance of a mapped task, which a worker is at."""
        with DAG("etl") as dag:
            operator.partial(task_id="sign_off").expand(**over)
        store_dag(session, dag)
        key = replace(KEY, map_index=1)
        start_task(session, key)
        return key

    @pytest.mark.parametrize("operator", [ApprovalGateSensor, LedgerGate, LinkedGate])
    def test_of_a_mapped_gate_is_one(
        self, session: Session, tasks: AirflowTasks, operator: type[Any]
    ) -> None:
        found = tasks.operator(self.mapped(session, operator, title=["a", "b"]))

        assert found is not None
        assert found.role is TaskRole.GATE

    @pytest.mark.parametrize("role", TaskRole)
    def test_of_every_operator_that_has_a_role_tells_it_when_it_is_mapped(
        self, session: Session, tasks: AirflowTasks, role: TaskRole
    ) -> None:
        (public,) = [operator for operator in public_operators() if operator.release_role == role.value]
        extended = type("Extended", (public,), {})
        over = {"title": ["a", "b"]} if role is TaskRole.GATE else {"release_id": [1, 2]}

        found = tasks.operator(self.mapped(session, extended, **over))

        assert found == TaskOperator(f"{extended.__module__}.Extended", role)

    @pytest.mark.parametrize("operator", [Unlinked, ReleaseStateSensor])
    def test_of_a_mapped_task_without_the_link_is_not_known(
        self, session: Session, tasks: AirflowTasks, operator: type[Any]
    ) -> None:
        over = {"title": ["a", "b"]} if operator is Unlinked else {"release_id": [1, 2]}

        assert tasks.operator(self.mapped(session, operator, **over)) == TaskOperator(
            f"{operator.__module__}.{operator.__name__}", None
        )

    def test_is_that_of_the_version_that_the_run_has(self, session: Session, tasks: AirflowTasks) -> None:
        served(session)
        with DAG("etl") as dag:
            ReleaseStateSensor(task_id="sign_off", release_id=7)
        store_dag(session, dag, version="later")

        found = tasks.operator(KEY)

        assert found is not None
        assert found.role is TaskRole.GATE

    def test_without_a_structure_is_not_known(self, session: Session, tasks: AirflowTasks) -> None:
        assert tasks.operator(KEY) is None

    def test_of_the_check_is_the_check(self, session: Session, tasks: AirflowTasks) -> None:
        with DAG("etl") as dag:
            CheckReleaseOperator(task_id="sign_off")
        store_dag(session, dag)
        start_task(session, KEY)

        assert tasks.operator(KEY) == TaskOperator(
            "airflow_release_plugin.operators.check.CheckReleaseOperator", TaskRole.CHECK
        )


class TestRendered:
    def test_is_what_the_worker_rendered(self, session: Session) -> None:
        question = asked(session, message="312 rows", approvers=["bob", "eve"], valid_hours=2)

        assert question == GateQuestion("Go on?", "312 rows", ("bob", "eve"), 2.0)

    def test_of_values_that_are_no_text_is_json(self, session: Session) -> None:
        question = asked(
            session, title=312, message={"rows": 3, "ok": True}, approvers="bob", valid_hours="0.5"
        )

        assert question == GateQuestion("312", '{"ok": true, "rows": 3}', ("bob",), 0.5)

    def test_of_text_that_airflow_cuts_is_refused(self, session: Session) -> None:
        with pytest.raises(InvalidRequestError, match=r"cut the gate's message.*max_templated_field_length"):
            asked(session, message="x" * 5000)

    def test_goes_as_far_as_the_setting_lets_it(
        self, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__CORE__MAX_TEMPLATED_FIELD_LENGTH", "10000")

        assert len(asked(session, message="x" * 9999).message) == 9999

    def test_has_no_secret_that_airflow_knows(self, session: Session) -> None:
        from airflow.sdk.log import mask_secret

        mask_secret("hunter2secret")

        assert asked(session, message="pass hunter2secret on").message == "pass *** on"

    def test_of_the_next_try_takes_the_place(self, session: Session, tasks: AirflowTasks) -> None:
        asked(session)
        later = replace(KEY, try_number=2)
        start_task(session, later)
        render(session, later, {"title": "Go on now?"})

        assert (tasks.rendered(later) or {})["title"] == "Go on now?"

    def test_of_runs_that_are_not_among_the_newest_is_forgotten_by_airflow(
        self, session: Session, tasks: AirflowTasks
    ) -> None:
        task = served(session)
        for number in range(30):
            make_run(session, "etl", f"later{number}", timedelta(hours=number + 1))
        render(session, KEY, _serialize_rendered_fields(task))

        assert tasks.rendered(KEY) is None

    def test_of_a_task_that_rendered_nothing_is_none(self, session: Session, tasks: AirflowTasks) -> None:
        asked(session)
        forget_rendered(session, KEY)

        assert tasks.rendered(KEY) is None
