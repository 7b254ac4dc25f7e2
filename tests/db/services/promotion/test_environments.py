"""Where the target stands, and the record of every DAG version."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.services.promotion import environments, target_dags
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, PIPELINE, VIEWER, World, dag_text


def held(world: World, actor: Actor) -> list[tuple[str, int]]:
    """DAG ids of what the target holds, with their versions."""
    found = target_dags.list_target_dags(world.ctx, actor=actor, name="prod").items
    return [(dag.dag_id, dag.live.version) for dag in found]


def test_everybody_sees_where_the_target_stands(world: World) -> None:
    assert environments.get(world.ctx, actor=VIEWER, name="prod").commit is None
    release = world.released(world.dag("etl"))

    view = environments.get(world.ctx, actor=VIEWER, name="prod")

    assert (view.commit, view.recorded_commit, view.moved) == (world.head, release.target_commit, False)


def test_an_unknown_environment_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError, match="this installation has 'prod'"):
        environments.get(world.ctx, actor=DEV, name="test")


@pytest.mark.req("R15")
@pytest.mark.parametrize("dag_id", ["etl", "dev.etl"])
def test_every_version_of_a_dag_is_on_record(world: World, clock: FrozenClock, dag_id: str) -> None:
    first = world.released(world.dag("etl"))
    world.dag("etl", lines="x = 2")
    second = world.released("etl.py")
    world.dag("etl", lines="x = 3")
    world.submit("etl.py", DEV2)

    history = environments.dag_history(world.ctx, actor=VIEWER, name="prod", dag_id=dag_id).items

    assert [(v.version, v.state, v.in_target, v.release_number, v.submitted_by.name) for v in history] == [
        (3, SubmissionState.PENDING, False, None, "dev2"),
        (2, SubmissionState.RELEASED, True, second.number, "dev"),
        (1, SubmissionState.SUPERSEDED, False, first.number, "dev"),
    ]
    assert [(v.commit, v.released_at) for v in history[1:]] == [
        (second.target_commit, clock.now),
        (first.target_commit, clock.now),
    ]


def test_the_record_of_a_dag_is_for_people_who_may_read_it(world: World) -> None:
    world.released(world.dag("etl"))
    for dag_id in ("etl", "dev.etl"):
        world.twin.refused.add((DEV2.id, DagAccess.READ, dag_id))

    with pytest.raises(NotFoundError):
        environments.dag_history(world.ctx, actor=DEV2, name="prod", dag_id="etl")
    assert held(world, DEV2) == []


@pytest.mark.req("R15")
def test_what_is_live_is_listed_dag_by_dag(world: World) -> None:
    world.write("regions.py", dag_text("north", "south"))
    world.released("regions.py", world.dag("etl"))
    world.dag("etl", lines="x = 2")
    world.submit("etl.py")

    for actor in (VIEWER, ADMIN, PIPELINE):
        assert held(world, actor) == [("etl", 1), ("north", 1), ("south", 1)]


def test_a_removed_dag_is_not_live_and_stays_on_record(world: World) -> None:
    world.released(world.dag("etl"))
    world.delete("etl.py")
    world.released("etl.py")

    history = environments.dag_history(world.ctx, actor=DEV, name="prod", dag_id="etl").items

    assert held(world, DEV) == []
    assert [(v.version, v.change, v.in_target) for v in history] == [
        (2, ChangeKind.DELETED, False),
        (1, ChangeKind.NEW, False),
    ]


def test_part_of_a_file_that_one_may_read_is_all_that_one_sees_live(world: World) -> None:
    world.write("regions.py", dag_text("north", "south"))
    world.released("regions.py")
    for dag_id in ("south", "dev.south"):
        world.twin.refused.add((DEV2.id, DagAccess.READ, dag_id))

    assert held(world, DEV2) == [("north", 1)]
