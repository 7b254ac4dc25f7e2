"""When pushing does not go through: what people read, when it is tried again, and no secrets."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.git_access import GitAccess
from airflow_release_plugin.domain.release.mirror import MirrorState
from airflow_release_plugin.services.mirror import standing
from airflow_release_plugin.store.bare_repository import create_repository
from tests.db.services.mirror.conftest import PROD, push, refs_at, status, with_mirror
from tests.harness.clock import FrozenClock
from tests.harness.context import DEV, World
from tests.harness.git import git
from tests.harness.git_server import LOGIN, TOKEN, GitServer

pytestmark = pytest.mark.req("R87")


@pytest.fixture
def world(mirrored: World) -> World:
    mirrored.released(mirrored.dag("etl"))
    return mirrored


def test_a_mirror_that_is_away_is_tried_again_with_growing_pauses(
    world: World, server: GitServer, clock: FrozenClock
) -> None:
    server.down = True
    push(world)
    shown = status(world)
    assert (shown.state, shown.since, shown.next_at) == (
        MirrorState.FAILING,
        clock.now,
        clock.now + timedelta(seconds=15),
    )
    assert "502" in shown.problem
    assert standing.alarm(world.ctx) is MirrorState.FAILING
    assert push(world) is None
    began = clock.now
    clock.advance(seconds=15)
    push(world)
    assert status(world).next_at == clock.now + timedelta(seconds=30)
    assert status(world).since == began

    server.down = False
    clock.advance(seconds=30)
    push(world)

    assert (status(world).state, status(world).problem, status(world).since) == (
        MirrorState.UP_TO_DATE,
        "",
        None,
    )
    assert refs_at(server.repository)[PROD] == world.head


def test_a_wrong_token_is_said_and_shown_nowhere(
    world: World, server: GitServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world = with_mirror(world, server.url.replace("://", "://ada:pa55word@"), GitAccess(password="t0psecret"))

    push(world)

    shown = status(world)
    assert shown.problem == "The mirror refuses the login or token."
    assert shown.url == server.url.replace("://", "://ada:***@")
    record = repr(vars(world.ctx.session.query(standing.MirrorRecord).one()))
    for secret in ("pa55word", "t0psecret"):
        assert secret not in caplog.text + record + repr(world.ctx.settings) + repr(shown)


def test_credentials_of_the_address_are_used(world: World, server: GitServer) -> None:
    world = with_mirror(world, server.url.replace("://", f"://{LOGIN}:s3cr3t%2Ftok%2Ben@"))

    push(world)

    assert refs_at(server.repository)[PROD] == world.head


def test_the_address_may_come_from_the_connection(world: World, server: GitServer) -> None:
    world = with_mirror(world, "", GitAccess(server.url, LOGIN, TOKEN))

    push(world)

    assert (status(world).state, status(world).url) == (MirrorState.UP_TO_DATE, server.url)


def test_only_admins_read_the_reason(world: World, server: GitServer) -> None:
    server.down = True
    push(world)

    shown = standing.status(world.ctx, actor=DEV)

    assert shown is not None
    assert (shown.state, shown.problem) == (MirrorState.FAILING, "")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1:1/x.git", "Connection refused"),
        ("{server}/../nothing.git", "no repository at that address"),
        ("/nowhere/x.git", "does not exist"),
        ("git://127.0.0.1/x.git", "is no address"),
        ("https://", "is no address"),
        ("ssh://-oProxyCommand=touch/x.git", "is no address"),
        ("http://[::1/x.git", "is no address"),
    ],
)
def test_says_what_is_wrong_with_the_mirror(world: World, server: GitServer, address: str, says: str) -> None:
    world = with_mirror(world, address.format(server=server.url), GitAccess(login=LOGIN, password=TOKEN))

    push(world)

    assert says in status(world).problem
    assert TOKEN not in status(world).problem


def test_a_connection_that_is_not_there_is_named(world: World) -> None:
    world.twin.git.clear()

    push(world)

    assert "'git_mirror'" in status(world).problem


def test_what_the_server_refuses_is_said(world: World, server: GitServer) -> None:
    hook = server.repository / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase "$1" in refs/heads/*) exit 1;; esac\n')
    hook.chmod(0o755)

    push(world)

    assert status(world).problem == "The mirror refuses refs/heads/prod: hook declined."


def test_a_folder_that_is_no_bare_repository_is_refused(world: World, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "work")
    world = with_mirror(world, str(tmp_path / "work"))

    push(world)

    assert "is not a bare git repository" in status(world).problem


def test_another_mirror_begins_anew(world: World, server: GitServer, tmp_path: Path) -> None:
    push(world)
    create_repository(tmp_path / "other.git")
    world = with_mirror(world, str(tmp_path / "other.git"))
    assert status(world).state is MirrorState.BEHIND

    world.ctx.clock.advance(minutes=3)  # type: ignore[attr-defined]
    push(world)

    assert refs_at(tmp_path / "other.git")[PROD] == world.head
    assert world.trail(EventTag.ENVIRONMENT_MIRROR_MOVED) == []
