"""What tasks read in dev runs joins the unit when it is submitted."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.tree.files import blob_id
from airflow_release_plugin.exceptions import UnchangedError
from airflow_release_plugin.models import Submission
from airflow_release_plugin.services.submissions.candidates import list_candidates
from tests.harness.context import DEV, World
from tests.harness.dev_runs import blobs, dev_run

pytestmark = pytest.mark.req("R81", "R84")


def reasons(submission: Submission) -> dict[str, str]:
    return {file["path"]: file["reason"] for file in submission.closure if file["kind"] == "observed"}


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_a_file_that_a_task_read_joins_with_the_run_as_the_reason(world: World) -> None:
    path = world.dag("etl")
    world.write("conf/rates.csv", "1\n")
    world.twin.dev_runs = [dev_run(blobs(world.twin.root, path, "conf/rates.csv"))]

    submission = world.submit(path)

    assert reasons(submission) == {
        "conf/rates.csv": "read by task etl.load in the dev run of 2026-11-29 10:12 UTC"
    }
    assert submission.is_complete
    assert world.store.files(submission.commit_id).keys() == {path, "conf/rates.csv"}


def test_data_that_was_edited_since_joins_as_it_is_now(world: World) -> None:
    path = world.dag("etl")
    world.write("rates.csv", "1\n")
    world.twin.dev_runs = [dev_run(blobs(world.twin.root, path, "rates.csv"))]
    world.write("rates.csv", "2\n")

    submission = world.submit(path)

    (entry,) = [entry for entry in submission.entries if entry.path == "rates.csv"]
    assert entry.blob == blob_id(b"2\n")


@pytest.mark.parametrize("changed", ["etl.py", "shop.py"])
def test_a_run_of_other_code_adds_nothing(world: World, changed: str) -> None:
    world.write("shop.py", "RATE = 1\n")
    path = world.dag("etl", lines="import shop")
    world.write("rates.csv", "1\n")
    files = blobs(world.twin.root, path, "shop.py", "rates.csv")
    world.twin.dev_runs = [dev_run({**files, changed: blob_id(b"what it was")})]

    assert reasons(world.submit(path)) == {}


def test_what_the_released_version_needed_is_not_taken_from_its_tasks(world: World) -> None:
    path = world.dag("etl")
    world.write("rates.csv", "1\n")
    world.twin.dev_runs = [dev_run(blobs(world.twin.root, path, "rates.csv"))]
    world.released(path)
    world.dag("etl", lines="x = 2")

    release = world.waiting(path)

    (item,) = release.items
    assert reasons(item.submission) == {
        "rates.csv": "read by task etl.load in the dev run of 2026-11-29 10:12 UTC, before the code was what "
        "it is now"
    }
    assert "rates.csv" not in {change.path for change in release.changes}


def test_a_dev_run_that_needs_it_no_more_lets_it_go(world: World) -> None:
    path = world.dag("etl")
    world.write("rates.csv", "1\n")
    world.twin.dev_runs = [dev_run(blobs(world.twin.root, path, "rates.csv"))]
    world.released(path)
    world.dag("etl", lines="x = 2")
    world.twin.dev_runs = [dev_run(blobs(world.twin.root, path))]

    assert reasons(world.submit(path)) == {}


def test_a_run_of_another_dag_adds_nothing(world: World) -> None:
    path = world.dag("etl")
    world.write("rates.csv", "1\n")
    world.twin.dev_runs = [dev_run(blobs(world.twin.root, path, "rates.csv"), "dev.other")]

    assert reasons(world.submit(path)) == {}


def test_a_file_that_the_snapshot_lacks_is_named_and_the_unit_is_not_complete(world: World) -> None:
    path = world.dag("etl")
    world.twin.dev_runs = [dev_run({**blobs(world.twin.root, path), "gone.csv": blob_id(b"")})]

    submission = world.submit(path)

    assert not submission.is_complete
    (warning,) = submission.warnings
    assert warning == (
        "gone.csv was read by task etl.load in the dev run of 2026-11-29 10:12 UTC, and is not in the unit: "
        "the source has it no more."
    )


def test_it_makes_a_new_version_once(world: World) -> None:
    path = world.dag("etl")
    world.write("rates.csv", "1\n")
    world.submit(path)
    world.twin.dev_runs = [dev_run(blobs(world.twin.root, path, "rates.csv"))]

    assert world.submit(path).version == 2
    with pytest.raises(UnchangedError):
        world.submit(path)


class TestWhatJoinedOnce:
    """By running it; the text of the code does not tell it, and no dev run tells it any more."""

    @pytest.fixture
    def released(self, world: World) -> str:
        path = world.dag("etl")
        world.write("rates.csv", "1\n")
        world.twin.dev_runs = [dev_run(blobs(world.twin.root, path, "rates.csv"))]
        world.released(path)
        world.twin.dev_runs = []
        return path

    def test_is_no_change_against_the_target(self, world: World, released: str) -> None:
        assert list_candidates(world.ctx, actor=DEV).items == []
        with pytest.raises(UnchangedError):
            world.submit(released)

    def test_is_one_as_soon_as_it_is_edited(self, world: World, released: str) -> None:
        world.write("rates.csv", "2\n")

        (row,) = list_candidates(world.ctx, actor=DEV).items
        assert (row.path, row.can_be_submitted) == (released, True)

    def test_is_no_change_since_the_submission(self, world: World) -> None:
        path = world.dag("etl")
        world.write("rates.csv", "1\n")
        world.twin.dev_runs = [dev_run(blobs(world.twin.root, path, "rates.csv"))]
        world.submit(path)
        world.twin.dev_runs = []

        (row,) = list_candidates(world.ctx, actor=DEV).items
        assert not row.changed_since_submission
