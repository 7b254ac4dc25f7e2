"""A mirror that is reached over SSH: with a key of a connection, and nothing asked of anybody."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_release_plugin.domain.git_access import GitAccess
from airflow_release_plugin.domain.release.mirror import MirrorState
from tests.db.services.mirror.conftest import PROD, push, refs_at, status, with_mirror
from tests.harness.context import World
from tests.harness.ssh_server import PASSPHRASE, SshServer, ssh_server

pytestmark = pytest.mark.req("R87")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("ssh") / "server") as server:
        yield server


@pytest.fixture
def ssh(running: SshServer) -> SshServer:
    """With an empty repository."""
    for ref in refs_at(running.repository):
        (running.repository / ref).unlink()
    return running


@pytest.fixture
def world(world: World) -> World:
    world.released(world.dag("etl"))
    return world


def access(server: SshServer, **given: str) -> GitAccess:
    return GitAccess(known_hosts_file=str(server.known_hosts), host_key_check="yes", **given)


def test_a_connection_with_the_name_of_a_key_file_is_enough(world: World, ssh: SshServer) -> None:
    world = with_mirror(world, ssh.url, access(ssh, key_file=str(ssh.key)))

    push(world)

    assert (status(world).problem, status(world).state) == ("", MirrorState.UP_TO_DATE)
    assert refs_at(ssh.repository)[PROD] == world.head


@pytest.mark.parametrize("how", ["file", "inline"])
def test_a_key_with_a_passphrase_is_opened_and_left_nowhere(
    world: World, ssh: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    given = (
        {"key_file": str(ssh.locked_key)} if how == "file" else {"private_key": ssh.locked_key.read_text()}
    )
    world = with_mirror(world, ssh.url, access(ssh, passphrase=PASSPHRASE, **given))

    push(world)

    assert status(world).problem == ""
    assert refs_at(ssh.repository)[PROD] == world.head
    assert list(tmp_path.glob("airflow-release-*")) == []


def test_a_key_that_is_not_let_in_is_said_in_the_words_of_ssh(world: World, ssh: SshServer) -> None:
    stranger = ssh.known_hosts.with_name("host")
    world = with_mirror(world, ssh.url, access(ssh, key_file=str(stranger)))

    push(world)

    assert "Permission denied" in status(world).problem


def test_a_host_that_is_not_known_is_not_spoken_to(world: World, ssh: SshServer, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").touch()
    strict = GitAccess(
        known_hosts_file=str(tmp_path / "known_hosts"), host_key_check="yes", key_file=str(ssh.key)
    )

    world = with_mirror(world, ssh.url, strict)

    push(world)

    assert "Host key verification failed" in status(world).problem


def test_a_passphrase_that_does_not_fit_is_no_endless_question(world: World, ssh: SshServer) -> None:
    world = with_mirror(world, ssh.url, access(ssh, key_file=str(ssh.locked_key), passphrase="wrong"))

    push(world)

    assert "Permission denied" in status(world).problem


def test_without_an_ssh_client_its_absence_is_named(
    world: World, ssh: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    world = with_mirror(world, ssh.url, access(ssh, key_file=str(ssh.key)))

    push(world)

    assert status(world).problem == "ssh is not installed on this server."
