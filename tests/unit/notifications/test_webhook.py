"""Signed requests to receivers, good ones and bad ones."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from airflow_release_plugin.exceptions import InvalidRequestError, UnavailableError
from airflow_release_plugin.notifications.webhook import WebhookNotifier, payload, signature
from tests.harness.webhook_receiver import receiver

pytestmark = pytest.mark.req("R40")
NOTICE = {"event": "requested", "kind": "promotion", "summary": "R-000001 Étude awaits approval", "id": 7}
SECRET = "a secret that both know"

Connect = Callable[..., None]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Lay down the connection that the notifier uses."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")

    def made(port: int, path: str = "/hook", password: str = SECRET, **extra: Any) -> None:
        connection = {
            "conn_type": "http",
            "host": f"http://127.0.0.1:{port}{path}",
            "password": password,
            "extra": extra,
        }
        monkeypatch.setenv("AIRFLOW_CONN_BOARD", json.dumps(connection))

    return made


def send(**kwargs: Any) -> None:
    WebhookNotifier(webhook_conn_id="board", **kwargs).notify({"notice": NOTICE})


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of https://github.com/standard-webhooks/standard-webhooks."""
    signed = signature(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        b'{"test": 2432232314}',
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_check_what_it_gets(connect: Connect) -> None:
    with receiver() as board:
        connect(board.port)
        send(endpoint="releases")
        ((path, headers, body),) = board.got

    assert path == "/hook/releases"
    assert headers["webhook-id"] == "msg_7"
    signed = f"msg_7.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    told = json.loads(body)
    assert (told["type"], told["data"]) == ("release.requested", NOTICE)


@pytest.mark.parametrize(
    ("kind", "said"), [("gate", "gate"), ("drift", "environment"), ("rollback", "release")]
)
def test_the_type_says_what_it_is_about(kind: str, said: str) -> None:
    assert json.loads(payload({**NOTICE, "kind": kind}))["type"] == f"{said}.requested"


@pytest.mark.parametrize(
    ("kind", "event", "said"),
    [("export", "export_ready", "export.ready"), ("digest", "digest", "person.digest")],
)
def test_what_is_about_no_release_says_so(kind: str, event: str, said: str) -> None:
    assert json.loads(payload({**NOTICE, "kind": kind, "event": event}))["type"] == said


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_an_answer_that_is_no_success_is_an_error(connect: Connect, status: int) -> None:
    with receiver(status) as board:
        connect(board.port)
        with pytest.raises(UnavailableError, match=f"The receiver answered {status}"):
            send()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_leads_nowhere(connect: Connect, status: int) -> None:
    """Else a receiver could let the API server call whatever is reachable from there."""
    with receiver() as elsewhere, receiver(status, Location=f"http://127.0.0.1:{elsewhere.port}/") as board:
        connect(board.port)
        with pytest.raises(UnavailableError, match=str(status)):
            send()
        assert (len(board.got), elsewhere.got) == (1, [])


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        ("//evil.example.org/x", "/hook/evil.example.org/x"),
        ("@evil.example.org", "/hook/%40evil.example.org"),
        ("?a=b", "/hook/%3Fa%3Db"),
        ("a#b\\c", "/hook/a%23b%5Cc"),
        ("%2e%2e/x", "/hook/%252e%252e/x"),
        ("R-1 é", "/hook/R-1%20%C3%A9"),
        ("/", "/hook"),
    ],
)
def test_an_endpoint_is_a_path_below_that_of_the_connection(
    connect: Connect, endpoint: str, path: str
) -> None:
    with receiver() as board:
        connect(board.port)
        send(endpoint=endpoint)
        assert [got[0] for got in board.got] == [path]


@pytest.mark.parametrize("endpoint", ["../../x", "a/../../x", "..", "./x"])
def test_an_endpoint_that_leads_out_of_it_is_refused(connect: Connect, endpoint: str) -> None:
    with receiver() as board:
        connect(board.port)
        with pytest.raises(InvalidRequestError, match="leads out of"):
            send(endpoint=endpoint)
        assert board.got == []


def test_a_receiver_that_hangs_costs_the_time_of_the_connection(connect: Connect) -> None:
    import httpx

    with socket.create_server(("127.0.0.1", 0)) as silent:
        connect(silent.getsockname()[1], timeout=0.2)
        with pytest.raises(httpx.TimeoutException):
            send()


def test_without_a_secret_nothing_is_sent(connect: Connect) -> None:
    with receiver() as board:
        connect(board.port, password="")
        with pytest.raises(InvalidRequestError, match="has no password"):
            send()
        assert board.got == []


@pytest.mark.parametrize("secret", ["whsec_abc", "whsec_"])
def test_a_secret_that_was_cut_off_is_named(connect: Connect, secret: str) -> None:
    with receiver() as board:
        connect(board.port, password=secret)
        with pytest.raises(InvalidRequestError, match="copy the whole secret"):
            send()
        assert board.got == []
