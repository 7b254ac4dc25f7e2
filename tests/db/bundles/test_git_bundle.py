"""Airflow's own git bundle serves the mirror, and people read it with git."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from airflow.providers.git.bundles.git import GitDagBundle

from airflow_release_plugin.domain.git_access import GitAccess
from airflow_release_plugin.services.mirror import pushing
from airflow_release_plugin.services.runtime import keys
from tests.harness.clock import FrozenClock
from tests.harness.context import World, make_world, steps_of
from tests.harness.exports import with_transfers
from tests.harness.git import git, run_git
from tests.harness.git_server import LOGIN, TOKEN, git_server

pytestmark = [
    pytest.mark.req("R87"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:git"),
]


@pytest.fixture
def world(session: object, tmp_path: Path, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "bundles"))
    return with_transfers(make_world(session, tmp_path / "source", clock), tmp_path)  # type: ignore[arg-type]


def test_stock_git_bundle_serves_what_was_released(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with git_server(tmp_path / "git") as server:
        world.twin.git["git_mirror"] = GitAccess(login=LOGIN, password=TOKEN)
        settings = replace(world.ctx.settings, mirror_url=server.url, mirror_conn_id="git_mirror")
        world = replace(world, ctx=replace(world.ctx, settings=settings))
        monkeypatch.setenv(
            "AIRFLOW_CONN_GIT_MIRROR",
            f'{{"conn_type": "git", "host": "{server.url}", "login": "{LOGIN}", "password": "{TOKEN}"}}',
        )
        world.write("shop/load.py", "rows = 1\n")
        world.write("shop/__init__.py", "")
        world.released(world.dag("etl", "from shop.load import rows"))
        first = str(world.head)
        pushing.run_once(work=steps_of(world))
        bundle = GitDagBundle(name="mirror", tracking_ref="prod", git_conn_id="git_mirror")
        bundle.initialize()

        assert version_of(bundle) == first
        assert files_below(bundle.path) == {"etl.py", "shop/__init__.py", "shop/load.py"}
        assert (bundle.path / "etl.py").read_text() == world.target()["etl.py"]

        world.released(world.dag("etl", "from shop.load import rows\nx = 2"))
        pushing.run_once(work=steps_of(world))
        bundle.refresh()

        assert version_of(bundle) == world.head
        assert "x = 2" in (bundle.path / "etl.py").read_text()
        pinned = GitDagBundle(name="mirror", tracking_ref="prod", git_conn_id="git_mirror", version=first)
        pinned.initialize()
        assert "x = 2" not in (pinned.path / "etl.py").read_text()


def version_of(bundle: GitDagBundle) -> str:
    """As Airflow keeps it: a text up to 3.2, a record later."""
    found = bundle.get_current_version()
    return str(getattr(found, "version", found))


def files_below(folder: Path) -> set[str]:
    found = (file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    return {file.as_posix() for file in found if file.parts[0] != ".git"}


def test_log_blame_and_signatures_are_there_for_people(world: World, tmp_path: Path) -> None:
    release = world.request(world.submit(world.dag("etl")), title="Orders", description="Adds orders.")
    world.promote(world.decide(world.report(release)))
    world.released(world.dag("etl", "x = 2"))
    allowed = tmp_path / "allowed_signers"
    allowed.write_text("\n".join(keys.allowed_signers(world.ctx)) + "\n")
    with git_server(tmp_path / "git") as server:
        world.twin.git["git_mirror"] = GitAccess(login=LOGIN, password=TOKEN)
        settings = replace(world.ctx.settings, mirror_url=server.url, mirror_conn_id="git_mirror")
        pushing.run_once(work=steps_of(replace(world, ctx=replace(world.ctx, settings=settings))))
        address = server.url.replace("://", f"://{LOGIN}:{TOKEN.replace('/', '%2F').replace('+', '%2B')}@")

        git(tmp_path, "clone", "--quiet", address, "clone")

    clone = tmp_path / "clone"
    assert git(clone, "log", "--format=%s by %an: %(trailers:key=Release,valueonly,separator=%x2C)") == (
        "A release by dev: R-000002\nOrders by dev: R-000001"
    )
    assert "Approved-by: reviewer" in git(clone, "log", "-1", "--format=%b", "R-000001")
    blamed = git(clone, "blame", "--line-porcelain", "etl.py").splitlines()
    summaries = {line for line in blamed if line.startswith("summary ")}
    assert summaries == {"summary Orders", "summary A release"}
    assert git(clone, "describe", "--tags", "prod") == "R-000002"
    for commit in ("prod", "R-000001"):
        done = run_git(clone, "-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", commit)
        assert done.returncode == 0, done.stderr
