"""What a connection of type git says, with the fields of Airflow's own git provider."""

from __future__ import annotations

import json

import pytest

from airflow_release_plugin.airflow_internals.connections import AirflowConnections
from airflow_release_plugin.domain.git_access import GitAccess
from airflow_release_plugin.exceptions import InvalidRequestError, NotFoundError

pytestmark = pytest.mark.req("R87")


def connect(monkeypatch: pytest.MonkeyPatch, **fields: object) -> GitAccess:
    monkeypatch.setenv("AIRFLOW_CONN_GIT_MIRROR", json.dumps({"conn_type": "git", **fields}))
    return AirflowConnections().git_access("git_mirror")


def test_login_token_and_keys_are_read_and_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"private_key": "a key", "private_key_passphrase": "sesame", "ssh_port": "2222"}

    found = connect(monkeypatch, host="ssh://h/x.git", login="ada", password="t0ken", extra=extra)

    assert (found.url, found.login, found.password) == ("ssh://h/x.git", "ada", "t0ken")
    assert (found.private_key, found.passphrase, found.ssh_port) == ("a key", "sesame", 2222)
    assert not [secret for secret in ("t0ken", "a key", "sesame") if secret in repr(found)]


@pytest.mark.parametrize("extra", [{"github_app_id": "7"}, {"ssh_port": "x"}])
def test_what_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch, extra: dict[str, str]) -> None:
    with pytest.raises(InvalidRequestError, match="'git_mirror'"):
        connect(monkeypatch, host="https://h/x.git", extra=extra)


def test_one_that_is_not_there_is_named(session: object) -> None:
    with pytest.raises(NotFoundError, match="no connection 'nothing'"):
        AirflowConnections().git_access("nothing")
