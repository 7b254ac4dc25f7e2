"""The list of what the target holds: its columns, filters and order, for whom, and all of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.ports import DagAccess, LiveDag
from airflow_release_plugin.domain.release.dev_runs import DevRun, TaskReads
from airflow_release_plugin.domain.release.drift import Finding, FindingKind
from airflow_release_plugin.domain.release.target_dags import ServingState, TargetDagFilter
from airflow_release_plugin.exceptions import InvalidRequestError, NotFoundError
from airflow_release_plugin.models import MachineLook
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services.promotion import target_dags
from airflow_release_plugin.services.promotion.target_dags import TargetDag
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, REVIEWER, World, dag_text

pytestmark = pytest.mark.req("R92")


def held(world: World, actor: Actor = DEV, order_by: str = "dag_id", **criteria: object) -> list[TargetDag]:
    found = target_dags.list_target_dags(
        world.ctx,
        actor=actor,
        name="prod",
        criteria=TargetDagFilter(**criteria),  # type: ignore[arg-type]
        order_by=order_by,
    )
    assert found.total_entries == len(found.items)
    return found.items


def ids(found: list[TargetDag]) -> list[str]:
    return [dag.dag_id for dag in found]


def drifted(world: World, clock: FrozenClock, path: str) -> None:
    """Let a machine find another text in a file."""
    look = MachineLook(environment="prod", host="a", looked_at=clock.now, changed_at=clock.now, total=1)
    look.findings = [Finding(FindingKind.EDITED, "a:/tree", f"{path} was edited", path)]
    world.ctx.session.add(look)


@pytest.fixture
def three(world: World, clock: FrozenClock) -> World:
    """One DAG that is active, one that is paused, and one that Airflow does not serve yet."""
    world.write("lib.py", "x = 1\n")
    world.released(world.dag("active_one", lines="import lib"))
    clock.advance(minutes=1)
    world.released(world.dag("paused_one"))
    clock.advance(minutes=1)
    world.decide(release := world.waiting(world.dag("third")), ADMIN)
    world.promote(release)
    world.twin.live["active_one"] = LiveDag("active_one", "prod", "active_one.py")
    world.twin.live["paused_one"] = LiveDag("paused_one", "prod", "paused_one.py", is_paused=True)
    world.twin.live["third"] = LiveDag("third", "elsewhere", "third.py")
    return world


def test_a_row_says_what_runs_and_since_when(three: World, clock: FrozenClock) -> None:
    (row, _, last) = held(three)

    assert (row.live.version, row.live.path, row.live.release_number) == (1, "active_one.py", "R-000001")
    assert row.live.released_at == clock.now - timedelta(minutes=2)
    assert row.released_by is not None
    assert (row.released_by.name, last.released_by and last.released_by.name) == ("reviewer", "admin")
    assert row.version.change is ChangeKind.NEW
    assert row.runs == row.drift == ()


def test_what_airflow_does_with_it(three: World) -> None:
    assert {row.dag_id: row.state for row in held(three)} == {
        "active_one": ServingState.ACTIVE,
        "paused_one": ServingState.PAUSED,
        "third": ServingState.NOT_SERVED,
    }


def test_its_newest_runs_are_told_with_their_states(three: World) -> None:
    for number in range(7):
        three.twin.trigger("active_one", run_id=f"r{number}", conf=None, actor=DEV)

    assert [run.run_id for run in held(three)[0].runs] == ["r6", "r5", "r4", "r3", "r2"]
    assert [run.state for run in held(three)[0].runs] == ["queued"] * 5
    assert held(three)[1].runs == ()


def test_whether_exactly_its_files_were_tried_in_dev(three: World, clock: FrozenClock) -> None:
    version = held(three)[1].version
    reads = TaskReads("t", {entry.path: entry.blob for entry in version.entries})
    three.twin.dev_runs.append(DevRun("dev.paused_one", "r1", "success", clock.now, clock.now, (reads,), 0))

    tried = {row.dag_id: row.trial and row.trial.is_success for row in held(three)}

    assert tried == {"active_one": False, "paused_one": True, "third": False}


def test_what_a_rollback_brought_back_no_dev_run_could_have_tried(world: World) -> None:
    world.released(world.dag("etl"))
    submissions.submissions_by_id(world.ctx.session, [1])[0].snapshot_id = None
    world.ctx.session.flush()

    assert held(world)[0].trial is None


@pytest.mark.parametrize("path", ["active_one.py", "lib.py"])
def test_a_file_that_drifted_is_shown_at_every_dag_that_has_it(
    three: World, clock: FrozenClock, path: str
) -> None:
    assert held(three, drifted=True) == []
    drifted(three, clock, path)

    assert [[finding.path for finding in row.drift] for row in held(three)] == [[path], [], []]
    assert ids(held(three, drifted=True)) == ["active_one"]


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({"search": "paused"}, ["paused_one"]),
        ({"search": "ative_one"}, ["active_one"]),
        ({"search": "R-000003"}, ["third"]),
        ({"search": "nothing"}, []),
        ({"released_by": "admin"}, ["third"]),
        ({"state": ServingState.PAUSED}, ["paused_one"]),
        ({"state": ServingState.NOT_SERVED, "released_by": "reviewer"}, []),
    ],
)
def test_it_is_narrowed(three: World, criteria: dict[str, object], found: list[str]) -> None:
    assert ids(held(three, **criteria)) == found


@pytest.mark.parametrize(
    ("order_by", "found"),
    [
        ("-dag_id", ["third", "paused_one", "active_one"]),
        ("released_at", ["active_one", "paused_one", "third"]),
        ("-release", ["third", "paused_one", "active_one"]),
        ("released_by", ["third", "active_one", "paused_one"]),
        ("version", ["active_one", "paused_one", "third"]),
        ("-state", ["paused_one", "third", "active_one"]),
    ],
)
def test_it_is_ordered(three: World, order_by: str, found: list[str]) -> None:
    assert ids(held(three, order_by=order_by)) == found


def test_an_order_that_there_is_not_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequestError, match="no order_by 'size'"):
        held(world, order_by="size")


def test_an_environment_that_there_is_not_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError, match="this installation has 'prod'"):
        target_dags.list_target_dags(world.ctx, actor=DEV, name="test")


def test_only_dags_that_one_may_read_are_listed_and_counted(three: World) -> None:
    three.write("regions.py", dag_text("north", "south"))
    three.released("regions.py")
    for dag_id in ("south", "active_one"):
        for name in (dag_id, f"dev.{dag_id}"):
            three.twin.refused.add((DEV2.id, DagAccess.READ, name))

    assert ids(held(three, DEV2)) == ["north", "paused_one", "third"]
    assert ids(held(three, REVIEWER)) == ["active_one", "north", "paused_one", "south", "third"]


def test_a_list_without_end_has_every_row_once(three: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target_dags, "BATCH", 2)

    found = list(target_dags.every_target_dag(three.ctx, actor=DEV, name="prod", order_by="-dag_id"))

    assert ids(found) == ["third", "paused_one", "active_one"]
