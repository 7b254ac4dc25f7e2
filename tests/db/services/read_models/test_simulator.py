"""Which flow would apply, and why the others would not."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.flow.matching import Outcome
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.release.risk import ChangeFact
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.read_models import simulator
from tests.harness.context import ADMIN, DEV, REVIEWER, VIEWER, World
from tests.harness.flow_forms import LEAD, form, join, leave, level, step


@pytest.fixture
def configured(world: World) -> World:
    """Three flows: one for other DAGs, one with two levels, one behind it."""
    join(world, LEAD)
    world.dag("etl")
    high = level(step("lead"), name="High", changes=["schedule"])
    for raw in (
        form("Other", scope={"dag_ids": ["other"]}),
        form("Etl", level(), high, scope={"dag_ids": ["etl"]}),
        form("Rest"),
        form("Gates", kind="gate"),
    ):
        flow_admin.create(world.ctx, actor=ADMIN, raw=raw)
    return world


@pytest.mark.req("R33")
@pytest.mark.parametrize("dag_id", ["etl", "dev.etl"])
def test_it_says_which_flow_applies_and_why_the_others_do_not(configured: World, dag_id: str) -> None:
    found = simulator.of_dag(configured.ctx, actor=DEV, dag_id=dag_id)

    assert [(trial.flow.name, trial.outcome) for trial in found.trials] == [
        ("Other", Outcome.OUT_OF_SCOPE),
        ("Etl", Outcome.APPLIES),
        ("Rest", Outcome.LOWER_PRIORITY),
        ("Gates", Outcome.OTHER_KIND),
        ("default", Outcome.LOWER_PRIORITY),
    ]
    assert [[person.name for person in listed.eligible] for listed in found.steps] == [["reviewer"]]


@pytest.mark.req("R33")
def test_the_level_follows_the_changes_and_what_people_raise(configured: World) -> None:
    def level_of(*changes: ChangeFact, at_least: int = 1) -> tuple[int | None, int | None]:
        trial = simulator.of_dag(
            configured.ctx, actor=DEV, dag_id="etl", changes=changes, at_least=at_least
        ).applies
        return trial.level, trial.raised_from

    assert level_of(ChangeFact.MODIFIED) == (1, None)
    assert level_of(ChangeFact.SCHEDULE) == (2, None)
    assert level_of(ChangeFact.MODIFIED, at_least=2) == (2, 1)
    assert level_of(ChangeFact.SCHEDULE, at_least=1) == (2, None)


def test_it_names_the_steps_that_nobody_could_complete(configured: World) -> None:
    leave(configured, LEAD)
    found = simulator.of_dag(configured.ctx, actor=DEV, dag_id="etl", at_least=2)

    assert [listed.name for listed in found.unmet] == ["Review"]


def test_who_asks_is_not_among_those_who_could_approve(configured: World) -> None:
    found = simulator.of_dag(configured.ctx, actor=REVIEWER, dag_id="etl")

    assert found.steps[0].eligible == ()
    assert found.unmet == found.steps


def test_gates_have_flows_of_their_own(configured: World) -> None:
    found = simulator.of_dag(configured.ctx, actor=DEV, dag_id="etl", kind=ReleaseKind.GATE)

    assert found.applies.flow.name == "Gates"


def test_a_dag_that_one_may_not_see_is_not_there(configured: World) -> None:
    for dag_id in ("etl", "dev.etl"):
        configured.twin.refused.add((VIEWER.id, DagAccess.READ, dag_id))

    for dag_id in ("etl", "dev.etl", "nothing"):
        with pytest.raises(NotFoundError):
            simulator.of_dag(configured.ctx, actor=VIEWER, dag_id=dag_id)
    assert simulator.known_dags(configured.ctx, actor=VIEWER) == []
    assert simulator.known_dags(configured.ctx, actor=DEV) == ["etl"]


def test_a_past_release_is_answered_for_as_it_was_checked(configured: World) -> None:
    release = configured.promote(configured.decide(configured.waiting("etl.py"), LEAD))
    found = simulator.of_release(configured.ctx, actor=ADMIN, release_id=release.id)

    assert {fact.value for fact in found.facts.changes} == set(release.risk_json["changes"])
    assert found.applies.flow.name == "Etl"
