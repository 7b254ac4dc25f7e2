"""Rows of the to-be-released list say how large and risky a release would be, and if dev tried it."""

from __future__ import annotations

import pytest

from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.read_models import release_form, to_be_released
from airflow_release_plugin.services.read_models.to_be_released import ListRequest
from airflow_release_plugin.services.submissions.candidate_weights import CandidateWeight
from airflow_release_plugin.services.submissions.candidates import CandidateFilter
from tests.harness.context import ADMIN, DEV, World, with_settings
from tests.harness.dev_runs import blobs, dev_run

pytestmark = pytest.mark.req("R4")


def weights(world: World) -> dict[str, CandidateWeight]:
    asked = ListRequest("", False, CandidateFilter(), "", 50, 0)
    return dict(to_be_released.get_list(world.ctx, actor=DEV, asked=asked).weights)


def two_levels(world: World, **rule: object) -> None:
    step = {"name": "Review", "roles": ["op"]}
    levels = [{"name": "Usual", "steps": [step]}, {"name": "Careful", "rule": rule, "steps": [step]}]
    flow_admin.create(world.ctx, actor=ADMIN, raw={"name": "all", "kind": "promotion", "levels": levels})


def test_lines_are_counted_against_the_target(world: World) -> None:
    world.released(world.dag("etl", lines="x = 1"))
    world.dag("etl", lines="x = 2\ny = 3")

    assert weights(world)["etl.py"].lines == (2, 1)


def test_a_version_that_waits_is_weighed_as_it_was_submitted(world: World) -> None:
    world.released(world.dag("etl", lines="x = 1"))
    world.submit(world.dag("etl", lines="x = 2"))
    world.dag("etl", lines="x = 2\ny = 3\nz = 4")

    assert weights(world)["etl.py"].lines == (1, 1)


def test_a_removal_takes_what_nothing_else_needs(world: World) -> None:
    world.write("own.py", "x = 1\n")
    world.write("lib.py", "x = 1\n" * 50)
    world.released(world.dag("etl", lines="import lib, own"), world.dag("other", lines="import lib"))
    length = len((world.twin.root / "etl.py").read_text().splitlines()) + 1
    world.delete("etl.py")

    assert weights(world)["etl.py"].lines == (0, length)


@pytest.mark.parametrize(
    ("rule", "level"),
    [({"min_lines": 2}, "Careful"), ({"min_lines": 500}, "Usual"), ({"changes": ["new"]}, "Careful")],
)
def test_the_level_is_that_of_the_flow_that_would_apply(
    world: World, rule: dict[str, object], level: str
) -> None:
    two_levels(world, **rule)
    world.dag("etl")

    found = weights(world)["etl.py"]

    assert (found.level_name, found.levels) == (level, 2)


def test_a_shared_file_counts_here_and_in_the_form(world: World) -> None:
    two_levels(world, changes=["shared_file"])
    world.write("lib.py", "x = 1\n")
    world.released(world.dag("one", lines="import lib"), world.dag("two", lines="import lib"))
    world.dag("one", lines="import lib\ny = 1")
    alone = weights(world)["one.py"].level_name
    world.write("lib.py", "x = 2\n")

    assert (alone, weights(world)["one.py"].level_name) == ("Usual", "Careful")
    chosen = [world.submit("one.py").id]
    form = release_form.get_form(world.ctx, actor=DEV, submission_ids=chosen)
    assert form.preview.level_name == "Careful"


def test_where_nobody_approves_there_is_no_level(world: World) -> None:
    world.dag("etl")

    for settings in ({"source_mode": "basic"}, {"role": "source"}):
        assert weights(with_settings(world, **settings))["etl.py"].levels == 0


def test_dev_runs_of_exactly_these_files_count_before_and_after_submitting(world: World) -> None:
    path = world.dag("etl")
    world.twin.dev_runs = [dev_run(blobs(world.twin.root, path))]
    (before,) = weights(world)[path].trials
    world.submit(path)
    (after,) = weights(world)[path].trials
    world.dag("etl", lines="x = 2")
    (of_version,) = weights(world)[path].trials

    assert [before.is_success, after.is_success, of_version.is_success] == [True, True, True]


def test_a_run_of_other_bytes_does_not_count(world: World) -> None:
    path = world.dag("etl")
    world.twin.dev_runs = [dev_run({path: "0" * 40})]

    (trial,) = weights(world)[path].trials

    assert trial.run is None


def test_a_file_that_cannot_be_shipped_is_not_weighed(world: World) -> None:
    world.write("etl.py", "DAG = (\n")

    assert weights(world).get("etl.py") is None
