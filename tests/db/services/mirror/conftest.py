"""An installation with a mirror."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_release_plugin.domain.git_access import GitAccess
from airflow_release_plugin.services.mirror import pushing, standing
from airflow_release_plugin.services.mirror.standing import MirrorStatus, PushOutcome
from airflow_release_plugin.store.base import environment_ref
from tests.harness.context import ADMIN, World, steps_of
from tests.harness.git import git
from tests.harness.git_server import LOGIN, TOKEN, GitServer, git_server


def with_mirror(world: World, address: str, access: GitAccess | None = None) -> World:
    """The same installation with another mirror."""
    if access is not None:
        world.twin.git["git_mirror"] = access
    settings = replace(
        world.ctx.settings, mirror_url=address, mirror_conn_id="git_mirror" if access is not None else ""
    )
    return replace(world, ctx=replace(world.ctx, settings=settings))


PROD = environment_ref("prod")


def push(world: World, *, by: str = "") -> PushOutcome | None:
    """What an API server does every few seconds."""
    return pushing.run_once(work=steps_of(world), by=by)


def status(world: World) -> MirrorStatus:
    found = standing.status(world.ctx, actor=ADMIN)
    assert found is not None
    return found


def refs_at(repository: Path) -> dict[str, str]:
    lines = git(repository, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return {line.split()[0]: line.split()[1] for line in lines}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path / "git") as running:
        yield running


@pytest.fixture
def mirrored(world: World, server: GitServer) -> World:
    """The world with an empty repository on a server as its mirror."""
    return with_mirror(world, server.url, GitAccess(login=LOGIN, password=TOKEN))
