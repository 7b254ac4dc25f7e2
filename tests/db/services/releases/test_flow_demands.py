"""What a flow may demand of versions before it asks anybody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.releases import creation, previews
from tests.harness.context import ADMIN, DEV, World
from tests.harness.dev_runs import blobs, dev_run
from tests.harness.flow_forms import form


def demand(world: World, **rules: object) -> None:
    """Configure the flow of all releases."""
    flow_admin.create(world.ctx, actor=ADMIN, raw=form("Careful", **rules))  # type: ignore[arg-type]


def try_in_dev(world: World, path: str, days_ago: float = 0, **more: object) -> None:
    """Let a dev run read the file as it is now."""
    ended = world.ctx.clock() - timedelta(days=days_ago)
    world.twin.dev_runs = [dev_run(blobs(world.twin.root, path), at=ended, **more)]


@pytest.mark.req("R84")
class TestTriedInDev:
    def test_a_version_that_no_run_tried_is_refused_with_what_to_do(self, world: World) -> None:
        demand(world, tried_within_days=7)
        version = world.submit(world.dag("etl"))

        with pytest.raises(InvalidRequestError, match=r"none of 'etl'. Run 'dev.etl'.*observe_dev_runs"):
            world.request(version)
        shown = previews.preview(world.ctx, actor=DEV, submission_ids=[version.id])
        assert "Run 'dev.etl'" in shown.problem

    def test_a_version_that_a_run_tried_goes_its_way(self, world: World) -> None:
        demand(world, tried_within_days=7)
        path = world.dag("etl")
        try_in_dev(world, path, days_ago=6)

        assert world.waiting(path).state is ReleaseState.AWAITING_APPROVAL

    @pytest.mark.parametrize(("days_ago", "more"), [(8, {}), (0, {"state": "failed"}), (0, {"silent": 1})])
    def test_a_run_that_is_old_failed_or_told_not_all_does_not_count(
        self, world: World, days_ago: float, more: dict[str, object]
    ) -> None:
        demand(world, tried_within_days=7)
        path = world.dag("etl")
        try_in_dev(world, path, days_ago, **more)

        with pytest.raises(InvalidRequestError, match="demands a successful dev run"):
            world.request(world.submit(path))

    def test_a_run_of_what_the_file_was_before_does_not_count(self, world: World) -> None:
        demand(world, tried_within_days=7)
        try_in_dev(world, world.dag("etl"))

        with pytest.raises(InvalidRequestError, match="demands a successful dev run"):
            world.request(world.submit(world.dag("etl", lines="VALUE = 2")))

    def test_a_run_that_is_too_old_after_the_check_fails_the_release_which_can_be_tried_again(
        self, world: World
    ) -> None:
        demand(world, tried_within_days=1)
        path = world.dag("etl")
        try_in_dev(world, path)
        release = world.request(world.submit(path))
        world.twin.dev_runs = []

        assert world.report(release).state is ReleaseState.FAILED
        assert "demands a successful dev run" in (release.state_reason or "")
        try_in_dev(world, path)
        again = creation.retry(world.ctx, actor=DEV, release_id=release.id)
        assert world.report(again).state is ReleaseState.AWAITING_APPROVAL

    def test_a_removal_needs_none(self, world: World) -> None:
        path = world.dag("etl")
        world.released(path)
        demand(world, tried_within_days=1)
        world.delete(path)

        assert world.waiting(path).state is ReleaseState.AWAITING_APPROVAL


@pytest.mark.req("R81")
class TestCompleteOnly:
    LINES = "import sys\nROWS = open(sys.argv[1]).read() if len(sys.argv) > 99 else ''"

    def test_a_version_that_may_lack_files_is_refused_with_what_to_do(self, world: World) -> None:
        demand(world, complete_only=True)
        version = world.submit(world.dag("etl", lines=self.LINES))

        assert not version.is_complete
        with pytest.raises(InvalidRequestError, match=r"'etl.py' v1 may lack files.*release.toml"):
            world.request(version)

    def test_a_complete_version_goes_its_way(self, world: World) -> None:
        demand(world, complete_only=True)

        assert world.waiting(world.dag("etl")).state is ReleaseState.AWAITING_APPROVAL

    def test_without_the_rule_it_is_for_people_to_weigh(self, world: World) -> None:
        assert world.waiting(world.dag("etl", lines=self.LINES)).state is ReleaseState.AWAITING_APPROVAL
