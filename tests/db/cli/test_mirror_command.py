"""``airflow release mirror``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.db.api.conftest import WARNINGS
from tests.db.api.world import World
from tests.db.cli.conftest import airflow, rows
from tests.harness.git import git, push_as_somebody, require_git

pytestmark = [pytest.mark.req("R87"), *(pytest.mark.filterwarnings(warning) for warning in WARNINGS)]


@pytest.fixture
def world(world: World) -> World:
    """An installation that has released something."""
    require_git()
    world.released()
    return world


def test_a_bare_clone_is_made_and_brought_up_to_date(world: World, tmp_path: Path) -> None:
    target = tmp_path / "new" / "clone.git"
    (made,) = rows(airflow(world, "mirror", str(target), "--output", "json"))
    (again,) = rows(airflow(world, "mirror", f"file://{target}", "--output", "json"))

    assert int(made["pushed"]) > 0
    assert (again["pushed"], again["there already"]) == ("0", made["pushed"])
    assert git(target, "fsck", "--full", "--strict") == ""
    assert git(tmp_path, "clone", "--quiet", str(target), "work") == ""
    assert git(tmp_path / "work", "branch", "--show-current") == "prod"


def test_what_somebody_else_pushed_stays_unless_it_is_forced(world: World, tmp_path: Path) -> None:
    target = tmp_path / "clone.git"
    airflow(world, "mirror", str(target))
    ours = git(target, "rev-parse", "prod")
    theirs = push_as_somebody(target, tmp_path / "workspace")

    refused = airflow(world, "mirror", str(target))

    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"refs/heads/prod is at {theirs} there, and at {ours} here" in refused.stderr
    assert "--force" in refused.stderr
    assert git(target, "rev-parse", "prod") == theirs
    assert rows(airflow(world, "mirror", str(target), "--force", "--output", "json"))[0]["pushed"] == "1"
    assert git(target, "rev-parse", "prod") == ours


def test_the_configured_mirror_is_pushed_to_and_overwritten_with_force(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "mirror.git"
    git(tmp_path, "init", "--quiet", "--bare", "mirror.git")
    monkeypatch.setenv("AIRFLOW__RELEASE__MIRROR_URL", str(target))
    assert int(rows(airflow(world, "mirror", "--output", "json"))[0]["pushed"]) == 2
    ours = git(target, "rev-parse", "prod")
    theirs = push_as_somebody(target, tmp_path / "workspace")

    refused = airflow(world, "mirror")

    assert (refused.returncode, theirs in refused.stderr) == (1, True)
    airflow(world, "mirror", "--force")
    assert git(target, "rev-parse", "prod") == ours


def test_what_cannot_be_done_is_a_line_and_exit_code_1(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for arguments, message in (
        ([], "There is no mirror"),
        ([str(tmp_path / "full")], "is not a bare git repository"),
        (["git://127.0.0.1/x.git"], "is no address"),
        (["http://127.0.0.1:1/x.git"], "Connection refused"),
        (["https://127.0.0.1/x.git", "--conn-id", "nothing"], "no connection 'nothing'"),
    ):
        done = airflow(world, "mirror", *arguments)

        assert (done.returncode, done.stdout) == (1, "")
        assert message in done.stderr
    monkeypatch.setenv("AIRFLOW__RELEASE__MIRROR_URL", "http://127.0.0.1:1/x.git")
    done = airflow(world, "mirror", "--output", "json")
    assert (done.returncode, "Connection refused" in done.stdout) == (1, True)
