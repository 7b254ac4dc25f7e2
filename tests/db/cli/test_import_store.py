"""``airflow release import-store``: what a store of an earlier version held is here, or nothing of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from airflow_release_plugin.exceptions import StoreConflictError, StoreUnavailableError
from airflow_release_plugin.models import Environment, Event
from airflow_release_plugin.services.baseline import earlier_store
from airflow_release_plugin.services.promotion import environments
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.bare_repository import create_repository
from airflow_release_plugin.store.base import environment_ref, submission_ref, tag_ref
from airflow_release_plugin.store.release_store import ReleaseStore
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, World, make_world
from tests.harness.manual_edits import push_by_hand

pytestmark = pytest.mark.req("R85")


@pytest.fixture(params=BACKENDS)
def db_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(session: object, tmp_path: Path, clock: FrozenClock) -> World:
    """An empty installation."""
    return make_world(session, tmp_path / "source", clock)  # type: ignore[arg-type]


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A repository with a branch of three commits, a tag and a version."""
    path = tmp_path / "store.git"
    store = create_repository(path)
    for number in range(3):
        tip = push_by_hand(store, f"jobs/d{number}/etl.py", f"x = {number}\n")
    store.move_ref(tag_ref("R-000003"), expected=None, new=tip)
    store.move_ref(submission_ref("etl", 1), expected=None, new=tip)
    return path


def take_in(ctx: Context, path: Path) -> tuple[int, int]:
    copied = earlier_store.take_in(ctx, actor=ADMIN, path=path)
    return len(copied.new), len(copied.known)


def content(store: ReleaseStore) -> dict[str, bytes]:
    return {p: store.read(e.blob) for p, e in store.files(store.head("prod")).items()}


def test_branches_tags_and_versions_come_with_all_that_they_hold(world: World, earlier: Path) -> None:
    assert take_in(world.ctx, earlier) == (3, 0)

    assert content(world.store) == {f"jobs/d{n}/etl.py": b"x = %d\n" % n for n in range(3)}
    assert len(world.store.history(world.head)) == 3
    assert world.store.refs("refs/") == dict.fromkeys(
        [environment_ref("prod"), submission_ref("etl", 1), tag_ref("R-000003")], world.head
    )
    assert not environments.get(world.ctx, actor=DEV, name="prod").moved


def test_a_second_time_changes_nothing(world: World, earlier: Path) -> None:
    take_in(world.ctx, earlier)
    events = world.ctx.session.query(Event).count()

    assert take_in(world.ctx, earlier) == (0, 3)
    assert world.ctx.session.query(Event).count() == events


def test_what_differs_is_refused_and_nothing_is_taken(world: World, earlier: Path) -> None:
    mine = world.released(world.dag("own"))

    with pytest.raises(StoreConflictError, match="refs/heads/prod"):
        take_in(world.ctx, earlier)

    assert world.head == mine.target_commit
    assert world.store.ref(tag_ref("R-000003")) is None


def test_an_environment_that_is_elsewhere_is_refused(world: World, earlier: Path) -> None:
    world.ctx.session.add(Environment(name="prod", recorded_commit="a" * 40, updated_at=world.ctx.clock()))

    with pytest.raises(StoreConflictError, match="Nothing was changed"):
        take_in(world.ctx, earlier)


@pytest.mark.parametrize("what", ["missing", "a file", "no repository"])
def test_what_is_no_repository_is_named(world: World, tmp_path: Path, what: str) -> None:
    path = tmp_path / "thing"
    if what == "a file":
        path.write_text("")
    elif what == "no repository":
        path.mkdir()

    with pytest.raises(StoreUnavailableError, match="thing"):
        take_in(world.ctx, path)


def test_the_command_is_there() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "release", "import-store", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "bare git repository" in done.stdout
