from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

import pytest

from airflow_release_plugin.transfer.keys import KeyFolder
from demo.instance import DemoError, free_port, running_demo
from demo.settings import SERVICE_USER, USERS, DemoSettings


def prepared(home: Path, dags: Path | None = None) -> DemoSettings:
    settings = DemoSettings(home=home, port=18999, dags=dags)
    settings.prepare()
    return settings


def test_the_examples_are_copied_once_so_that_edits_stay(tmp_path: Path) -> None:
    edited = prepared(tmp_path).source / "etl_orders.py"
    edited.write_text("# mine\n")

    assert (prepared(tmp_path).source / "etl_orders.py").read_text() == "# mine\n"


def test_what_is_exported_can_be_signed_by_one_key_that_stays(tmp_path: Path) -> None:
    first, second = (
        KeyFolder(prepared(tmp_path).home / "release" / "keys").signing_key().id for _ in range(2)
    )

    assert first == second


def test_a_folder_of_ones_own_is_used_where_it_is(tmp_path: Path) -> None:
    settings = prepared(tmp_path / "home", dags=tmp_path)

    assert settings.source == tmp_path
    assert not (tmp_path / "home" / "dags").exists()


def test_settings_of_the_users_own_airflow_do_not_leak_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_CONN_THEIRS", "http://theirs")

    environment = prepared(tmp_path).environment()

    assert environment["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert "AIRFLOW_CONN_THEIRS" not in environment


@pytest.mark.parametrize("name", ["passwords.json", "secrets.json"])
def test_secrets_are_readable_by_their_owner_only(tmp_path: Path, name: str) -> None:
    prepared(tmp_path)

    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_secrets_survive_a_restart(tmp_path: Path) -> None:
    assert prepared(tmp_path).environment() == prepared(tmp_path).environment()


def test_the_password_of_the_service_user_is_random_and_reaches_its_tasks(tmp_path: Path) -> None:
    connection = json.loads(prepared(tmp_path).environment()["AIRFLOW_CONN_AIRFLOW_RELEASE_DEFAULT"])
    passwords = json.loads((tmp_path / "passwords.json").read_text())

    assert connection["login"] == SERVICE_USER
    assert connection["password"] == passwords[SERVICE_USER]
    assert set(passwords) == {SERVICE_USER, *(user.name for user in USERS)}
    assert len(passwords[SERVICE_USER]) > 32


def test_a_busy_port_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with (
            pytest.raises(DemoError, match=rf"Port {port} is in use\. .*PORT=\d+ make demo"),
            running_demo(tmp_path, port),
        ):
            pytest.fail("it started")


def test_a_missing_dag_folder_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(DemoError, match="is not a folder"),
        running_demo(tmp_path, free_port(), tmp_path / "nowhere"),
    ):
        pytest.fail("it started")
