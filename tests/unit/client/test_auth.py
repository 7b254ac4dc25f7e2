from __future__ import annotations

import logging

import pytest

from airflow_release_plugin.client.auth import token_expiry
from airflow_release_plugin.exceptions import NotAuthenticatedError, ReleaseError, UnavailableError
from tests.unit.client.server import Answer, jwt, release


@pytest.fixture(autouse=True)
def a_release(server):
    server.script("GET", "/releases/7", release())


def test_one_login_serves_many_requests(server, client):
    for _ in range(3):
        client.get_release(7)
    assert len(server.called("/auth/token")) == 1


def test_token_near_its_end_is_replaced_before_it_is_used(server, client):
    server.token_life = 10
    client.get_release(7)
    client.get_release(7)
    assert len(server.called("/auth/token")) == 2
    assert len(server.called("/release/api/v1/releases/7")) == 2


def test_token_that_the_server_forgot_is_fetched_again_once(server, client):
    client.get_release(7)
    server.valid_tokens.clear()
    assert client.get_release(7).id == 7
    assert len(server.called("/auth/token")) == 2


def test_fresh_token_that_is_refused_is_an_error_and_not_a_loop(server, client):
    server.script("GET", "/releases/7", Answer(401, {"error": "not_authenticated", "detail": "no"}))
    with pytest.raises(NotAuthenticatedError):
        client.get_release(7)
    assert len(server.called("/auth/token")) == 1


def test_wrong_password_names_user_and_server_but_not_the_password(server, make_client):
    with pytest.raises(NotAuthenticatedError, match="'svc'") as caught:
        make_client(password="wr0ng").get_release(7)
    assert "wr0ng" not in str(caught.value)


def test_ready_token_is_sent_without_a_login(server, make_client):
    token = jwt()
    server.valid_tokens.add(token)
    make_client(login="", password=token).get_release(7)
    assert not server.called("/auth/token")


def test_ended_ready_token_is_an_error(make_client):
    with pytest.raises(NotAuthenticatedError):
        make_client(login="", password=jwt()).get_release(7)


def test_connection_without_credentials_says_what_to_add(make_client):
    with pytest.raises(NotAuthenticatedError, match="add them"):
        make_client(login="", password="").get_release(7)


@pytest.mark.parametrize(
    ("answer", "error"), [(Answer(500, {}), UnavailableError), (Answer(200, {"other": 1}), ReleaseError)]
)
def test_login_that_answers_something_else_is_named(server, client, monkeypatch, answer, error):
    monkeypatch.setattr(server, "_login", lambda request: answer)
    with pytest.raises(error, match=server.url):
        client.get_release(7)


def test_no_secret_is_logged(client, server, caplog):
    with caplog.at_level(logging.DEBUG):
        client.get_release(7)
    assert "s3cret" not in caplog.text
    assert not any(token in caplog.text for token in server.valid_tokens)


@pytest.mark.parametrize("token", ["", "abc", "a.b.c", "a.e30.c"])
def test_text_that_is_no_jwt_has_no_expiry(token):
    assert token_expiry(token) is None
